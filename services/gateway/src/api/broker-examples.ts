const CLIENT = {
  client_id: 'robot-7',
  username: 'robot-7',
  address: '192.0.2.7',
  protocol: '5.0',
  is_connected: true,
  connected_at: '2026-11-14T19:30:00.000Z',
  keep_alive: 60,
  in_flight: 0,
  queued: 12,
  queued_bytes: 4_096,
  received: 200,
  sent: 3,
  messages_per_second: 1.5,
  dropped: 2,
  token_expires_at: '2026-11-14T20:05:00.000Z',
}

const RETAINED = {
  topic: 'lab/north/mode',
  bytes: 5,
  qos: 1,
  published_by: 'robot-7',
  payload_text: 'night',
}

const STATUS = {
  version: '0.1.0',
  started_at: '2026-11-14T19:00:00.000Z',
  uptime_seconds: 3_600,
  connections: 3,
  sessions: 4,
  subscriptions: 15,
  retained: 56,
  in_flight: 0,
  queued: { messages: 12, bytes: 4_096 },
  messages: { received: { qos0: 10, qos1: 207, qos2: 0 }, sent: { qos0: 10, qos1: 180, qos2: 0 } },
  bytes: { received: 160_850, sent: 189_800 },
  dropped: { slow: 0, overflow: 2, expired: 0, 'too-large': 0, denied: 0 },
  refused: { connections: 0, authentications: 1 },
  latency_ms: { commits: { p50: 0.4, p99: 4.5, count: 207 } },
  latency_recent: { seconds: 120, ms: { commits: { p50: 0.4, p99: 2.1, count: 12 } } },
  event_loop_delay_ms: { p50: 0.1, p99: 2.4 },
  memory_bytes: 154_447_616,
  store_bytes: 49_152,
  store_failing_seconds: 0,
  descriptors: { open: 71, maximum: 20_000 },
  limits: { connections: { value: 10_000, in_use: 3 }, queued_messages: { value: 100_000 } },
  listeners: [{ address: '127.0.0.1:8883', tls: true, web_socket: false, connections: 3 }],
  certificates: [
    { name: '.jamey/certs/server.crt', subject: 'CN=localhost', not_after: '2027-11-14T19:00:00.000Z' },
  ],
}

const EXPLANATION = {
  topic: 'lab/north/mode',
  may_publish: [
    { client_id: 'robot-7', is_connected: true, known_by: 'session', permission: 'publish:lab/#' },
  ],
  may_subscribe: [{ client_id: 'watcher', is_connected: true, known_by: 'session', permission: 'lab/#' }],
  subscribers: [
    {
      client_id: 'watcher',
      filter: 'lab/#',
      qos: 1,
      is_connected: true,
      may_receive: true,
      queued: 0,
      drops: {},
    },
  ],
  retained: RETAINED,
  dropped: { overflow: 2 },
  is_complete: true,
}

/** Of what a broker is asked. */
export const BROKER_EXAMPLES = {
  'broker.status': { input: {}, output: STATUS },
  'broker.clients': {
    input: { search: 'robot', sort: 'queued' },
    output: { clients: [{ ...CLIENT, subscriptions: 1 }], next_cursor: 'WzEyLCJyb2JvdC03Il0' },
  },
  'broker.client': {
    input: { client_id: 'robot-7' },
    output: {
      client: {
        ...CLIENT,
        subscriptions: [{ filter: 'lab/+/tasks', qos: 1, share_group: 'robots' }],
        permissions: ['publish:lab/#', 'subscribe:$share/robots/lab/+/tasks'],
        drops: { overflow: 2 },
        waiting_since: '2026-11-14T19:58:00.000Z',
        is_complete: true,
      },
    },
  },
  'broker.retained': { input: { filter: 'lab/#' }, output: { messages: [RETAINED] } },
  'broker.topic': { input: { topic: 'lab/north/mode' }, output: EXPLANATION },
  'broker.outbox': {
    input: {},
    output: {
      components: [
        {
          client_id: 'jamey-memory',
          waiting: 0,
          dead: 1,
          dead_letters: [
            { id: '17', topic: 'jamey/memory/updates', reason: 'the server refused it', bytes: 301 },
          ],
        },
      ],
    },
  },
  'broker.findings': {
    input: {},
    output: {
      checked_at: '2026-11-14T20:00:00.000Z',
      findings: [
        {
          severity: 'warning',
          check: 'certificate .jamey/certs/server.crt',
          summary: '12 days left',
          remedy: 'the next `jamey up` renews it',
        },
      ],
    },
  },
  'broker.disconnect': {
    input: { client_id: 'robot-7', reason: 'maintenance' },
    output: { was_connected: true },
  },
} as const
