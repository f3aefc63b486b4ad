import { describe, expect, it } from 'vitest'
import type { Findings } from '../thread/evaluation-message.js'
import { askOf } from './call-ask.js'

const FOUND = {
  decision: 'ask',
  rules: [{ name: 'payment', decision: 'ask', reason: 'it pays' }],
  reasons: ['it pays'],
  policyVersion: '1',
  callDigest: 'sha256:asked',
  failures: [],
} as unknown as Findings
const EVALUATION = { tool: 'pay', arguments: { amount: 900 } }
const PEOPLE = { requestedBy: 'agent', sentBy: 'gateway' }

describe('what people are asked', () => {
  it('is the call as it came, where no rule changes it', () => {
    const ask = askOf({ found: FOUND, evaluation: EVALUATION, ...PEOPLE })
    expect(ask).toMatchObject({ ...EVALUATION, callDigest: 'sha256:asked', rules: ['payment'], approvers: 1 })
    expect(ask.changedArguments).toBeUndefined()
  })

  it('has what the requester says of it, and where it is made', () => {
    const said = { intent: 'to settle the bill', cwd: '/home/ann/bills' }
    expect(askOf({ found: FOUND, evaluation: { ...EVALUATION, ...said }, ...PEOPLE })).toMatchObject(said)
  })

  it('has the arguments that a rule changed beside those that came, for these would be used', () => {
    const found = { ...FOUND, arguments: { amount: 100 }, changedCallDigest: 'sha256:changed' }
    expect(askOf({ found, evaluation: EVALUATION, ...PEOPLE })).toMatchObject({
      arguments: { amount: 900 },
      changedArguments: { amount: 100 },
      changedCallDigest: 'sha256:changed',
    })
  })
})
