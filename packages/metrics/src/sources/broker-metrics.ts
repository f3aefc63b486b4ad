import type { LatencyHistogram } from '@jamey/protocol'
import type { MetricDefinition } from '../model/metrics.js'
import { definitionsOf, type Row } from './table.js'

/** The figures of `Broker.stats()` of `@jamey/broker` that are shown. */
export interface BrokerNumbers {
  readonly uptimeSeconds: number
  readonly connections: number
  readonly connectionsInProcess: number
  readonly connectionsAccepted: number
  readonly connectionsPassed: number
  readonly connectionsRefused: number
  readonly refusedForDescriptors: number
  readonly authenticationsRefused: number
  readonly protocolErrors: number
  readonly keepAliveTimeouts: number
  readonly endedForBytes: number
  readonly identitiesExpired: number
  readonly sessions: number
  readonly sessionsTakenOver: number
  readonly sessionsExpired: number
  readonly subscriptions: number
  readonly sharedSubscriptions: number
  readonly subscriptionsDenied: number
  readonly retainedMessages: number
  readonly retainedBytes: number
  readonly retainedRefused: number
  readonly bytesReceived: number
  readonly bytesSent: number
  readonly packetsReceived: number
  readonly packetsSent: number
  readonly publishesReceived: number
  readonly publishesSent: number
  readonly publishBytesReceived: number
  readonly publishBytesSent: number
  readonly publishesUnmatched: number
  readonly publishesDenied: number
  readonly publishesRefused: number
  readonly refusedOverflow: number
  readonly refusedByStore: number
  readonly droppedSlow: number
  readonly droppedOverflow: number
  readonly droppedExpired: number
  readonly droppedTooLarge: number
  readonly droppedDenied: number
  readonly damagedDeliveries: number
  readonly damagedRecords: number
  readonly queuedMessages: number
  readonly queuedBytes: number
  readonly inFlightMessages: number
  readonly heldBytes: number
  readonly acknowledgementsDelayed: number
  readonly subscribersGivenUp: number
  readonly publishersSlowed: number
  readonly turnsYielded: number
  readonly redelivered: number
  readonly willsPublished: number
  readonly storeFailures: number
  readonly storeFailingSeconds: number
  readonly hooksFailed: number
  readonly handlersFailed: number
}

const CONNECTIONS: readonly Row<BrokerNumbers>[] = [
  ['uptime_seconds', 'gauge', 'Seconds since it started.', [{}, (n) => n.uptimeSeconds]],
  ['connections', 'gauge', 'Clients that are connected.', [{}, (n) => n.connections]],
  [
    'connections_in_process',
    'gauge',
    'Connections from within its own process.',
    [{}, (n) => n.connectionsInProcess],
  ],
  ['sockets_accepted_total', 'counter', 'Sockets that were accepted.', [{}, (n) => n.connectionsAccepted]],
  ['connects_total', 'counter', 'Clients whose CONNECT was accepted.', [{}, (n) => n.connectionsPassed]],
  [
    'connections_refused_total',
    'counter',
    'Connections that were refused, by why.',
    [{ reason: 'limit' }, (n) => n.connectionsRefused],
    [{ reason: 'descriptors' }, (n) => n.refusedForDescriptors],
    [{ reason: 'authentication' }, (n) => n.authenticationsRefused],
  ],
  [
    'connections_ended_total',
    'counter',
    'Connections that the broker ended, by why.',
    [{ reason: 'protocol_error' }, (n) => n.protocolErrors],
    [{ reason: 'keep_alive' }, (n) => n.keepAliveTimeouts],
    [{ reason: 'bytes_held' }, (n) => n.endedForBytes],
    [{ reason: 'identity_expired' }, (n) => n.identitiesExpired],
    [{ reason: 'session_taken_over' }, (n) => n.sessionsTakenOver],
  ],
  ['sessions', 'gauge', 'Sessions, connected or not.', [{}, (n) => n.sessions]],
  ['sessions_expired_total', 'counter', 'Sessions that expired.', [{}, (n) => n.sessionsExpired]],
  [
    'subscriptions',
    'gauge',
    'Topic filters that are subscribed to.',
    [{ kind: 'plain' }, (n) => n.subscriptions],
    [{ kind: 'shared' }, (n) => n.sharedSubscriptions],
  ],
  [
    'subscriptions_denied_total',
    'counter',
    'Subscriptions for which there was no permission.',
    [{}, (n) => n.subscriptionsDenied],
  ],
]

