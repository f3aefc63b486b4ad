import { LatencyHistogram } from '@jamey/protocol'
import { describe, expect, it } from 'vitest'
import { RecentLatencies } from './recent-latencies.js'

const MINUTE = 60_000

function observed(...times: readonly (readonly [number, number])[]): LatencyHistogram {
  const histogram = new LatencyHistogram()
  for (const [ms, count] of times) for (let i = 0; i < count; i++) histogram.observe(ms)
  return histogram
}

describe('recent latencies', () => {
  it('are those since somebody looked, and none before that', () => {
    const recent = new RecentLatencies()
    const commits = observed([400, 1_000])
    expect(recent.read([['commits', commits]], 0)).toBeUndefined()
    expect(recent.read([['commits', commits]], 5_000)).toEqual({ seconds: 5, ms: {} })
    for (let i = 0; i < 100; i++) commits.observe(1)
    const found = recent.read([['commits', commits]], 10_000)
    expect(found).toMatchObject({ seconds: 10, ms: { commits: { count: 100 } } })
    expect(found?.ms['commits']?.p99).toBeLessThanOrEqual(1)
  })

  it('forget what was slow two minutes ago', () => {
    const recent = new RecentLatencies()
    const commits = observed()
    const p99 = (atMs: number) => recent.read([['commits', commits]], atMs)?.ms['commits']?.p99 ?? 0
    p99(0)
    for (let i = 0; i < 10; i++) commits.observe(900)
    expect(p99(10_000)).toBeGreaterThan(500)
    for (let atMs = 20_000; atMs <= 140_000; atMs += 10_000) {
      commits.observe(1)
      p99(atMs)
    }
    expect(p99(141_000)).toBeLessThanOrEqual(1)
  })

  it('compare with nothing that is too long ago', () => {
    const recent = new RecentLatencies()
    const commits = observed([900, 10])
    recent.read([['commits', commits]], 0)
    expect(recent.read([['commits', commits]], 60 * MINUTE)).toBeUndefined()
  })

  it('begin anew with a component that did', () => {
    const recent = new RecentLatencies()
    recent.read([['request a', observed([900, 10])]], 0)
    const found = recent.read([['request a', observed([1, 3])]], 5_000)
    expect(found?.ms['request a']).toMatchObject({ count: 3 })
  })
})
