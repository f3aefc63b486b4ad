import type { BrokerStatus, ClientSummary } from '@jamey/contracts'
import pc from 'picocolors'
import { describe, expect, it } from 'vitest'
import { amountOfBytes, compact, duration } from './amounts.js'
import { formatTop, type Look } from './top-view.js'

const colors = pc.createColors(false)

const STATUS: BrokerStatus = {
  version: '0.1.0',
  started_at: '2026-11-14T19:00:00.000Z',
  uptime_seconds: 11_520,
  connections: 3,
  sessions: 4,
  subscriptions: 15,
  retained: 56,
  in_flight: 2,
  queued: { messages: 1_234, bytes: 40_960 },
  messages: { received: { qos0: 0, qos1: 7, qos2: 0 }, sent: { qos0: 0, qos1: 3, qos2: 0 } },
  bytes: { received: 16_085, sent: 18_980 },
  dropped: { slow: 0, overflow: 2 },
  refused: { connections: 0 },
  latency_ms: { commits: { p50: 0.4, p99: 4.5, count: 7 } },
  event_loop_delay_ms: { p50: 0.1, p99: 2.4 },
  memory_bytes: 154_447_616,
  store_failing_seconds: 0,
  descriptors: { open: 71 },
  limits: { connections: { value: 10_000, in_use: 3 }, sessions: { value: 100_000, in_use: 4 } },
  listeners: [{ address: '127.0.0.1:1883', tls: false, web_socket: false, connections: 3 }],
  certificates: [],
}

const clientOf = (client_id: string, queued: number, is_connected = true): ClientSummary => ({
  client_id,
  username: client_id,
  ...(is_connected ? { address: '192.0.2.7' } : {}),
  protocol: '5.0',
  is_connected,
  in_flight: 0,
  queued,
  queued_bytes: 0,
  received: 200,
  sent: 3,
  messages_per_second: 1.5,
  dropped: 2,
  subscriptions: 1,
})

const LOOK: Look = {
  status: STATUS,
  rates: { messages_in: 123.4, messages_out: 12_345, bytes_in: 45_000, bytes_out: 1_500_000, dropped: 0.5 },
  clients: [
    clientOf('robot-7', 12),
    clientOf('away', 1_500_000, false),
    clientOf(`${'x'.repeat(60)}-end`, 0),
  ],
}

describe('the picture of a broker', () => {
  it('has what is there, what passes and who is busiest', () => {
    const lines = formatTop(LOOK, { columns: 100, rows: 40, colors, sort: 'queued' })
    expect(lines.slice(0, 6)).toEqual([
      'jamey 0.1.0  up 3 h 12 min  127.0.0.1:1883 (no TLS)',
      'connections 3 of 10k  sessions 4 of 100k  subscriptions 15  retained 56',
      'in 123 msg/s 44 KiB/s  out 12k msg/s 1.4 MiB/s  queued 1.2k and in flight 2 (40 KiB)',
      'dropped 2 (overflow 2)  refused 0',
      'commits p50 0.4 ms p99 4.5 ms  loop p99 2.4 ms  memory 147 MiB  files 71',
      '',
    ])
    expect(lines[6]).toMatch(/^CLIENT +MSG\/S +QUEUED +DROPPED +IN +OUT +FLIGHT +SUBS ADDRESS/)
    expect(lines[7]).toMatch(/^robot-7 +1\.5 +12 +2 +200 +3 +0 +1 192\.0\.2\.7/)
    expect(lines[8]).toMatch(/^away +1\.5 +1\.5M .* away/)
    expect(lines[9]).toMatch(/^x+~x+-end /)
  })

  it.each([20, 34, 60, 100])(
    'is never wider than a terminal of %i columns, nor higher than its rows',
    (columns) => {
      for (const rows of [4, 10, 24]) {
        const lines = formatTop(LOOK, { columns, rows, colors, sort: 'client_id' })
        expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(columns)
        expect(lines.length).toBeLessThanOrEqual(rows)
        if (rows >= 10) expect(lines.some((line) => line.startsWith('robot-7'))).toBe(true)
      }
    },
  )

  it('makes harmless what a client calls itself', () => {
    const clients = [clientOf('\x1b[2Jevil', 0)]
    const text = formatTop({ ...LOOK, clients }, { columns: 80, rows: 40, colors, sort: 'sent' }).join('\n')
    expect(text).toContain('\\u001b[2Jevil')
    expect(text).not.toContain('\x1b')
  })

  it('says loudly that the store fails', () => {
    const status = { ...STATUS, store_failing_seconds: 90, store_bytes: 2_048 }
    const text = formatTop({ ...LOOK, status }, { columns: 80, rows: 40, colors, sort: 'sent' }).join('\n')
    expect(text).toContain('THE STORE FAILS for 1 min 30 s')
    expect(text).toContain('store 2.0 KiB')
  })
})

describe('amounts', () => {
  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [10_239, '10 KiB'],
    [5 * 1_024 ** 4, '5.0 TiB'],
  ])('%i bytes are %s', (bytes, text) => expect(amountOfBytes(bytes)).toBe(text))

  it.each([
    [0, '0'],
    [0.44, '0.4'],
    [999.4, '999'],
    [999.6, '1.0k'],
    [12_345, '12k'],
    [9_950_000, '10M'],
  ])('%d of something are %s', (count, text) => expect(compact(count)).toBe(text))

  it.each([
    [0, '0 s'],
    [59, '59 s'],
    [60, '1 min'],
    [725, '12 min 5 s'],
    [3 * 86_400 + 4 * 3_600 + 59, '3 d 4 h'],
  ])('%i seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text))
})