const MESSAGES: readonly Row<BrokerNumbers>[] = [
  [
    'bytes_total',
    'counter',
    'Bytes of MQTT, before TLS.',
    [{ direction: 'received' }, (n) => n.bytesReceived],
    [{ direction: 'sent' }, (n) => n.bytesSent],
  ],
  [
    'packets_total',
    'counter',
    'Packets of any type.',
    [{ direction: 'received' }, (n) => n.packetsReceived],
    [{ direction: 'sent' }, (n) => n.packetsSent],
  ],
  [
    'publishes_total',
    'counter',
    'PUBLISH packets.',
    [{ direction: 'received' }, (n) => n.publishesReceived],
    [{ direction: 'sent' }, (n) => n.publishesSent],
  ],
  [
    'payload_bytes_total',
    'counter',
    'Bytes of payloads.',
    [{ direction: 'received' }, (n) => n.publishBytesReceived],
    [{ direction: 'sent' }, (n) => n.publishBytesSent],
  ],
  [
    'publishes_unmatched_total',
    'counter',
    'Publishes that no subscription matched.',
    [{}, (n) => n.publishesUnmatched],
  ],
  [
    'publishes_refused_total',
    'counter',
    'Publishes that were refused, by why.',
    [{ reason: 'permission' }, (n) => n.publishesDenied],
    [{ reason: 'queue_full' }, (n) => n.refusedOverflow],
    [{ reason: 'store' }, (n) => n.refusedByStore],
    [{ reason: 'hook' }, (n) => n.publishesRefused],
    [{ reason: 'retained_limit' }, (n) => n.retainedRefused],
  ],
  [
    'messages_dropped_total',
    'counter',
    'Messages that a subscriber did not get, by why.',
    [{ reason: 'slow' }, (n) => n.droppedSlow],
    [{ reason: 'queue_full' }, (n) => n.droppedOverflow],
    [{ reason: 'expired' }, (n) => n.droppedExpired],
    [{ reason: 'too_large' }, (n) => n.droppedTooLarge],
    [{ reason: 'permission' }, (n) => n.droppedDenied],
    [{ reason: 'damaged' }, (n) => n.damagedDeliveries],
  ],
  ['retained_messages', 'gauge', 'Retained messages.', [{}, (n) => n.retainedMessages]],
  ['retained_bytes', 'gauge', 'Bytes of retained messages.', [{}, (n) => n.retainedBytes]],
  ['queued_messages', 'gauge', 'Messages in queues of sessions.', [{}, (n) => n.queuedMessages]],
  ['queued_bytes', 'gauge', 'Bytes of messages queued and in flight.', [{}, (n) => n.queuedBytes]],
  ['in_flight_messages', 'gauge', 'Messages sent and not acknowledged.', [{}, (n) => n.inFlightMessages]],
  ['held_bytes', 'gauge', 'Bytes that connections hold up.', [{}, (n) => n.heldBytes]],
  [
    'redelivered_total',
    'counter',
    'Messages handed to another member of a group.',
    [{}, (n) => n.redelivered],
  ],
  ['wills_published_total', 'counter', 'Wills that were published.', [{}, (n) => n.willsPublished]],
]

const PRESSURE: readonly Row<BrokerNumbers>[] = [
  [
    'acknowledgements_delayed_total',
    'counter',
    'Acknowledgements that waited for a subscriber to take what lies in its queue.',
    [{}, (n) => n.acknowledgementsDelayed],
  ],
  [
    'subscribers_given_up_total',
    'counter',
    'Subscribers that took too little for too long.',
    [{}, (n) => n.subscribersGivenUp],
  ],
  [
    'publishers_slowed_total',
    'counter',
    'Connections of clients that published faster than they may.',
    [{}, (n) => n.publishersSlowed],
  ],
  [
    'turns_yielded_total',
    'counter',
    'Times that a connection was not read from, so that others had their turn.',
    [{}, (n) => n.turnsYielded],
  ],
  ['store_failures_total', 'counter', 'Times that the store began to fail.', [{}, (n) => n.storeFailures]],
  [
    'store_failing_seconds',
    'gauge',
    'Seconds for which the store has failed; 0 where it does not.',
    [{}, (n) => n.storeFailingSeconds],
  ],
  [
    'store_damaged_records_total',
    'counter',
    'Records of the store that cannot be read.',
    [{}, (n) => n.damagedRecords],
  ],
  [
    'failures_total',
    'counter',
    'Failures of code beside the broker, by whose.',
    [{ of: 'hook' }, (n) => n.hooksFailed],
    [{ of: 'handler' }, (n) => n.handlersFailed],
  ],
]

/** The metrics of a broker in this process. */
export function brokerMetrics(broker: {
  stats(): BrokerNumbers
  latencies?(): { readonly commits: LatencyHistogram }
}): MetricDefinition[] {
  const rows = [...CONNECTIONS, ...MESSAGES, ...PRESSURE]
  const definitions = definitionsOf('jamey_broker', rows, {}, () => broker.stats())
  if (broker.latencies === undefined) return definitions
  const { latencies } = broker
  return [
    ...definitions,
    {
      name: 'jamey_broker_commit_duration_seconds',
      type: 'histogram',
      help: 'Commits of the store.',
      read: () => [{ value: latencies.call(broker).commits }],
    },
  ]
}
