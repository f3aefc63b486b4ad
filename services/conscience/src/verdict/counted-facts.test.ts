import { describe, expect, it } from 'vitest'
import { attestedFacts, countedFacts } from './counted-facts.js'

const said = (attestor: string, name: string, value: unknown) => ({ attestor, name, value })

describe('what others vouch for', () => {
  it('counts by its name, and a verdict tells who said it', () => {
    const facts = [
      said('ada', 'confirmed', true),
      said('bob', 'backup', true),
      said('bob', 'confirmed', true),
    ]
    expect(attestedFacts(facts)).toEqual({ confirmed: true, backup: true })
    expect(countedFacts(facts.slice(0, 1), undefined)).toEqual([
      { name: 'confirmed', value: true, status: 'attested', given_by: 'ada' },
    ])
  })

  it.each([
    [[true, false], { confirmed: false }],
    [[false, true], { confirmed: false }],
    [[1, 2], {}],
  ])('counts against where they contradict each other, or not at all: %j', (values, expected) => {
    const facts = values.map((value, i) => said(`p${i}`, 'confirmed', value))
    expect(attestedFacts(facts)).toEqual(expected)
  })
})

it('what a requester says of itself is told in few words where it counted', () => {
  const context = { consent: false, note: 'x'.repeat(500), more: { a: 1 } }
  expect(countedFacts([], { context, requester: 'agent' })).toEqual([
    { name: 'consent', value: false, status: 'asserted', given_by: 'agent' },
    { name: 'note', value: `${'x'.repeat(200)}...`, status: 'asserted', given_by: 'agent' },
    { name: 'more', value: 'an object', status: 'asserted', given_by: 'agent' },
  ])
})
