import { z } from 'zod'
import type { Contract } from './contract.js'
import { isoTime } from './fields.js'

/** Something that keeps a component from its work, or from a part of it. */
export const faultSchema = z.object({
  /** A stable word, such as `unheard`, `refused` or `storage-full`. */
  kind: z.string().min(1),
  /** What is wrong, for people. */
  message: z.string(),
})

export const statusSchema = z.object({
  state: z.enum(['online', 'offline']),
  component: z.string().min(1),
  version: z.string(),
  /** Since when this state holds. In a will it is when the lost connection was configured. */
  since: isoTime,
  reason: z.string().optional(),
  /** What keeps an online component from its work; absent while nothing does. */
  faults: z.array(faultSchema).optional(),
})

export const heartbeatSchema = z.object({
  component: z.string().min(1),
  /** Counts this process's heartbeats from 1, so that a gap shows a lost one. */
  sequence: z.int().min(1),
  uptime_seconds: z.number().min(0),
  process: z.object({
    pid: z.int(),
    rss_bytes: z.int().min(0),
    heap_used_bytes: z.int().min(0),
    cpu_user_seconds: z.number().min(0),
    cpu_system_seconds: z.number().min(0),
    event_loop_delay_p99_ms: z.number().min(0),
  }),
  /** Since the component started. */
  messages: z.object({ published: z.int().min(0), received: z.int().min(0) }),
})

export const errorEventSchema = z.object({
  component: z.string().min(1),
  /** A stable word for the kind of failure, such as `invalid-message`. */
  kind: z.string().min(1),
  message: z.string(),
  /** Whether the same thing may succeed when tried again. */
  retryable: z.boolean(),
  topic: z.string().optional(),
  correlation_id: z.string().optional(),
})

export const leaseSchema = z.object({
  /** `claims`: would serve, unless another one does. `holds`: serves. `leaves`: serves no more. */
  state: z.enum(['claims', 'holds', 'leaves']),
  /** Another one with each claim, and larger than every one that was heard: of two that hold it the larger counts. */
  number: z.int().min(1),
  /** Counts this member's messages, so that it knows which of its own has come back. */
  sequence: z.int().min(1),
  /** For how long the oldest request has been with this member that it has not answered. */
  pending_ms: z.int().min(0),
})

export type Fault = z.output<typeof faultSchema>
export type Status = z.output<typeof statusSchema>
export type Heartbeat = z.output<typeof heartbeatSchema>
export type ErrorEvent = z.output<typeof errorEventSchema>
export type LeaseEvent = z.output<typeof leaseSchema>

export const events = {
  status: {
    topic: 'jamey/events/status/{client_id}',
    action: 'status',
    qos: 1,
    retain: true,
    schema: statusSchema,
    description: 'Whether a component is there and can work; retained, and the will of its connection.',
  } satisfies Contract,
  heartbeat: {
    topic: 'jamey/events/heartbeat',
    action: 'heartbeat',
    qos: 0,
    retain: false,
    schema: heartbeatSchema,
    description: 'A sign of life with the figures of the process.',
  } satisfies Contract,
  errors: {
    topic: 'jamey/events/errors',
    action: 'error',
    qos: 1,
    retain: false,
    schema: errorEventSchema,
    description: 'Failures that somebody should look at.',
  } satisfies Contract,
  leases: {
    topic: 'jamey/events/leases/{group}',
    action: 'lease',
    qos: 0,
    retain: false,
    schema: leaseSchema,
    description: 'Which member of a group serves, where the server has no shared subscriptions.',
  } satisfies Contract,
} as const
