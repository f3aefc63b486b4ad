import { LatencyHistogram } from '@jamey/protocol'
import { describe, expect, it } from 'vitest'
import { quantileMs } from './quantiles.js'

describe('a quantile of durations', () => {
  it('is 0 where there are none, and lies between the bounds of its bucket', () => {
    const histogram = new LatencyHistogram()
    expect(quantileMs(histogram, 0.99)).toBe(0)
    for (let ms = 1; ms <= 100; ms++) histogram.observe(ms)
    const p50 = quantileMs(histogram, 0.5)
    expect([p50 > 25, p50 <= 50]).toEqual([true, true])
    expect(quantileMs(histogram, 0.99)).toBeGreaterThan(quantileMs(histogram, 0.5))
  })

  it('is the highest bound for what lies beyond all of them', () => {
    const histogram = new LatencyHistogram()
    histogram.observe(1e9)
    const highest = Math.max(...histogram.buckets().map(({ upTo }) => (Number.isFinite(upTo) ? upTo : 0)))
    expect(quantileMs(histogram, 0.5)).toBe(highest * 1000)
  })
})
