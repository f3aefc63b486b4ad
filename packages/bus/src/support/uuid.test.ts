import { describe, expect, it } from 'vitest'
import { randomUuid } from './uuid.js'

describe('a random UUID', () => {
  const drawn = Array.from({ length: 1000 }, () => randomUuid())

  it('has the version and the variant of RFC 9562 section 5.4', () => {
    for (const uuid of drawn) {
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
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
})
