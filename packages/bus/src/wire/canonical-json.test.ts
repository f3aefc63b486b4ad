import canonicalize from 'canonicalize'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from './canonical-json.js'

const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000)
const ROUNDS = 5_000
/** Of names and texts: digits, which objects put first, what JSON escapes, both planes, and half a surrogate pair. */
const CHARACTERS = ['a', 'b', 'Z', '1', '10', '_', '"', '\\', '\n', '\u0001', '\u20ac', '\ue000', '\u{1f600}']
const HALF = '\ud83d'

/** Numbers from 0 to 1, the same ones for a seed. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

class Values {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = randomFrom(seed)
  }

  one(depth = 0): unknown {
    const kind = this.#below(depth > 4 ? 5 : 8)
    if (kind === 0) return this.#pick([true, false, null])
    if (kind < 3) return this.#text()
    if (kind < 5) return this.#number()
    if (kind < 6) return Array.from({ length: this.#below(4) }, () => this.one(depth + 1))
    return Object.fromEntries(
      Array.from({ length: this.#below(6) }, () => [this.#text(), this.one(depth + 1)]),
    )
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T
  }

  #text(): string {
    if (this.#below(200) === 0) return HALF
    return Array.from({ length: this.#below(4) }, () => this.#pick(CHARACTERS)).join('')
  }

  #number(): number {
    const scale = 10 ** (this.#below(60) - 30)
    return this.#pick([0, -0, 1, -7, Number.MAX_SAFE_INTEGER, 5e-324, 1e21, this.#random() * scale])
  }
}

/** The text, or what is wrong. */
function outcome(write: (value: unknown) => string | undefined, value: unknown): string | undefined {
  try {
    return write(value)
  } catch (error) {
    return `${error}`
  }
}

describe('canonical JSON', () => {
  it(`is what the library writes, or says, of anything that JSON says (FUZZ_SEED=${SEED})`, () => {
    const values = new Values(SEED)
    const kinds = { written: 0, refused: 0 }
    for (let i = 0; i < ROUNDS; i++) {
      const value = values.one()
      const expected = outcome(canonicalize, value)
      if (outcome(canonicalJson, value) !== expected) expect.fail(`differs for ${JSON.stringify(value)}`)
      kinds[expected?.startsWith('Error') ? 'refused' : 'written']++
    }
    expect(kinds.written).toBeGreaterThan(ROUNDS / 2)
    expect(kinds.refused).toBeGreaterThan(0)
  })

  it.each([
    ['a date', new Date(0)],
    ['what JSON leaves out', { b: undefined, a: [undefined, () => {}, Symbol('s')] }],
    ['no number', [Number.NaN]],
    ['an infinite number', { a: Number.POSITIVE_INFINITY }],
    ['half a pair in a name', { [HALF]: 1 }],
    ['a member of the prototype’s name', JSON.parse('{"b":1,"__proto__":{"a":2},"toJSON":3}')],
    ['nothing', undefined],
  ])('is what the library makes of %s', (_, value) => {
    expect(outcome(canonicalJson, value)).toBe(outcome(canonicalize, value))
  })

  it.each<[string, unknown, string]>([
    [
      'names by their UTF-16 code units',
      { ö: 1, '\u{1f602}': 2, '\ufb33': 3, '\u0080': 4, a: 5, '\r': 6, '1': 7 },
      '{"\\r":6,"1":7,"a":5,"\u0080":4,"ö":1,"\u{1f602}":2,"\ufb33":3}',
    ],
    [
      'names by no language',
      { péche: 1, peach: 2, pêche: 3, sin: 4 },
      '{"peach":2,"péche":1,"pêche":3,"sin":4}',
    ],
    [
      'names that are numbers as texts',
      { 9: [], 10: {}, 111: '', '': 0, A: 1, a: 2 },
      '{"":0,"10":{},"111":"","9":[],"A":1,"a":2}',
    ],
    [
      'members of members, and lists as they are',
      [{ b: { d: 1, c: 2 }, a: [2, 1] }],
      '[{"a":[2,1],"b":{"c":2,"d":1}}]',
    ],
    [
      'what JSON must escape, in lower case and no more of it',
      '\u0000\b\t\n\u000b\f\r\u001f"\\/\u007f\u2028\u20ac',
      '"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\"\\\\/\u007f\u2028\u20ac"',
    ],
    ['no other form of a letter', 'A\u030a', '"A\u030a"'],
    ['numbers without a sign of nothing', [0, -0, 0.0, -1.5], '[0,0,0,-1.5]'],
    [
      'numbers where their notation changes',
      [1e20, 1e21, 999999999999999900000, 0.000001, 1e-7, 123456789012345680000],
      '[100000000000000000000,1e+21,999999999999999900000,0.000001,1e-7,123456789012345680000]',
    ],
    [
      'numbers at the ends of their range',
      [5e-324, 2.2250738585072014e-308, Number.MAX_VALUE, 2 ** 53, -(2 ** 53) - 2],
      '[5e-324,2.2250738585072014e-308,1.7976931348623157e+308,9007199254740992,-9007199254740994]',
    ],
    [
      'numbers with the fewest digits that tell them apart',
      [JSON.parse('333333333.33333329'), 0.1 + 0.2, 4.35, 1 / 3],
      '[333333333.3333333,0.30000000000000004,4.35,0.3333333333333333]',
    ],
  ])('has %s [RFC8785-3.2]', (_, value, text) => {
    expect(canonicalJson(value)).toBe(text)
  })

  it('is none of thousands of levels', () => {
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(() => canonicalJson(deep)).toThrow(RangeError)
  })
})
