/** Reading facts from `context` and `user`, which hold whatever the requester put there, or nothing. */

export type Facts = Readonly<Record<string, unknown>>
/** Facts as conditions see them. Maps, as a plain object with a field called `constructor` passes for something else. */
export type FactMap = ReadonlyMap<string, unknown>

/** Recurses: only for facts of bounded depth. */
export function factMap(facts: Facts): FactMap {
  return new Map(Object.entries(facts).map(([name, value]) => [name, mapped(value)]))
}

function mapped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mapped)
  return typeof value === 'object' && value !== null ? factMap(value as Facts) : value
}

const YES = new Set([
  'true',
  'yes',
  'y',
  '1',
  'on',
  'granted',
  'given',
  'confirmed',
  'approved',
  'obtained',
  'ok',
])
// biome-ignore format: a table reads better in rows.
const NO = new Set([
  'false', 'no', 'n', '0', 'off', 'none', 'denied', 'refused', 'withheld', 'withdrawn', 'revoked', 'not given',
  'not granted', 'missing', 'pending', 'unknown', 'declined', 'rejected', 'null', '',
])

/** `userConsent`, `user-consent` and `User_Consent` are one name. */
function plainName(name: string): string {
  return name
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1_$2')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
}

export interface Fact {
  readonly name: string
  readonly value: unknown
}

/** What stands under any of the names, however they are cased; also one level down, as in `owner.consent`. */
export function factsNamed(facts: FactMap, names: readonly string[]): Fact[] {
  const wanted = new Set(names.map(plainName))
  const found: Fact[] = []
  const gather = (level: FactMap, prefix: string): void => {
    for (const [key, value] of level) {
      const name = plainName(key)
      if (wanted.has(name) || wanted.has(prefix + name)) found.push({ name: key, value })
      else if (prefix === '' && value instanceof Map) gather(value, `${name}_`)
    }
  }
  gather(facts, '')
  return found
}

/** Yes, no, or neither: `true`, 1, "yes"; `false`, 0, "no", null; anything else says nothing. */
export function truthOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (value === null) return false
  if (typeof value === 'number') return value !== 0
  if (typeof value !== 'string') return undefined
  const word = value.trim().toLowerCase()
  if (YES.has(word)) return true
  return NO.has(word) ? false : undefined
}

/** The first fact under the names that says `truth`. */
export function saying(facts: FactMap, names: readonly string[], truth: boolean): Fact | undefined {
  return factsNamed(facts, names).find((fact) => truthOf(fact.value) === truth)
}

/** The truth of a flag, or `otherwise` where it is missing or says neither yes nor no. A contradiction is a no. */
export function flag(facts: FactMap, names: readonly string[], otherwise: boolean): boolean {
  if (saying(facts, names, false) !== undefined) return false
  return saying(facts, names, true) !== undefined || otherwise
}

/** The greatest number under the names ("$5,000" is 5000), or `otherwise` where there is none. */
export function numberOf(facts: FactMap, names: readonly string[], otherwise: number): number {
  const numbers = factsNamed(facts, names)
    .map(({ value }) => (typeof value === 'string' ? readNumber(value) : value))
    .filter((value): value is number => typeof value === 'number' && Number.isFinite(value))
  return numbers.length > 0 ? Math.max(...numbers) : otherwise
}

// biome-ignore format: a table reads better in rows.
const SCALES = new Map([
  ['k', 1e3], ['thousand', 1e3], ['grand', 1e3], ['m', 1e6], ['mio', 1e6], ['million', 1e6], ['bn', 1e9], ['billion', 1e9],
])

function readNumber(text: string): number {
  const match = /(-?\d[\d,'_]*(?:\.\d+)?)\s*([a-z]*)/i.exec(text)
  if (match === null) return Number.NaN
  return Number((match[1] ?? '').replace(/[,'_]/g, '')) * (SCALES.get((match[2] ?? '').toLowerCase()) ?? 1)
}

const CURRENCY = String.raw`[$€£¥₹₿]|\b(?:us\$|usd|eur|gbp|chf|jpy|cad|aud|btc|eth)\b`
const CURRENCY_WORD = String.raw`(?:[$€£¥₹₿]|(?:dollars?|euros?|pounds?|bucks|francs?|yen|rupees?|quid|cents?|bitcoins?|usd|eur|gbp|chf|jpy|cad|aud|btc|eth)\b)`
const NUMBER = String.raw`\d[\d,'_]{0,30}(?:\.\d{1,10})?\s?(?:k|m|mio|bn|thousand|grand|million|billion)?`
const MONEY = new RegExp(`(?:${CURRENCY})\\s?(${NUMBER})|(${NUMBER})\\s?${CURRENCY_WORD}`, 'giu')

/** The greatest sum of money the text names, 0 where it names none. Currencies are not told apart. */
export function moneyIn(text: string): number {
  let greatest = 0
  for (const match of text.normalize('NFKC').matchAll(MONEY)) {
    const sum = readNumber(match[1] ?? match[2] ?? '')
    if (Number.isFinite(sum)) greatest = Math.max(greatest, sum)
  }
  return greatest
}
