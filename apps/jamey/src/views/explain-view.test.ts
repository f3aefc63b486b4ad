import type { ClientDetails, TopicExplanation } from '@jamey/contracts'
import pc from 'picocolors'
import { describe, expect, it } from 'vitest'
import { formatClient, formatTopic } from './explain-view.js'

const view = { colors: pc.createColors(false), columns: 120, now: new Date('2026-11-14T20:00:00.000Z') }

const TOPIC: TopicExplanation = {
  topic: 'lab/mode',
  may_publish: [
    { client_id: 'robot-7', is_connected: true, known_by: 'session', permission: 'publish:lab/#' },
    { client_id: 'cleo', is_connected: false, known_by: 'manifest', permission: 'lab/mode' },
    { client_id: 'all', is_connected: false, known_by: 'session' },
  ],
  may_subscribe: [],
  subscribers: [
    {
      client_id: 'watcher',
      filter: 'lab/#',
      qos: 1,
      share_group: 'g',
      is_connected: false,
      may_receive: false,
      queued: 3,
      drops: { overflow: 2 },
    },
  ],
  retained: { topic: 'lab/mode', bytes: 5, qos: 1, published_by: 'robot-7', payload_text: 'ni\nght' },
  dropped: { overflow: 2, unheard: 1 },
  is_complete: false,
}

const CLIENT: ClientDetails = {
  client_id: 'robot-7',
  username: 'robots',
  protocol: '3.1.1',
  is_connected: false,
  disconnected_at: '2026-11-14T19:00:00.000Z',
  in_flight: 1,
  queued: 12,
  queued_bytes: 4_096,
  received: 0,
  sent: 0,
  messages_per_second: 0,
  dropped: 2,
  subscriptions: [{ filter: 'lab/+', qos: 1, share_group: 'robots' }],
  drops: { expired: 2 },
  waiting_since: '2026-11-14T19:58:00.000Z',
  is_complete: true,
}

describe('an explanation of a topic', () => {
  it('says who may and by what, who does, what is kept and what was dropped', () => {
    expect(formatTopic(TOPIC, view)).toEqual([
      'lab/mode',
      '',
      'may publish:',
      '  robot-7  connected, by publish:lab/#',
      '  cleo  never here, by lab/mode',
      '  all  away, without an entry of its own',
      '',
      'may subscribe: nobody that is known',
      '',
      'has subscribed:',
      '  watcher  lab/#, QoS 1, shared by g, away, MAY NOT receive it, 3 wait for it, missed 2 overflow of any topic',
      '',
      'retained:',
      '  5 bytes, QoS 1, by robot-7: ni ght',
      '',
      'dropped:',
      '  2: a queue was full',
      '  1: unheard',
      '',
      'there is more than the broker tells',
    ])
  })

  it('shows of long lists the beginning, and how many there are more', () => {
    const one = { client_id: 'c', is_connected: true, known_by: 'session' } as const
    const may_publish = Array.from({ length: 25 }, (_, i) => ({ ...one, permission: `lab/${i}` }))
    const lines = formatTopic({ ...TOPIC, may_publish }, view)
    expect(lines).toContain('  and 5 more, with --json')
  })

  it('has clients of the same state and permission on one line', () => {
    const one = { is_connected: true, known_by: 'session', permission: 'lab/#' } as const
    const named = (count: number) => Array.from({ length: count }, (_, i) => ({ ...one, client_id: `c${i}` }))
    const may_publish = [...named(3), { ...one, client_id: 'away', is_connected: false }]
    const lines = formatTopic(
      { ...TOPIC, may_publish, may_subscribe: named(2_008) },
      { ...view, columns: 200 },
    )
    expect(lines.slice(2, 5)).toEqual([
      'may publish:',
      '  c0, c1, c2  connected, by lab/#',
      '  away  away, by lab/#',
    ])
    expect(lines).toContain('  c0, c1, c2, c3, c4, c5, c6, c7 and 2,000 more  connected, by lab/#')
  })
})

describe('an explanation of a client', () => {
  it('says where it is, what waits, what it missed and what it may', () => {
    expect(formatClient(CLIENT, view)).toEqual([
      'robot-7',
      '  away, since 1 hour ago, MQTT 3.1.1',
      '  user robots',
      '',
      'waiting:',
      '  12 queued, 1 sent and not acknowledged (4.0 KiB), something all the time since 2 minutes ago',
      '',
      'dropped:',
      '  2: their time had passed',
      '',
      'has subscribed:',
      '  lab/+  QoS 1, shared by robots',
      '',
      'may: not known until it is back',
    ])
  })

  it('has no line that the client wrote', () => {
    const filter = 'lab\n\nmay:\n  everything\u001b[2K'
    const text = formatClient({ ...CLIENT, subscriptions: [{ filter, qos: 0 }] }, view).join('\n')
    expect(text).toContain('\n  lab may: everything\\u001b[2K  QoS 0\n')
  })

  it('says of one that is connected from where, until when, and what passed', () => {
    const here = {
      ...CLIENT,
      is_connected: true,
      address: '192.0.2.7',
      connected_at: '2026-11-14T19:30:00.000Z',
      keep_alive: 60,
      token_expires_at: '2026-11-14T20:05:00.000Z',
      permissions: ['publish:lab/#', '\x1b[2J'],
      queued: 0,
      in_flight: 0,
      received: 1_200,
    }
    const lines = formatClient(here, view)
    expect(lines[1]).toBe('  connected from 192.0.2.7, for 30 min, MQTT 3.1.1, keep alive 60 s')
    expect(lines).toContain('  its token ends in 5 minutes')
    expect(lines).toContain('  1,200 received from it, 0 sent to it')
    expect(lines).toContain('waiting: nothing')
    expect(lines.at(-1)).toBe('  \\u001b[2J')
  })
})
