import { describe, expect, it } from 'vitest'
import type { Findings } from '../thread/evaluation-message.js'
import type { JudgeAnswer } from './judge.js'
import { withOpinion } from './opinion.js'

const found = (decision: Findings['decision'], mayBeJudged = false): Findings => ({
  decision,
  reasons: decision === 'ask' ? [] : ['a rule'],
  rules: [],
  failures: [],
  mayBeJudged,
  readsContext: false,
  policyVersion: '1',
})
const says = (score: number): JudgeAnswer => ({ status: 'used', opinion: { score, text: 'so I think' } })

describe('the opinion of a judge', () => {
  it.each([
    ['allow', -0.1, false, 'deny'],
    ['ask', -1, false, 'deny'],
    ['deny', 1, true, 'deny'],
    ['ask', 1, false, 'ask'],
    ['ask', 1, true, 'allow'],
    ['ask', 0, true, 'ask'],
    ['allow', 1, false, 'allow'],
  ] as const)('makes of %s with %d, where it may allow: %s, %s', (decision, score, may, expected) => {
    expect(withOpinion(found(decision, may), says(score)).decision).toBe(expected)
  })

  it.each([
    ['allow', ['the judge was not heard (no answer)'], 'ask'],
    ['ask', ['no rule knows it', 'the judge was not heard (no answer)'], 'ask'],
    ['deny', ['a rule', 'the judge was not heard (no answer)'], 'deny'],
  ] as const)('that is not had allows nothing: of %s, with %j, it makes %s', (before, why, after) => {
    const { decision, reasons } = withOpinion(found(before, true), { status: 'failed', error: 'no answer' })
    expect(decision).toBe(after)
    expect(reasons).toEqual(why)
  })
})
