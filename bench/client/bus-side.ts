import { randomUUID } from 'node:crypto'
import { type Bus, type BusLog, connectBus, encodeEnvelope } from '@jamey/bus'
import { type Contract, type DataInput, topics } from '@jamey/contracts'
import type { QoS } from '@jamey/protocol'
import { type PeerOptions, urlOf } from './peer.js'

/** What one side of the bus benchmarks publishes, serves and asks: real contracts, data of ordinary size. */

const SILENT: BusLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

export const REQUESTED = topics.memory.forget
export const REQUEST: DataInput<typeof REQUESTED> = { id: randomUUID() }
export const EVENT = topics.events.errors
const HEARTBEAT = topics.events.heartbeat
const EVENT_DATA: DataInput<typeof EVENT> = {
  component: 'bench',
  kind: 'measured',
  message: 'a message of ordinary length, as people write them into their logs',
  retryable: false,
}
const HEARTBEAT_DATA: DataInput<typeof HEARTBEAT> = {
  component: 'bench',
  sequence: 1,
  uptime_seconds: 1,
  process: {
    pid: 1,
    rss_bytes: 100_000_000,
    heap_used_bytes: 10_000_000,
    cpu_user_seconds: 1,
    cpu_system_seconds: 1,
    event_loop_delay_p99_ms: 1,
  },
  messages: { published: 1, received: 1 },
}

/** Connects with no more than the permissions it needs; `fails` gets what goes wrong on its own. */
export async function connectBenchBus(options: PeerOptions): Promise<Bus> {
  const { ca, clientId, onFailure } = options
  const bus = await connectBus({
    url: urlOf(options),
    clientId,
    permissions: ['jamey/#', 'subscribe:$share/bench/jamey/#'],
    log: {
      ...SILENT,
      error: (details, message) => onFailure(new Error(`${message} ${JSON.stringify(details)}`)),
    },
    ...(ca === undefined ? { insecure: true } : { tls: { ca } }),
  })
  return bus
}

/** Publishes one event, checked and enveloped. */
export function publishEvent(bus: Bus, qos: QoS): Promise<unknown> {
  return qos === 0 ? bus.publish(HEARTBEAT, HEARTBEAT_DATA) : bus.publish(EVENT, EVENT_DATA)
}

/** How many bytes `publishEvent` puts into one message. */
export function eventBytes(qos: QoS): number {
  return (qos === 0 ? envelopeOf(HEARTBEAT, HEARTBEAT_DATA) : eventEnvelope()).length
}

/** An event's envelope, as another bus would have written it. */
export function eventEnvelope(): Buffer {
  return envelopeOf(EVENT, EVENT_DATA)
}

function envelopeOf<C extends Contract>({ topic, action }: C, data: DataInput<C>): Buffer {
  return encodeEnvelope({
    message_id: randomUUID(),
    timestamp: new Date().toISOString(),
    topic,
    payload: { action, data },
    metadata: { client_id: 'bench-ours', correlation_id: randomUUID() },
  })
}
