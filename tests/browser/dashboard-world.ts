import type { Approval, BrokerStatus, ClientSummary, Verdict, VerdictList } from '@jamey/contracts'
import type { StubWorld } from './dashboard-stub.js'

/** A system in which every view of the page has something to show. */

const MINUTE = 60_000
const at = (fromNowMs: number): string => new Date(Date.now() + fromNowMs).toISOString()
const digest = (seed: number): string =>
  `sha256:${Array.from({ length: 64 }, (_, i) => ((seed * 31 + i * 7) % 16).toString(16)).join('')}`

export function clientsOf(count: number): ClientSummary[] {
  return Array.from({ length: count }, (_, i) => ({
    client_id: `agent-${String(i + 1).padStart(5, '0')}`,
    username: `agent-${String(i + 1).padStart(5, '0')}`,
    address: `10.4.${i % 200}.${(i * 7) % 250}:${40_000 + (i % 20_000)}`,
    protocol: '5.0',
    is_connected: i % 17 !== 3,
    connected_at: at(-(i + 1) * MINUTE),
    disconnected_at: at(-MINUTE),
    keep_alive: 60,
    in_flight: i % 5,
    queued: i % 23 === 4 ? i % 700 : 0,
    queued_bytes: i % 23 === 4 ? (i % 700) * 210 : 0,
    received: i * 37,
    sent: i * 61,
    messages_per_second: (i * 13) % 97,
    dropped: i % 101 === 7 ? 40 : 0,
    token_expires_at: at((i + 1) * 30_000),
    subscriptions: 2 + (i % 4),
  }))
}

export function approvalOf(n: number, more: Partial<Approval> = {}): Approval {
  return {
    approval_id: `54c0b969-2520-4139-94e7-6505eb9dd${String(n).padStart(3, '0')}.jamey-conscience`,
    status: 'pending',
    tool: 'launch_probe',
    arguments: { planet: 'venus', window: { opens: '2026-12-01T04:00:00Z', minutes: 45 }, crew: [] },
    call_digest: digest(n),
    reasons: ['nobody said what this tool does'],
    rules: ['unknown-tool'],
    policy_version: '1-9c492998',
    requested_by: 'agent-7',
    session_id: 'voyage',
    created_at: at(-2 * MINUTE),
    expires_at: at(58 * MINUTE),
    approvers: 1,
    answers: [],
    changed_at: at(-2 * MINUTE),
    ...more,
  }
}

const APPROVALS: readonly Approval[] = [
  approvalOf(1),
  approvalOf(2, {
    tool: 'run_command',
    arguments: {
      command:
        'tar -czf /srv/backup/site.tar.gz /srv/www\nrsync -a /srv/backup/ backup@10.2.0.9:/volume/site/',
      cwd: '/srv/www',
      environment: { LANG: 'C.UTF-8' },
    },
    changed_arguments: {
      command: 'tar -czf /srv/backup/site.tar.gz /srv/www',
      cwd: '/srv/www',
      environment: { LANG: 'C.UTF-8' },
    },
    intent: 'Back up the site before the release, as the runbook says.',
    reasons: ['a command sends files to another machine', 'the file is outside of the project'],
    rules: ['sends-files', 'outside-project'],
    requested_by: 'release-bot',
    sent_by: 'jamey-gateway',
    session_id: 'release-2026.48',
    created_at: at(-9 * MINUTE),
    expires_at: at(4 * MINUTE),
    approvers: 2,
    answers: [
      {
        answered_by: 'operator-bob',
        decision: 'approve',
        scope: 'once',
        answered_at: at(-MINUTE),
        note: 'checked the target',
      },
    ],
  }),
  approvalOf(3, {
    tool: 'send_email',
    arguments: {
      to: ['board@example.org'],
      subject: 'Quarterly\u202Etxt.exe',
      body: 'Dear all,\n\nplease find the figures below.\n\nKind regards',
    },
    reasons: ['an email leaves the house'],
    rules: ['email-outside'],
    requested_by: 'writer',
    created_at: at(-MINUTE),
    expires_at: at(29 * MINUTE),
  }),
  approvalOf(4, {
    status: 'approved',
    scope: 'session',
    tool: 'open_valve',
    arguments: { valve: 4 },
    answers: [
      {
        answered_by: 'operator-ann',
        decision: 'approve',
        scope: 'session',
        note: 'pressure is fine',
        answered_at: at(-20 * MINUTE),
      },
    ],
    changed_at: at(-20 * MINUTE),
  }),
  approvalOf(5, {
    status: 'denied',
    tool: 'delete_table',
    arguments: { table: 'customers' },
    answers: [
      {
        answered_by: 'operator-bob',
        decision: 'deny',
        note: 'not on a Friday',
        answered_at: at(-50 * MINUTE),
      },
    ],
    changed_at: at(-50 * MINUTE),
  }),
]

