import { describe, expect, it } from 'vitest'
import { momentsOf, nearestOf, stepsOf } from './chart-scale.js'

describe('the steps of a scale', () => {
  it.each([
    [1, [0, 0.5, 1]],
    [1.15, [0, 0.5, 1]],
    [7, [0, 5]],
    [287.5, [0, 100, 200]],
    [3_000, [0, 1_000, 2_000, 3_000]],
  ])('up to %d are figures that people count by', (top, expected) => {
    expect(stepsOf(top, 3, false)).toEqual(expected)
  })

  it('of bytes are powers of two, and no less than a byte', () => {
    expect(stepsOf(300_000, 3, true)).toEqual([0, 131_072, 262_144])
    expect(stepsOf(1.15, 3, true)).toEqual([0, 1])
  })

  it('are never more than there is room for', () => {
    for (let top = 0.001; top < 1e9; top *= 1.37)
      for (const isBinary of [false, true]) expect(stepsOf(top, 3, isBinary).length).toBeLessThanOrEqual(4)
  })
})

describe('the moments of a scale', () => {
  it('are whole ones of the clock', () => {
    expect(momentsOf(1_000, 1_900, 5)).toEqual({ moments: [1_200, 1_500, 1_800], step: 300 })
    expect(momentsOf(1_000, 1_120, 5).moments).toEqual([1_020, 1_050, 1_080, 1_110])
  })

  it('are none where there is no room', () => {
    expect(momentsOf(1_001, 1_121, 0).moments.length).toBeLessThanOrEqual(1)
  })
})

describe('the nearest value', () => {
  it('is found before, between and behind all of them', () => {
    expect([0, 14, 16, 99].map((to) => nearestOf([10, 20, 30], to))).toEqual([0, 0, 1, 2])
    expect(nearestOf([], 5)).toBe(0)
  })
})
