import type { LatencyHistogram } from '@jamey/protocol'

/**
 * The duration in milliseconds within which the share `q` (0 to 1) of what was observed lies, as far as the bounds of the
 * histogram tell: what lies beyond the highest is said to be that bound. 0 where nothing was.
 */
export function quantileMs(histogram: Pick<LatencyHistogram, 'count' | 'buckets'>, q: number): number {
  const wanted = histogram.count * q
  if (wanted === 0) return 0
  let [lower, below] = [0, 0]
  for (const { upTo, count } of histogram.buckets()) {
    if (upTo === Number.POSITIVE_INFINITY) break
    if (count >= wanted)
      return rounded((lower + ((upTo - lower) * (wanted - below)) / (count - below)) * 1000)
    lower = upTo
    below = count
  }
  return rounded(lower * 1000)
}

/** Milliseconds to the microsecond. */
export function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
