import type { LatencyHistogram } from '@jamey/protocol'
import type { MetricDefinition, Sample } from '../model/metrics.js'
import { definitionsOf, type Row } from './table.js'

/** The figures of `Bus.stats()` of `@jamey/bus` that are shown. */
export interface BusNumbers {
  readonly published: number
  readonly received: number
  readonly invalid: number
  readonly refusedSenders: number
  readonly requests: number
  readonly requestsWaiting: number
  readonly requestsTimedOut: number
  readonly requestsRepeated: number
  readonly answersDropped: number
  readonly answersMismatched: number
  readonly served: number
  readonly serving: number
  readonly servedAgain: number
  readonly servedLate: number
  readonly overloaded: number
  readonly answersUnread: number
  readonly handlerFailures: number
  readonly rateLimited: number
  readonly reportsLost: number
}

export interface ObservedBus {
  readonly clientId: string
  readonly faults: readonly { readonly kind: string }[]
  stats(): BusNumbers
  errorCounts(): ReadonlyMap<string, number>
  /** Milliseconds since 1970. */
  readonly tokenEndsAtMs: number | undefined
  latencies(): {
    readonly publications: ReadonlyMap<string, LatencyHistogram>
    readonly requests: ReadonlyMap<string, LatencyHistogram>
    readonly handlers: ReadonlyMap<string, LatencyHistogram>
  }
}

const ROWS: readonly Row<BusNumbers>[] = [
  [
    'messages_published_total',
    'counter',
    'Messages handed to the client, requests and answers among them.',
    [{}, (n) => n.published],
  ],
  ['messages_received_total', 'counter', 'Valid messages handed to a handler.', [{}, (n) => n.received]],
  [
    'messages_refused_total',
    'counter',
    'Messages that were not handed on, by why.',
    [{ reason: 'invalid' }, (n) => n.invalid],
    [{ reason: 'sender' }, (n) => n.refusedSenders],
    [{ reason: 'overloaded' }, (n) => n.overloaded],
    [{ reason: 'rate_limited' }, (n) => n.rateLimited],
  ],
  ['requests_total', 'counter', 'Requests made.', [{}, (n) => n.requests]],
  ['requests_waiting', 'gauge', 'Requests whose answer is waited for.', [{}, (n) => n.requestsWaiting]],
  [
    'requests_timed_out_total',
    'counter',
    'Requests that had no answer in time.',
    [{}, (n) => n.requestsTimedOut],
  ],
  [
    'requests_repeated_total',
    'counter',
    'Requests sent again because no answer came.',
    [{}, (n) => n.requestsRepeated],
  ],
  [
    'answers_dropped_total',
    'counter',
    'Answers that went no further, by why.',
    [{ reason: 'unknown' }, (n) => n.answersDropped],
    [{ reason: 'mismatch' }, (n) => n.answersMismatched],
    [{ reason: 'unread' }, (n) => n.answersUnread],
  ],
  ['served_total', 'counter', 'Requests answered here.', [{}, (n) => n.served]],
  ['serving', 'gauge', 'Requests being answered here.', [{}, (n) => n.serving]],
  [
    'served_again_total',
    'counter',
    'Repeated requests that got the answer of the first.',
    [{}, (n) => n.servedAgain],
  ],
  [
    'served_late_total',
    'counter',
    'Requests whose deadline passed before they could be answered.',
    [{}, (n) => n.servedLate],
  ],
  ['handler_failures_total', 'counter', 'Times that a handler failed.', [{}, (n) => n.handlerFailures]],
  ['reports_lost_total', 'counter', 'Error events that could not be published.', [{}, (n) => n.reportsLost]],
]

/** The metrics of one bus. */
export function busMetrics(bus: ObservedBus): MetricDefinition[] {
  const labels = { client_id: bus.clientId }
  const byAction = (histograms: ReadonlyMap<string, LatencyHistogram>): Sample[] =>
    [...histograms].map(([operation, value]) => ({ labels: { ...labels, operation }, value }))
  return [
    ...definitionsOf('jamey_bus', ROWS, labels, () => bus.stats()),
    {
      name: 'jamey_bus_faults',
      type: 'gauge',
      help: 'Faults that this component tells of in its status.',
      read: () => [{ labels, value: bus.faults.length }],
    },
    {
      name: 'jamey_bus_token_end_timestamp_seconds',
      type: 'gauge',
      help: 'When the token of the client ends, in seconds since 1970.',
      read: () => {
        const { tokenEndsAtMs } = bus
        return tokenEndsAtMs === undefined ? [] : [{ labels, value: tokenEndsAtMs / 1000 }]
      },
    },
    {
      name: 'jamey_bus_errors_reported_total',
      type: 'counter',
      help: 'Failures that this component told of as error events, by kind.',
      read: () => [...bus.errorCounts()].map(([kind, value]) => ({ labels: { ...labels, kind }, value })),
    },
    {
      name: 'jamey_bus_publish_duration_seconds',
      type: 'histogram',
      help: 'From publishing to the acknowledgement of the server, by operation; requests and answers are not among them.',
      read: () => byAction(bus.latencies().publications),
    },
    {
      name: 'jamey_bus_request_duration_seconds',
      type: 'histogram',
      help: 'From asking to the answer, by operation.',
      read: () => byAction(bus.latencies().requests),
    },
    {
      name: 'jamey_bus_handler_duration_seconds',
      type: 'histogram',
      help: 'From a request that has its turn to its outcome, by operation.',
      read: () => byAction(bus.latencies().handlers),
    },
  ]
}
