import { createRequire } from 'node:module'
import { getHeapStatistics } from 'node:v8'
import { Message } from '../messages/message.js'
import type { BrokerStats } from '../support/counters.js'
import { Deadline } from '../support/deadline.js'
import type { Core } from './core.js'
import { LoadAverage } from './load-average.js'
import { statsOf } from './stats.js'

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }

/** Names of the load topics, each with the counter that it is about. */
const LOADS = {
  connections: 'connectionsPassed',
  sockets: 'connectionsAccepted',
  'bytes/received': 'bytesReceived',
  'bytes/sent': 'bytesSent',
  'messages/received': 'packetsReceived',
  'messages/sent': 'packetsSent',
  'publish/received': 'publishesReceived',
  'publish/sent': 'publishesSent',
  'publish/dropped': 'publishesDropped',
} as const
const MINUTES = [1, 5, 15] as const

/**
 * Publishes how the broker is doing under `$SYS/broker/`, retained, for whoever is permitted to read it. The topics
 * are those of Mosquitto 2.0, so that dashboards made for it work.
 */
export class SysTopics {
  readonly #core: Core
  readonly #loads: readonly Load[]
  #lastAtMs: number
  #heapMaximum = 0
  readonly #startedAtMs: number
  readonly #next: Deadline

  constructor(core: Core) {
    this.#core = core
    this.#startedAtMs = this.#lastAtMs = core.clock.now()
    this.#loads = Object.entries(LOADS).map(([name, counter]) => new Load(name, counter))
    this.#next = new Deadline(core.clock, () => {
      this.publish()
      this.#arm()
    })
  }

  get uptimeSeconds(): number {
    return Math.floor((this.#core.clock.now() - this.#startedAtMs) / 1000)
  }

  /** Begins to publish, or begins anew with another interval. */
  start(): void {
    this.stop()
    if (this.#core.limits.sysIntervalSeconds === 0) return
    this.publish()
    this.#arm()
  }

  stop(): void {
    this.#next.clear()
  }

  publish(): void {
    const stats = statsOf(this.#core, this.uptimeSeconds)
    const dropped = publishesDropped(stats)
    const stored = stats.retainedMessages + stats.queuedMessages + stats.inFlightMessages
    const heap = getHeapStatistics().used_heap_size
    this.#heapMaximum = Math.max(this.#heapMaximum, heap)
    const disconnected = stats.sessions - stats.connections
    const values: Record<string, string | number> = {
      version: `jamey version ${version}`,
      uptime: `${stats.uptimeSeconds} seconds`,
      'clients/total': stats.sessions,
      'clients/connected': stats.connections,
      'clients/active': stats.connections,
      'clients/in_process': stats.connectionsInProcess,
      'clients/disconnected': disconnected,
      'clients/inactive': disconnected,
      'clients/maximum': stats.connectionsMaximum,
      'clients/expired': stats.sessionsExpired,
      'subscriptions/count': stats.subscriptions,
      'shared_subscriptions/count': stats.sharedSubscriptions,
      'retained messages/count': stats.retainedMessages,
      'messages/stored': stored,
      'store/messages/count': stored,
      'store/messages/bytes': stats.retainedBytes + stats.queuedBytes,
      'messages/received': stats.packetsReceived,
      'messages/sent': stats.packetsSent,
      'publish/messages/received': stats.publishesReceived,
      'publish/messages/sent': stats.publishesSent,
      'publish/messages/dropped': dropped,
      'publish/bytes/received': stats.publishBytesReceived,
      'publish/bytes/sent': stats.publishBytesSent,
      'bytes/received': stats.bytesReceived,
      'bytes/sent': stats.bytesSent,
      'heap/current': heap,
      'heap/maximum': this.#heapMaximum,
    }
    const nowMs = this.#core.clock.now()
    const counted = { ...stats, publishesDropped: dropped }
    for (const load of this.#loads) Object.assign(values, load.take(counted, nowMs - this.#lastAtMs))
    this.#lastAtMs = nowMs
    for (const [name, value] of Object.entries(values)) this.#say(`$SYS/broker/${name}`, String(value))
  }

  #say(topic: string, text: string): void {
    const message = new Message(topic, Buffer.from(text), 0, true, undefined, Number.POSITIVE_INFINITY, '')
    // Past the store: what the broker says about itself is said anew by the next one.
    this.#core.retained.tree.set(message)
    this.#core.router.publish(message, undefined)
  }

  #arm(): void {
    this.#next.set(this.#core.clock.now() + this.#core.limits.sysIntervalSeconds * 1000)
  }
}

type Counted = { readonly [counter in (typeof LOADS)[keyof typeof LOADS]]: number }

/** Growth of one counter a minute, over several spans. */
class Load {
  readonly #name: string
  readonly #counter: keyof Counted
  readonly #averages = MINUTES.map((minutes) => [minutes, new LoadAverage(minutes)] as const)
  #last = 0

  constructor(name: string, counter: keyof Counted) {
    this.#name = name
    this.#counter = counter
  }

  /** Values by their topics below `$SYS/broker/`; nothing where no time has passed. */
  take(counted: Counted, intervalMs: number): Record<string, string> {
    if (intervalMs <= 0) return {}
    const growth = counted[this.#counter] - this.#last
    this.#last += growth
    const values = this.#averages.map(([minutes, average]) => {
      return [`load/${this.#name}/${minutes}min`, average.take(growth, intervalMs).toFixed(2)]
    })
    return Object.fromEntries(values)
  }
}

function publishesDropped(stats: BrokerStats): number {
  return stats.droppedSlow + stats.droppedOverflow + stats.droppedExpired
}
