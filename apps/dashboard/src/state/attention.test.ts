import type { Approval, BrokerStatus } from '@jamey/contracts'
import { describe, expect, it } from 'vitest'
import { type Circumstances, concernsOf } from './attention.js'

const NOW = Date.parse('2026-11-30T10:00:00Z')
const WELL: Circumstances = {
  waiting: [],
  waitingCount: 0,
  findings: [],
  drops: [],
  components: new Map(),
  status: undefined,
  outbox: [],
  failures: [],
  now: NOW,
}
const approval = (requested_by: string, tool: string) => ({ requested_by, tool, expires_at: 'x' }) as Approval
const subjects = (found: Partial<Circumstances>) =>
  concernsOf({ ...WELL, ...found }).map(({ tone, subject, text }) => `${tone} ${subject}: ${text}`)

describe('what needs somebody', () => {
  it('is nothing where all is well', () => {
    expect(subjects({ findings: [{ severity: 'ok', check: 'disk', summary: 'There is room.' }] })).toEqual([])
  })

  it('begins with who waits for an answer', () => {
    const drops = [{ reason: 'queue-full', count: 1 }]
    expect(subjects({ drops, waiting: [approval('eva', 'rm')], waitingCount: 1 })).toEqual([
      'bad Approvals: eva waits for an answer about rm, which expires',
      'warn Drops: 1 message dropped since this page was opened: 1 (queue full)',
    ])
    const many = [
      { reason: 'queue-full', count: 1_920 },
      { reason: 'expired', count: 80 },
    ]
    expect(subjects({ drops: many })).toEqual([
      expect.stringContaining('2,000 messages dropped since this page was opened: 1,920 (queue full), 80 ('),
    ])
    const waiting = [approval('eva', 'rm'), approval('eva', 'ls')]
    expect(subjects({ waiting, waitingCount: 2 })).toEqual([
      'bad Approvals: 2 calls of 1 client wait for an answer; rm expires first',
    ])
    expect(subjects({ waiting, waitingCount: 300 })).toEqual([
      'bad Approvals: 300 calls wait for an answer; rm expires first',
    ])
  })

  it('tells of components that are away, or cannot do all of their work', () => {
    const one = { component: 'memory', version: '0', since: '2026-11-30T09:00:00Z' }
    const components = new Map([
      ['jamey-memory', { ...one, state: 'offline' as const, reason: 'connection lost' }],
      ['jamey-gateway', { ...one, state: 'online' as const }],
      [
        'jamey-conscience',
        { ...one, state: 'online' as const, faults: [{ kind: 'unheard', message: 'it is not heard' }] },
      ],
    ])
    expect(subjects({ components })).toEqual([
      'bad Component: jamey-memory is offline: connection lost',
      'bad Component: jamey-conscience cannot do all of its work: it is not heard',
    ])
  })

  it('tells that the broker cannot write', () => {
    const status = { store_failing_seconds: 3.2 } as BrokerStatus
    expect(subjects({ status })).toEqual([
      'bad Store: the broker cannot write since 4 seconds, and acknowledges nothing',
    ])
  })

  it('puts what failed before what may', () => {
    const findings = [
      { severity: 'warning' as const, check: 'a', summary: 'soon' },
      { severity: 'failed' as const, check: 'b', summary: 'now' },
    ]
    expect(subjects({ findings })).toEqual(['bad Finding: b: now', 'warn Finding: a: soon'])
  })

  it('tells of failures, each kind once, and of those that may pass for some minutes', () => {
    const told = (minutesAgo: number, kind: string, retryable: boolean) => ({
      at: new Date(NOW - minutesAgo * 60_000).toISOString(),
      data: { component: 'memory', kind, message: `${kind}, ${minutesAgo} min ago`, retryable },
    })
    const failures = [
      told(1, 'storage-busy', true),
      told(2, 'storage-busy', true),
      told(10, 'judge-away', true),
      told(60, 'storage-damaged', false),
    ]
    expect(subjects({ failures })).toEqual([
      'bad Failure: memory: storage-damaged, 60 min ago',
      'warn Failure: memory: storage-busy, 1 min ago',
    ])
  })

  it('tells of certificates that end within two weeks, and of limits that are nearly used', () => {
    const status = {
      certificates: [
        { name: 'a.pem', subject: '', not_after: '2026-12-01T00:00:00Z' },
        { name: 'b.pem', subject: '', not_after: '2026-11-01T00:00:00Z' },
        { name: 'c.pem', subject: '', not_after: '2027-11-01T00:00:00Z' },
      ],
      limits: {
        connections: { value: 10, in_use: 8 },
        sessions: { value: 10, in_use: 7 },
        topics: { value: 1 },
      },
    } as unknown as BrokerStatus
    expect(subjects({ status })).toEqual([
      'bad Certificate: b.pem has ended',
      'warn Certificate: a.pem ends soon',
      'warn Limit: connections is 80 % used: 8 of 10',
    ])
  })

  it('tells of dead letters', () => {
    const outbox = [{ client_id: 'jamey-memory', waiting: 3, dead: 2, dead_letters: [] }]
    expect(subjects({ outbox })).toEqual([
      'warn Dead letters: the broker does not take 2 messages of jamey-memory',
    ])
  })
})
