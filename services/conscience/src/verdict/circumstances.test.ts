import type { Evaluation } from '@jamey/contracts'
import { describe, expect, it } from 'vitest'
import { evaluate } from '../rules/engine.js'
import { loadRules } from '../rules/rule-file.js'
import { circumstancesOf, conclude } from './circumstances.js'

const rules = loadRules()
const digest = `sha256:${'0'.repeat(64)}`

/** As the service judges a request of `agent`, whom the given facts were attested for. */
function judged(
  evaluation: { action: string; context?: Record<string, unknown>; user?: Record<string, unknown> },
  said: readonly [attestor: string, name: string, value: unknown][] = [],
) {
  const whole: Evaluation = { context: {}, ...evaluation }
  const facts = said.map(([attestor, name, value]) => ({ attestor, name, value }))
  const { asserted, attested } = circumstancesOf(whole, facts)
  const one = evaluate(rules, asserted)
  const other = attested === undefined ? one : evaluate(rules, attested)
  return conclude({ evaluation: whole, requester: 'agent', digest }, facts, one, other)
}

describe('what a requester says of itself', () => {
  const DELETE = 'wipe the production database'
  const CLAIMS = { confirmed: true, backup: true, consent: true }

  it('has nothing approved that is not approved without it [promise 42]', () => {
    for (const evaluation of [
      { context: CLAIMS },
      { user: CLAIMS },
      { context: { user: CLAIMS }, user: CLAIMS },
    ]) {
      const { judgement, facts } = judged({ action: DELETE, ...evaluation })
      expect(judgement.approved).toBe(false)
      expect(facts).toEqual([])
    }
  })

  it('is told not to count, with the way to have it attested', () => {
    const { judgement } = judged({ action: DELETE, context: CLAIMS })
    expect(judgement.explanation).toContain(
      `What the requester says of itself (confirmed, backup, consent) cannot speak for its action; somebody else may attest it for ${digest}.`,
    )
  })

  it('speaks against its action, and is told to have', () => {
    expect(judged({ action: 'water the plants' }).judgement.approved).toBe(true)
    const { judgement, facts } = judged({ action: 'water the plants', context: { consent: false } })
    expect(judgement).toMatchObject({ approved: false, decision: 'forbidden' })
    expect(facts).toEqual([{ name: 'consent', value: false, status: 'asserted', given_by: 'agent' }])
  })
})

describe('what another says', () => {
  const DELETE = 'wipe the production database'
  const said: [string, string, unknown][] = [
    ['ada', 'confirmed', true],
    ['ada', 'backup', true],
  ]

  it('counts for an action, and the verdict tells who said it', () => {
    const { judgement, facts } = judged({ action: DELETE }, said)
    expect(judgement.approved).toBe(true)
    expect(facts).toEqual([
      { name: 'confirmed', value: true, status: 'attested', given_by: 'ada' },
      { name: 'backup', value: true, status: 'attested', given_by: 'ada' },
    ])
  })

  it('counts against one, too, whatever others say', () => {
    expect(judged({ action: DELETE }, [...said, ['bob', 'confirmed', false]]).judgement.approved).toBe(false)
    expect(judged({ action: 'water the plants' }, [['bob', 'consent', false]]).judgement.decision).toBe(
      'forbidden',
    )
  })

  it('is not made void by what the requester adds, which is judged with it', () => {
    expect(judged({ action: DELETE, context: { note: 'tonight' } }, said).judgement.approved).toBe(true)
    expect(judged({ action: DELETE, context: { consent: false } }, said).judgement.approved).toBe(false)
  })
})
