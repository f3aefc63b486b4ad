import { z } from 'zod'
import { isoTime } from './fields.js'

/** The most clients or retained messages of one page, and the most of any list of an answer about a topic. */
export const PAGE_ENTRIES = 200

const count = z.int().min(0)
const bytes = z.number().min(0)
const milliseconds = z.number().min(0)
/** How many of what, by name. */
const counts = z.record(z.string(), count)
const byQos = z.object({ qos0: count, qos1: count, qos2: count })
const cursor = z.string().min(1).max(1_000)
const pageSize = z.int().min(1).max(PAGE_ENTRIES).default(50)
const qos = z.union([z.literal(0), z.literal(1), z.literal(2)])
const topic = z.string().min(1).max(65_535)
const clientId = z.string().min(1).max(65_535)

export const noInputSchema = z.strictObject({})

/** A certificate of this process, as it lies on the disk. */
export const heldCertificateSchema = z.object({
  /** The path. */
  name: z.string(),
  subject: z.string(),
  not_after: isoTime,
})

const latencies = z.record(z.string(), z.object({ p50: milliseconds, p99: milliseconds, count }))

/** A broker of ours, since its start. */
export const brokerStatusSchema = z.object({
  version: z.string(),
  started_at: isoTime,
  uptime_seconds: count,
  connections: count,
  /** Connected or not. */
  sessions: count,
  subscriptions: count,
  retained: count,
  in_flight: count,
  /** `bytes` are of what is queued and what is in flight, an estimate of their memory. */
  queued: z.object({ messages: count, bytes }),
  /** PUBLISH packets. */
  messages: z.object({ received: byQos, sent: byQos }),
  bytes: z.object({ received: bytes, sent: bytes }),
  /** Messages that a session was to get and did not, by reason. */
  dropped: counts,
  /** What was not let in or not taken, by reason. */
  refused: counts,
  /** By name: `commits` of the store, and what the components of this process ask and serve. */
  latency_ms: latencies,
  /** The same of the last `seconds`, two minutes at the most; absent where nobody has asked for so long. */
  latency_recent: z.object({ seconds: count, ms: latencies }).optional(),
  /** How late the event loop was, over the last ten seconds or so. */
  event_loop_delay_ms: z.object({ p50: milliseconds, p99: milliseconds }),
  memory_bytes: bytes,
  /** Absent where nothing is kept on disk. */
  store_bytes: bytes.optional(),
  /** For how long the store has failed; 0 where it does not. */
  store_failing_seconds: z.number().min(0),
  /** `maximum` is absent where the system has none, or does not say. */
  descriptors: z.object({ open: count, maximum: count.optional() }),
  limits: z.record(z.string(), z.object({ value: z.number(), in_use: z.number().optional() })),
  listeners: z.array(
    z.object({ address: z.string(), tls: z.boolean(), web_socket: z.boolean(), connections: count }),
  ),
  certificates: z.array(heldCertificateSchema),
})

/** What clients are listed by: the identifier in the order of its code units, or a number, the highest first. */
export const clientSortSchema = z.enum([
  'client_id',
  'messages_per_second',
  'queued',
  'in_flight',
  'received',
  'sent',
  'dropped',
])

export const listClientsSchema = z.strictObject({
  /** A part of the client identifier, the user name or the address, in whatever case. */
  search: z.string().max(200).optional(),
  sort: clientSortSchema.default('client_id'),
  /** Only those that are connected, or that are not. */
  is_connected: z.boolean().optional(),
  cursor: cursor.optional(),
  limit: pageSize,
})

const summary = {
  client_id: clientId,
  username: z.string(),
  /** Of its connection; absent while it has none. */
  address: z.string().optional(),
  /** `5.0`, `3.1.1` or `3.1`. */
  protocol: z.string(),
  is_connected: z.boolean(),
  connected_at: isoTime.optional(),
  disconnected_at: isoTime.optional(),
  /** Seconds; 0 for none. */
  keep_alive: count.optional(),
  in_flight: count,
  queued: count,
  /** Of what is queued and what is in flight, an estimate of their memory. */
  queued_bytes: bytes,
  /** Messages of its present connection. */
  received: count,
  sent: count,
  /** Of both directions, since somebody looked before. */
  messages_per_second: z.number().min(0),
  /** Messages that it was to get and did not, since its session began or the broker was started. */
  dropped: count,
  token_expires_at: isoTime.optional(),
}

export const clientSummarySchema = z.object({ ...summary, subscriptions: count })

export const clientListSchema = z.object({
  clients: z.array(clientSummarySchema).max(PAGE_ENTRIES),
  next_cursor: cursor.optional(),
})

export const getClientSchema = z.strictObject({ client_id: clientId })

