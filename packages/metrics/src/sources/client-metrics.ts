import type { MetricDefinition, Metrics, Sample } from '../model/metrics.js'
import { definitionsOf, type Row } from './table.js'

/** The figures of `Client.stats()` of `@jamey/mqtt` that are shown. */
export interface ClientNumbers {
  readonly connects: number
  readonly connectFailures: number
  readonly connectionsLost: number
  readonly sessionsLost: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly messagesPublished: number
  readonly messagesAcknowledged: number
  readonly messagesRefused: number
  readonly messagesRetransmitted: number
  readonly messagesDropped: number
  readonly messagesExpired: number
  readonly messagesDeadLettered: number
  readonly messagesReceived: number
  readonly messagesUnhandled: number
  readonly messagesDroppedOnReceipt: number
  readonly handlerFailures: number
  readonly subscriptionFailures: number
  readonly queuedMessages: number
  readonly queuedBytes: number
  readonly inFlightMessages: number
  readonly handlersRunning: number
}

/** A client of `@jamey/mqtt`, as far as its metrics need it. */
export interface ObservedClient {
  readonly clientId: string
  readonly state: string
  stats(): ClientNumbers
  onState(observer: (change: { readonly state: string }) => void): () => void
  explain(): {
    readonly queue: { readonly oldestAgeMs: number | undefined }
    readonly sending: { readonly deadLetters: number }
  }
}

const STATES = ['disconnected', 'connecting', 'connected', 'reconnecting', 'error'] as const

const ROWS: readonly Row<ClientNumbers>[] = [
  ['connects_total', 'counter', 'Connections that the server accepted.', [{}, (n) => n.connects]],
  ['connect_failures_total', 'counter', 'Attempts to connect that failed.', [{}, (n) => n.connectFailures]],
  ['connections_lost_total', 'counter', 'Connections that ended unasked.', [{}, (n) => n.connectionsLost]],
  [
    'sessions_lost_total',
    'counter',
    'Connections on which the server had nothing left of the session.',
    [{}, (n) => n.sessionsLost],
  ],
  [
    'bytes_total',
    'counter',
    'Bytes of MQTT, before TLS.',
    [{ direction: 'sent' }, (n) => n.bytesSent],
    [{ direction: 'received' }, (n) => n.bytesReceived],
  ],
  ['messages_published_total', 'counter', 'Messages handed to the client.', [{}, (n) => n.messagesPublished]],
  [
    'messages_acknowledged_total',
    'counter',
    'Messages of QoS 1 and 2 that the server took.',
    [{}, (n) => n.messagesAcknowledged],
  ],
  ['messages_refused_total', 'counter', 'Messages that the server refused.', [{}, (n) => n.messagesRefused]],
  [
    'messages_retransmitted_total',
    'counter',
    'Messages sent again on a later connection.',
    [{}, (n) => n.messagesRetransmitted],
  ],
  ['messages_received_total', 'counter', 'Messages received.', [{}, (n) => n.messagesReceived]],
  [
    'messages_dropped_total',
    'counter',
    'Messages that went no further, by why.',
    [{ reason: 'queue_full' }, (n) => n.messagesDropped],
    [{ reason: 'expired' }, (n) => n.messagesExpired],
    [{ reason: 'dead_letter' }, (n) => n.messagesDeadLettered],
    [{ reason: 'unhandled' }, (n) => n.messagesUnhandled],
    [{ reason: 'not_taken' }, (n) => n.messagesDroppedOnReceipt],
  ],
  [
    'handler_failures_total',
    'counter',
    'Times that a handler of messages failed.',
    [{}, (n) => n.handlerFailures],
  ],
  [
    'subscription_failures_total',
    'counter',
    'Subscriptions that the server refused.',
    [{}, (n) => n.subscriptionFailures],
  ],
  ['queued_messages', 'gauge', 'Messages that wait to be sent.', [{}, (n) => n.queuedMessages]],
  ['queued_bytes', 'gauge', 'Bytes that wait to be sent.', [{}, (n) => n.queuedBytes]],
  ['in_flight_messages', 'gauge', 'Messages sent and not acknowledged.', [{}, (n) => n.inFlightMessages]],
  ['handlers_running', 'gauge', 'Handlers of messages at work.', [{}, (n) => n.handlersRunning]],
]

/** The metrics of one client, with how long it has been in each state. */
export class ClientMetrics {
  readonly #client: ObservedClient
  readonly #now: () => number
  readonly #seconds = new Map<string, number>(STATES.map((state) => [state, 0]))
  readonly #transitions = new Map<string, number>()
  #state: string
  #sinceMs: number
  readonly #stopWatching: () => void

  /** `now` gives milliseconds of a monotonic clock. */
  constructor(client: ObservedClient, now: () => number = () => performance.now()) {
    this.#client = client
    this.#now = now
    this.#state = client.state
    this.#sinceMs = now()
    this.#stopWatching = client.onState(({ state }) => this.#enter(state))
  }

  addTo(metrics: Metrics): void {
    const labels = { client_id: this.#client.clientId }
    metrics.add(
      ...definitionsOf('jamey_mqtt', ROWS, labels, () => this.#client.stats()),
      ...this.#stateMetrics(labels),
      ...this.#outboxMetrics(labels),
    )
  }

  stop(): void {
    this.#stopWatching()
  }

  #enter(state: string): void {
    this.#settle()
    this.#state = state
    this.#transitions.set(state, (this.#transitions.get(state) ?? 0) + 1)
  }

  /** Counts the time until now for the state of now. */
  #settle(): void {
    const nowMs = this.#now()
    this.#seconds.set(this.#state, (this.#seconds.get(this.#state) ?? 0) + (nowMs - this.#sinceMs) / 1000)
    this.#sinceMs = nowMs
  }

  #stateMetrics(labels: Readonly<Record<string, string>>): MetricDefinition[] {
    const byState = (values: Iterable<readonly [string, number]>): Sample[] =>
      [...values].map(([state, value]) => ({ labels: { ...labels, state }, value }))
    return [
      {
        name: 'jamey_mqtt_connection_state',
        type: 'gauge',
        help: '1 for the state in which the connection is.',
        read: () => byState([...this.#seconds.keys()].map((state) => [state, state === this.#state ? 1 : 0])),
      },
      {
        name: 'jamey_mqtt_connection_state_seconds_total',
        type: 'counter',
        help: 'Time in each state.',
        read: () => {
          this.#settle()
          return byState(this.#seconds)
        },
      },
      {
        name: 'jamey_mqtt_connection_transitions_total',
        type: 'counter',
        help: 'Times that a state was entered.',
        read: () => byState(this.#transitions),
      },
    ]
  }

  #outboxMetrics(labels: Readonly<Record<string, string>>): MetricDefinition[] {
    return [
      {
        name: 'jamey_mqtt_oldest_message_age_seconds',
        type: 'gauge',
        help: 'Age of the message that has waited longest to be acknowledged; 0 where none waits.',
        read: () => [{ labels, value: (this.#client.explain().queue.oldestAgeMs ?? 0) / 1000 }],
      },
      {
        name: 'jamey_mqtt_dead_letters',
        type: 'gauge',
        help: 'Messages that were stored and that the server does not take.',
        read: () => [{ labels, value: this.#client.explain().sending.deadLetters }],
      },
    ]
  }
}
