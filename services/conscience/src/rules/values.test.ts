import { describe, expect, it } from 'vitest'
import { factMap, flag as flagIn, moneyIn, numberOf as numberIn, saying } from './values.js'

const flag = (facts: object, names: string[], otherwise: boolean) =>
  flagIn(factMap({ ...facts }), names, otherwise)
const numberOf = (facts: object, names: string[], otherwise: number) =>
  numberIn(factMap({ ...facts }), names, otherwise)

describe('a flag', () => {
  it('is found under any casing, and one level down', () => {
    for (const facts of [
      { user_consent: true },
      { userConsent: 'Yes' },
      { 'User-Consent': 1 },
      { user: { consent: 'granted' } },
    ]) {
      expect(flag(facts, ['user_consent'], false)).toBe(true)
    }
  })

  it('is its default where it is missing or says neither yes nor no', () => {
    for (const facts of [{}, { consent: 'maybe later' }, { consent: [] }, { consent: { given: 'x' } }]) {
      expect(flag(facts, ['consent'], true)).toBe(true)
      expect(flag(facts, ['consent'], false)).toBe(false)
    }
  })

  it('that contradicts itself is a no', () => {
    expect(flag({ consent: true, consentGiven: false }, ['consent', 'consent_given'], true)).toBe(false)
    expect(saying(factMap({ a: null }), ['a'], false)?.name).toBe('a')
  })
})

describe('sums of money', () => {
  for (const [text, sum] of [
    ['transfer $5,000 to', 5000],
    ['20k EUR', 20_000],
    ['1.5 million dollars', 1_500_000],
    ['€ 12.50', 12.5],
    ['3 euros', 3],
    ['２００ＵＳＤ', 200],
    ['$1 and $900', 900],
    ['5000 apples', 0],
    ['', 0],
    ['five dollars', 0],
  ] as const) {
    it(`in ${JSON.stringify(text)} are ${sum}`, () => expect(moneyIn(text)).toBe(sum))
  }

  it('are read from facts as numbers or text, the greatest counts', () => {
    expect(numberOf({ amount: '12,000', price: 5 }, ['amount', 'price'], 0)).toBe(12_000)
    expect(numberOf({ amount: 'much', price: Number.NaN, cost: true }, ['amount', 'price', 'cost'], 7)).toBe(
      7,
    )
  })
})