export const clientDetailsSchema = z.object({
  ...summary,
  subscriptions: z.array(z.object({ filter: z.string(), qos, share_group: z.string().optional() })),
  /** Absent where nobody told: a session from before the broker's start, or one that may do everything. */
  permissions: z.array(z.string()).optional(),
  drops: counts,
  /** Since when something has waited in its queue without a break. */
  waiting_since: isoTime.optional(),
  /** False where there are more subscriptions than are told. */
  is_complete: z.boolean(),
})

export const clientResultSchema = z.object({ client: clientDetailsSchema.nullable() })

export const listRetainedSchema = z.strictObject({
  filter: topic.default('#'),
  cursor: z.string().min(1).max(65_535).optional(),
  limit: pageSize,
})

export const retainedMessageSchema = z.object({
  topic,
  bytes,
  qos,
  /** The client that published it; absent where that was the broker itself. */
  published_by: z.string().optional(),
  expires_at: isoTime.optional(),
  /** The beginning of the payload, where that is text in UTF-8. */
  payload_text: z.string().optional(),
  /** Whether the payload is longer than that. */
  is_cut: z.boolean().optional(),
})

export const retainedListSchema = z.object({
  messages: z.array(retainedMessageSchema).max(PAGE_ENTRIES),
  /** The topic of the last message: the next page begins behind it. */
  next_cursor: z.string().optional(),
})

export const explainTopicSchema = z.strictObject({ topic })

/** A client that may do something, and by what. */
export const permittedClientSchema = z.object({
  client_id: z.string(),
  is_connected: z.boolean(),
  /** `session`: it is, or was, here. `manifest`: the manifest, or the list of clients, names it. */
  known_by: z.enum(['session', 'manifest']),
  /** The permission that says so; absent where it is the client's own topic, or may do everything. */
  permission: z.string().optional(),
})

export const subscriberSchema = z.object({
  client_id: z.string(),
  filter: z.string(),
  qos,
  share_group: z.string().optional(),
  is_connected: z.boolean(),
  /** False where its permissions do not let it have messages of this topic. */
  may_receive: z.boolean(),
  /** Everything that waits for it, of whatever topic. */
  queued: count,
  drops: counts,
})

export const topicExplanationSchema = z.object({
  topic,
  may_publish: z.array(permittedClientSchema).max(PAGE_ENTRIES),
  may_subscribe: z.array(permittedClientSchema).max(PAGE_ENTRIES),
  subscribers: z.array(subscriberSchema).max(PAGE_ENTRIES),
  retained: retainedMessageSchema.optional(),
  /** Messages of this topic that some session was to get and did not, by reason; of the topics that dropped last. */
  dropped: counts,
  /** The contract of ours that this topic has. */
  contract: z
    .object({ topic: z.string(), actions: z.array(z.string()), service: z.string().optional() })
    .optional(),
  /** False where one of the lists is longer. */
  is_complete: z.boolean(),
})

export const outboxListSchema = z.object({
  components: z.array(
    z.object({
      client_id: z.string(),
      /** Messages that the broker has not acknowledged, dead letters not among them. */
      waiting: count,
      oldest_at: isoTime.optional(),
      /** Of all dead letters, of which only the first are told. */
      dead: count,
      dead_letters: z
        .array(
          z.object({
            id: z.string(),
            topic: z.string(),
            reason: z.string(),
            bytes,
          }),
        )
        .max(PAGE_ENTRIES),
    }),
  ),
})

export const findingListSchema = z.object({
  /** When they were found; absent where nobody has looked yet. */
  checked_at: isoTime.optional(),
  findings: z.array(
    z.object({
      severity: z.enum(['ok', 'warning', 'failed']),
      check: z.string(),
      summary: z.string(),
      remedy: z.string().optional(),
    }),
  ),
})

export const disconnectClientSchema = z.strictObject({
  client_id: clientId,
  /** Text for a client of MQTT 5.0. */
  reason: z.string().min(1).max(200).optional(),
})

/** False where it was not connected. */
export const disconnectedSchema = z.object({ was_connected: z.boolean() })

export type BrokerStatus = z.output<typeof brokerStatusSchema>
export type ClientSort = z.output<typeof clientSortSchema>
export type ClientSummary = z.output<typeof clientSummarySchema>
export type ClientDetails = z.output<typeof clientDetailsSchema>
export type RetainedMessage = z.output<typeof retainedMessageSchema>
export type PermittedClient = z.output<typeof permittedClientSchema>
export type TopicExplanation = z.output<typeof topicExplanationSchema>
export type OutboxList = z.output<typeof outboxListSchema>
export type FindingList = z.output<typeof findingListSchema>
