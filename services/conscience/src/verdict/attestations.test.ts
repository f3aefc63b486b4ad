import { describe, expect, it } from 'vitest'
import { Attestations } from './attestations.js'

function setUp() {
  const clock = { nowMs: 0, timeOfDay: () => clock.nowMs }
  const attestations = new Attestations(clock)
  const put = (requestDigest: string, attestor: string, facts: object, expiresAtMs = 1000) =>
    attestations.put({
      requestDigest,
      requester: 'agent',
      attestor,
      facts: facts as Record<string, unknown>,
      expiresAtMs,
    })
  return { clock, attestations, put }
}

describe('attestations', () => {
  it('count for their own request alone, and tell who gave them', () => {
    const { attestations, put } = setUp()
    put('one', 'ada', { confirmed: true })
    put('one', 'bob', { consent: true })
    put('two', 'ada', { confirmed: false })
    expect(attestations.about('one', 'agent', 'agent')).toEqual([
      { name: 'confirmed', value: true, attestor: 'ada' },
      { name: 'consent', value: true, attestor: 'bob' },
    ])
    expect(attestations.about('three', 'agent', 'agent')).toEqual([])
  })

  it('count for nobody whose own they are', () => {
    const { attestations, put } = setUp()
    put('one', 'agent', { confirmed: true })
    put('one', 'gateway', { confirmed: true })
    expect(attestations.about('one', 'agent', 'gateway')).toEqual([])
    expect(attestations.about('one', 'another', 'another')).toEqual([])
    put('one', 'ada', { confirmed: true })
    expect(attestations.about('one', 'agent', 'gateway')).toHaveLength(1)
  })

  it('count until they expire, also where they had expired when they came', () => {
    const { clock, attestations, put } = setUp()
    put('one', 'ada', { confirmed: true }, 1000)
    clock.nowMs = 999
    expect(attestations.about('one', 'agent', 'agent')).toHaveLength(1)
    clock.nowMs = 1000
    expect(attestations.about('one', 'agent', 'agent')).toEqual([])
    expect(put('two', 'ada', { confirmed: true }, 1000)).toBe(true)
    expect(attestations.about('two', 'agent', 'agent')).toEqual([])
  })

  it('are replaced by what the same client says later, and taken back', () => {
    const { attestations, put } = setUp()
    put('one', 'ada', { confirmed: true })
    put('one', 'ada', { confirmed: false })
    expect(attestations.about('one', 'agent', 'agent')).toEqual([
      { name: 'confirmed', value: false, attestor: 'ada' },
    ])
    attestations.remove('one', 'ada')
    attestations.remove('one', 'ada')
    expect(attestations.about('one', 'agent', 'agent')).toEqual([])
    expect(attestations.size).toBe(0)
  })

  it('of one client do not take the room of others, and what expired gives room', () => {
    const { clock, attestations, put } = setUp()
    let taken = 0
    while (put(`request ${taken}`, 'flood', { confirmed: true })) taken++
    expect(taken).toBe(2000)
    expect(put('one', 'ada', { confirmed: true })).toBe(true)
    for (let i = 0; i < 20_000; i++) put(`request ${i}`, `client ${i % 100}`, {})
    expect(attestations.size).toBe(10_000)
    expect(put('two', 'ada', { confirmed: true }, 5000)).toBe(false)
    clock.nowMs = 1000
    expect(put('two', 'ada', { confirmed: true }, 5000)).toBe(true)
    expect(attestations.size).toBe(1)
  })
})
