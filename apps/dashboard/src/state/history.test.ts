import type { BrokerStatus } from '@jamey/contracts'
import { describe, expect, it } from 'vitest'
import { History, WINDOW_SECONDS } from './history.js'

const none = { qos0: 0, qos1: 0, qos2: 0 }

/** `uptime` is that of the broker at the time of the poll. */
function statusOf(received: number, uptime: number, more: Partial<BrokerStatus> = {}): BrokerStatus {
  return {
    version: '0',
    started_at: '2026-11-30T10:00:00.000Z',
    uptime_seconds: uptime,
    connections: 3,
    sessions: 3,
    subscriptions: 3,
    retained: 0,
    in_flight: 0,
    queued: { messages: 2, bytes: 20 },
    messages: { received: { ...none, qos1: received }, sent: { ...none, qos0: received * 2 } },
    bytes: { received: received * 10, sent: 0 },
    dropped: {},
    refused: {},
    latency_recent: { seconds: 120, ms: { often: { p50: 1, p99: 4, count: 10 } } },
    latency_ms: {
      seldom: { p50: 1, p99: 9, count: 1 },
      often: { p50: 1, p99: 400, count: 100 },
    },
    event_loop_delay_ms: { p50: 1, p99: 2 },
    memory_bytes: 1,
    store_failing_seconds: 0,
    descriptors: { open: 1 },
    limits: {},
    listeners: [],
    certificates: [],
    ...more,
  }
}

describe('the history of rates', () => {
  it('is made of two looks at the counters, by the clock that only goes forward', () => {
    const history = new History()
    history.add(statusOf(100, 1), 1_000, 1)
    expect(history.samples).toEqual([])
    // The time of day was corrected in between.
    history.add(statusOf(150, 6), 900, 6)
    expect(history.samples).toMatchObject([{ at: 900, received: 10, sent: 20, bytesReceived: 100 }])
  })

  it('names first what happens most often', () => {
    const history = new History()
    history.add(statusOf(1, 1), 1_000, 1)
    history.add(statusOf(2, 6), 1_005, 6)
    expect(Object.entries(history.samples[0]?.latencyP99 ?? {})).toEqual([
      ['often', 4],
      ['seldom', null],
    ])
  })

  it('begins anew with a broker that did', () => {
    const history = new History()
    history.add(statusOf(100, 50), 1_000, 1)
    history.add(statusOf(5, 2), 1_005, 6)
    expect(history.samples).toEqual([])
    history.add(statusOf(10, 7), 1_010, 11)
    expect(history.samples).toMatchObject([{ received: 1 }])
  })

  it('keeps fifteen minutes', () => {
    const history = new History()
    for (let i = 0; i <= 400; i++) history.add(statusOf(i, i * 5), 1_000 + i * 5, i * 5)
    const { samples } = history
    expect(samples.length).toBe(WINDOW_SECONDS / 5)
    expect((samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0)).toBeLessThanOrEqual(WINDOW_SECONDS)
  })
})

describe('drops', () => {
  it('are those since the first look, the most first', () => {
    const history = new History()
    history.add(statusOf(1, 1, { dropped: { expired: 5, 'queue-full': 7 } }), 1_000, 1)
    expect(history.growth).toEqual([])
    history.add(statusOf(1, 6, { dropped: { expired: 6, 'queue-full': 17, new: 2 } }), 1_005, 6)
    expect(history.growth).toEqual([
      { reason: 'queue-full', count: 10 },
      { reason: 'new', count: 2 },
      { reason: 'expired', count: 1 },
    ])
    expect(history.since).toBe(1_000)
  })

  it('of a broker that started meanwhile are all that it counted', () => {
    const history = new History()
    history.add(statusOf(1, 50, { dropped: { expired: 5 } }), 1_000, 1)
    history.add(statusOf(1, 0, { dropped: { expired: 2 } }), 1_005, 6)
    expect(history.growth).toEqual([{ reason: 'expired', count: 2 }])
  })
})
