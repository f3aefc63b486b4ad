import { describe, expect, it } from 'vitest'
import { randomUuid } from './uuid.js'

describe('a random UUID', () => {
  const drawn = Array.from({ length: 50_000 }, () => randomUuid())

  it('has the version and the variant of RFC 9562 section 5.4', () => {
    const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    expect(drawn.filter((uuid) => !uuidV4.test(uuid))).toEqual([])
  })

  it('is never given twice', () => {
    expect(new Set(drawn).size).toBe(drawn.length)
  })

  it('takes each of its other digits from chance', () => {
    for (const [position, digit] of [...(drawn[0] ?? '')].entries()) {
      const seen = new Set(drawn.map((uuid) => uuid[position]))
      const expected = digit === '-' || position === 14 ? 1 : position === 19 ? 4 : 16
      expect(seen.size, `position ${position}`).toBe(expected)
    }
  })

  it('begins as many of those that were given before and after it, so that an index has them beside each other', () => {
    const beginnings = drawn.map((uuid) => uuid.slice(0, 6))
    const changes = beginnings.filter((one, i) => i > 0 && one !== beginnings[i - 1]).length
    expect(changes).toBeLessThan(drawn.length / 100)
  })
})