export function verdictOf(n: number): Verdict {
  const decision = (['allow', 'allow', 'ask', 'deny', 'allow'] as const)[n % 5] ?? 'allow'
  const tools = ['read_file', 'search_web', 'run_command', 'delete_table', 'send_email']
  const reasons = {
    allow: 'it only reads, inside of the project',
    ask: 'a command sends files to another machine',
    deny: 'it deletes what cannot be restored',
  }
  return {
    kind: 'call',
    tool: tools[n % 5] ?? 'read_file',
    session_id: 'voyage',
    call_digest: digest(n + 40),
    evaluation_id: `38f82e76-dfe9-486b-a54e-ab94c7489${String(500 + n).padStart(3, '0')}`,
    approved: decision === 'allow',
    decision,
    reasons: [reasons[decision]],
    rules: [{ name: `${decision}-rule`, decision, reason: reasons[decision] }],
    facts: [{ name: 'is_weekend', value: false, status: 'attested', given_by: 'calendar' }],
    judge: { status: 'not_configured' },
    policy_version: '1-9c492998',
    request_digest: digest(n),
    requested_by: n % 2 === 0 ? 'agent-7' : 'release-bot',
    correlation_id: `c${n}`,
    evaluated_at: at(0),
  }
}

/** Verdicts of the last hours, the newest first. */
export function auditOf(count: number): VerdictList['verdicts'] {
  return Array.from({ length: count }, (_, i) => {
    const evaluated_at = at(-(i + 1) * 3 * MINUTE)
    return { recorded_at: evaluated_at, verdict: { ...verdictOf(400 + i), evaluated_at } }
  })
}

/** A broker whose counters grow as time passes. */
export function growingStatus(
  connections: number,
  drops = true,
  now = (): number => Date.now(),
): () => BrokerStatus {
  const startedAt = now() - 3 * 3_600_000
  return () => {
    const seconds = (now() - startedAt) / 1000
    const wave = Math.sin(seconds / 40) * 200
    const received = Math.floor(seconds * 1_240 + wave * 30)
    const counted = (n: number) => ({ qos0: Math.floor(n / 2), qos1: Math.floor(n / 2), qos2: 0 })
    return {
      version: '0.1.0',
      started_at: new Date(startedAt).toISOString(),
      uptime_seconds: Math.floor(seconds),
      connections,
      sessions: connections + 37,
      subscriptions: connections * 3,
      retained: 214,
      in_flight: 63,
      queued: { messages: 4_812, bytes: 1_093_220 },
      messages: { received: counted(received), sent: counted(received * 2.3) },
      bytes: { received: received * 310, sent: received * 720 },
      dropped: drops ? { 'queue-full': Math.floor(seconds * 0.4), expired: 213 } : {},
      refused: { 'not-authorized': 41, 'too-many-connections': 3 },
      latency_ms: {
        commits: { p50: 0.8 + Math.random() / 9, p99: 4.2 + Math.random(), count: received },
        'request conscience.evaluate': { p50: 2.1, p99: 11.4 + Math.random() * 3, count: 8_112 },
      },
      latency_recent: {
        seconds: 120,
        ms: {
          commits: { p50: 0.8 + Math.random() / 9, p99: 4.2 + Math.random(), count: received },
          'request conscience.evaluate': { p50: 2.1, p99: 11.4 + Math.random() * 3, count: 8_112 },
        },
      },
      event_loop_delay_ms: { p50: 0.4, p99: 2.6 + Math.random() },
      memory_bytes: 241_172_480,
      store_bytes: 61_440_000,
      store_failing_seconds: 0,
      descriptors: { open: connections + 71, maximum: 65_536 },
      limits: {
        connections: { value: 10_000, in_use: connections },
        sessions: { value: 20_000, in_use: connections + 37 },
        queued_bytes: { value: 268_435_456, in_use: 1_093_220 },
        retained_messages: { value: 100_000, in_use: 214 },
        packet_bytes: { value: 1_048_576 },
        keep_alive_seconds: { value: 1_200 },
      },
      listeners: [
        {
          address: '127.0.0.1:8883',
          tls: true,
          web_socket: false,
          connections: Math.floor(connections * 0.9),
        },
        { address: '127.0.0.1:8884', tls: true, web_socket: true, connections: Math.ceil(connections * 0.1) },
      ],
      certificates: [
        {
          name: '.jamey/certificates/server.pem',
          subject: 'CN=localhost',
          not_after: at(9 * 24 * 60 * MINUTE),
        },
        {
          name: '.jamey/certificates/ca.pem',
          subject: 'CN=Jamey authority',
          not_after: at(800 * 24 * 60 * MINUTE),
        },
      ],
    }
  }
}

