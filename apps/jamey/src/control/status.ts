import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Broker, BrokerStats, Limits } from '@jamey/broker'
import type { Bus } from '@jamey/bus'
import type { BrokerStatus } from '@jamey/contracts'
import type { LatencyHistogram } from '@jamey/protocol'
import { hostInUrl } from '../support/host-address.js'
import { VERSION } from '../support/version.js'
import type { HeldCertificates } from './certificates.js'
import type { EventLoop } from './event-loop.js'
import { quantileMs } from './quantiles.js'
import { RecentLatencies } from './recent-latencies.js'

/** However many ask, the sessions are counted so often. */
const FRESH_MS = 500

/** The part of a broker that its status is made of. */
export type ObservedBroker = Pick<Broker, 'stats' | 'latencies' | 'addresses' | 'sockets' | 'limits'>

export interface StatusParts {
  readonly broker: ObservedBroker
  /** Buses of the components in this process. */
  readonly buses: Iterable<Pick<Bus, 'latencies'>>
  /** Folder in which the broker keeps sessions and messages; undefined: none. */
  readonly storePath: string | undefined
  readonly certificates: HeldCertificates
  readonly eventLoop: EventLoop
}

/** How the broker is. */
export class Status {
  readonly #parts: StatusParts
  /** The same whenever it is asked: the uptime is in whole seconds, and the time of day may be corrected. */
  readonly #startedAt: string
  readonly #recent = new RecentLatencies()
  #last: { readonly atMs: number; readonly status: Promise<BrokerStatus> } | undefined

  constructor(parts: StatusParts) {
    this.#parts = parts
    const { uptimeSeconds } = parts.broker.stats()
    this.#startedAt = new Date(Date.now() - uptimeSeconds * 1000).toISOString()
  }

  read(): Promise<BrokerStatus> {
    const nowMs = performance.now()
    if (this.#last === undefined || nowMs - this.#last.atMs >= FRESH_MS) {
      this.#last = { atMs: nowMs, status: statusOf(this.#parts, this.#startedAt, this.#recent) }
    }
    return this.#last.status
  }
}

async function statusOf(
  parts: StatusParts,
  startedAt: string,
  recent: RecentLatencies,
): Promise<BrokerStatus> {
  const { broker, buses, storePath, certificates, eventLoop } = parts
  const stats = broker.stats()
  const latencies = latenciesOf(broker, buses)
  const latency_recent = recent.read(latencies, performance.now())
  const [descriptors, storeBytes, held] = await Promise.all([
    descriptorsOf(),
    storePath === undefined ? undefined : bytesIn(storePath),
    certificates.list(),
  ])
  return {
    version: VERSION,
    started_at: startedAt,
    uptime_seconds: stats.uptimeSeconds,
    connections: stats.connections,
    sessions: stats.sessions,
    subscriptions: stats.subscriptions,
    retained: stats.retainedMessages,
    in_flight: stats.inFlightMessages,
    queued: { messages: stats.queuedMessages, bytes: stats.queuedBytes },
    ...trafficOf(stats),
    latency_ms: Object.fromEntries(latencies.map(([name, histogram]) => [name, quantilesOf(histogram)])),
    ...(latency_recent === undefined ? {} : { latency_recent }),
    event_loop_delay_ms: eventLoop.read(),
    memory_bytes: process.memoryUsage.rss(),
    ...(storeBytes === undefined ? {} : { store_bytes: storeBytes }),
    store_failing_seconds: stats.storeFailingSeconds,
    descriptors,
    limits: limitsOf(broker.limits, stats),
    listeners: listenersOf(broker),
    certificates: held,
  }
}

function trafficOf(stats: BrokerStats): Pick<BrokerStatus, 'messages' | 'bytes' | 'dropped' | 'refused'> {
  const { publishesReceived, publishesReceivedQos1, publishesReceivedQos2 } = stats
  const { publishesSent, publishesSentQos1, publishesSentQos2 } = stats
  return {
    messages: {
      received: byQos(publishesReceived, publishesReceivedQos1, publishesReceivedQos2),
      sent: byQos(publishesSent, publishesSentQos1, publishesSentQos2),
    },
    bytes: { received: stats.bytesReceived, sent: stats.bytesSent },
    dropped: {
      slow: stats.droppedSlow,
      overflow: stats.droppedOverflow,
      expired: stats.droppedExpired,
      'too-large': stats.droppedTooLarge,
      denied: stats.droppedDenied,
    },
    refused: {
      connections: stats.connectionsRefused,
      descriptors: stats.refusedForDescriptors,
      authentications: stats.authenticationsRefused,
      publishes_denied: stats.publishesDenied,
      publishes_by_hook: stats.publishesRefused,
      publishes_queue_full: stats.refusedOverflow,
      publishes_store: stats.refusedByStore,
      subscriptions_denied: stats.subscriptionsDenied,
      retained: stats.retainedRefused,
    },
  }
}

function byQos(all: number, qos1: number, qos2: number): { qos0: number; qos1: number; qos2: number } {
  return { qos0: all - qos1 - qos2, qos1, qos2 }
}

function latenciesOf(broker: ObservedBroker, buses: StatusParts['buses']): [string, LatencyHistogram][] {
  const named: [string, LatencyHistogram][] = [['commits', broker.latencies().commits]]
  for (const bus of buses) named.push(...bus.latencies().handlers)
  return named.filter(([, { count }]) => count > 0)
}

function quantilesOf(histogram: LatencyHistogram): BrokerStatus['latency_ms'][string] {
  return { p50: quantileMs(histogram, 0.5), p99: quantileMs(histogram, 0.99), count: histogram.count }
}

function limitsOf(limits: Readonly<Limits>, stats: BrokerStats): BrokerStatus['limits'] {
  const inUse: Partial<Record<keyof Limits, number>> = {
    connections: stats.connections,
    sessions: stats.sessions,
    retainedMessages: stats.retainedMessages,
    retainedBytes: stats.retainedBytes,
    heldBytes: stats.heldBytes,
  }
  const entries = Object.entries(limits) as [keyof Limits, number][]
  return Object.fromEntries(
    entries
      .filter(([, value]) => Number.isFinite(value))
      .map(([name, value]) => {
        const used = inUse[name]
        return [snakeCase(name), used === undefined ? { value } : { value, in_use: used }]
      }),
  )
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function listenersOf({ addresses, sockets }: ObservedBroker): BrokerStatus['listeners'] {
  return addresses.map(({ host, port, tls, webSocketPath }, i) => ({
    address: `${hostInUrl(host)}:${port}`,
    tls,
    web_socket: webSocketPath !== undefined,
    connections: sockets[i] ?? 0,
  }))
}

/** Where the system does not tell: none open, and no maximum. */
async function descriptorsOf(): Promise<BrokerStatus['descriptors']> {
  const [open, limits] = await Promise.all([
    readdir('/proc/self/fd').catch(() => []),
    readFile('/proc/self/limits', 'utf8').catch(() => ''),
  ])
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? []
  return { open: open.length, ...(soft === undefined ? {} : { maximum: Number(soft) }) }
}

async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => [])
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ blocks, size }) => Math.min(size, blocks * 512),
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
