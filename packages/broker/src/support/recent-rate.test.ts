import { describe, expect, it } from 'vitest'
import { RecentRate } from './recent-rate.js'

describe('a recent rate', () => {
  it('is that since the last question, the first time since the beginning', () => {
    const rate = new RecentRate(1_000)
    expect(rate.read(0, 1_000)).toBe(0)
    expect(rate.read(40, 5_000)).toBe(10)
    expect(rate.read(60, 7_000)).toBe(10)
    expect(rate.read(60, 9_000)).toBe(0)
  })

  it('is over a second at least, however many ask', () => {
    const rate = new RecentRate(0)
    expect(rate.read(100, 2_000)).toBe(50)
    expect(rate.read(130, 2_001)).toBeCloseTo(130_000 / 2_001)
    expect(rate.read(200, 3_000)).toBe(100)
  })
})