const MEMORIES = [
  {
    id: 'm1',
    content: 'The launch window for Venus opens on 1 December at 04:00 UTC and lasts 45 minutes.',
    layer: 'semantic',
    tags: ['launch', 'venus'],
    importance: 0.8,
    score: 4.31,
    why: {
      terms: [
        { word: 'launch', weight: 2.2 },
        { word: 'venus', weight: 1.9 },
      ],
      near: 0.6,
      recency: 0.97,
      importance: 1.1,
    },
  },
  {
    id: 'm2',
    content: 'Ann prefers that probes are launched in the morning; she said so twice.',
    layer: 'episodic',
    tags: ['preference'],
    importance: 0.5,
    trusted: false,
    score: 1.62,
    why: { terms: [{ word: 'launch', weight: 1.7 }], neighbours: 0.2, recency: 0.81, importance: 1 },
  },
].map((memory) => ({
  created_at: at(-300 * MINUTE),
  occurred_at: at(-300 * MINUTE),
  expires_at: null,
  owner: 'agent-7',
  scope: 'private',
  source: 'agent-7',
  metadata: {},
  trusted: true,
  version: 1,
  updated_at: at(-300 * MINUTE),
  count: 1,
  last_stored_at: at(-300 * MINUTE),
  content_hash: 'a3',
  provenance: { stored_by: 'agent-7' },
  ...memory,
}))

export function fullWorld(clients = 60): StubWorld {
  const online = (component: string) => ({
    state: 'online' as const,
    component,
    version: '0.1.0',
    since: at(-180 * MINUTE),
  })
  return {
    session: {
      name: 'operator-ann',
      permissions: ['jamey/#'],
      expires_at: at(52 * MINUTE),
      csrf_token: 'c',
    },
    status: growingStatus(clients),
    clients: clientsOf(clients),
    approvals: [...APPROVALS],
    audit: auditOf(120),
    components: {
      'jamey-conscience': online('conscience'),
      'jamey-memory': {
        ...online('memory'),
        state: 'offline',
        since: at(-6 * MINUTE),
        reason: 'connection lost',
      },
      'jamey-gateway': online('gateway'),
    },
    outbox: {
      components: [
        {
          client_id: 'jamey-conscience',
          waiting: 0,
          dead: 2,
          dead_letters: [
            { id: '17', topic: 'jamey/conscience/results', reason: 'packet-too-large', bytes: 1_204_224 },
            { id: '21', topic: 'jamey/conscience/results', reason: 'not-authorized', bytes: 812 },
          ],
        },
        { client_id: 'jamey-gateway', waiting: 14, oldest_at: at(-40_000), dead: 0, dead_letters: [] },
      ],
    },
    findings: {
      checked_at: at(-20_000),
      findings: [
        {
          severity: 'failed',
          check: 'disk',
          summary: 'The disk of the data folder is 94 % full.',
          remedy: 'Make room on /srv, or move the data folder: JAMEY_DATA_DIR.',
        },
        {
          severity: 'warning',
          check: 'certificates',
          summary: 'The certificate of the server ends in 9 days.',
          remedy: 'jamey certificates renew',
        },
        {
          severity: 'ok',
          check: 'permissions',
          summary: 'Everybody in the manifest has a permission list that can be read.',
        },
      ],
    },
    retained: [
      {
        topic: 'jamey/conscience/keys/jamey-conscience',
        bytes: 412,
        qos: 1,
        payload_text:
          '{"message_id":"4c1…","payload":{"action":"keys","data":{"keys":[{"kty":"OKP","crv":"Ed25519"}]}}}',
      },
      {
        topic: 'jamey/events/status/jamey-memory',
        bytes: 301,
        qos: 1,
        payload_text: '{"payload":{"action":"status","data":{"state":"offline"}}}',
      },
      { topic: 'plant/valves/4/state', bytes: 4, qos: 0 },
    ],
    memories: MEMORIES,
    failing: undefined,
  }
}
