import type { BrokerStatus } from '@jamey/contracts'

/** Fifteen minutes. */
export const WINDOW_SECONDS = 900

/** Rates between two polls, and figures at the second one. */
export interface Sample {
  /** Seconds since 1970. */
  readonly at: number
  readonly received: number
  readonly sent: number
  readonly bytesReceived: number
  readonly bytesSent: number
  readonly dropped: number
  readonly refused: number
  readonly connections: number
  readonly queued: number
  readonly eventLoopP99: number
  /**
   * Of the times that are measured, milliseconds by name, what happens most often first: over the last two minutes, and
   * null where it did not happen in them.
   */
  readonly latencyP99: Readonly<Record<string, number | null>>
}

/** The newest first counts that grew while the page looked on. */
export interface Growth {
  readonly reason: string
  readonly count: number
}

interface Counters {
  readonly uptime: number
  readonly clock: number
  readonly received: number
  readonly sent: number
  readonly bytesReceived: number
  readonly bytesSent: number
  readonly dropped: number
  readonly refused: number
}

const total = ({ qos0, qos1, qos2 }: BrokerStatus['messages']['sent']): number => qos0 + qos1 + qos2
export const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0)

function countersOf(status: BrokerStatus, clock: number): Counters {
  return {
    uptime: status.uptime_seconds,
    clock,
    received: total(status.messages.received),
    sent: total(status.messages.sent),
    bytesReceived: status.bytes.received,
    bytesSent: status.bytes.sent,
    dropped: sumOf(status.dropped),
    refused: sumOf(status.refused),
  }
}

/** True where the broker was started between two polls: what only grows has become less. */
function isAnew(now: Counters, last: Counters): boolean {
  return now.uptime < last.uptime || now.received < last.received || now.sent < last.sent
}

/** What the last fifteen minutes of polls say; a broker that started anew begins to count at nothing. */
export class History {
  #samples: readonly Sample[] = []
  #last: Counters | undefined
  #first: { readonly at: number; readonly dropped: Readonly<Record<string, number>> } | undefined
  #dropped: Readonly<Record<string, number>> = {}

  get samples(): readonly Sample[] {
    return this.#samples
  }

  /** Since when drops are watched, in seconds since 1970; undefined before the first poll. */
  get since(): number | undefined {
    return this.#first?.at
  }

  /** Drops by reason since the page looks on, the most first. */
  get growth(): readonly Growth[] {
    const before = this.#first?.dropped ?? {}
    return Object.entries(this.#dropped)
      .map(([reason, count]) => ({ reason, count: count - (before[reason] ?? 0) }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count)
  }

  /** `at` in seconds since 1970; `clock`, in seconds too, only ever goes forward. */
  add(status: BrokerStatus, at: number, clock: number): void {
    const counters = countersOf(status, clock)
    const last = this.#last
    this.#last = counters
    this.#dropped = status.dropped
    if (last === undefined || isAnew(counters, last)) {
      this.#first = { at, dropped: last === undefined ? status.dropped : {} }
      return
    }
    const seconds = clock - last.clock
    if (seconds <= 0) return
    const rate = (name: Exclude<keyof Counters, 'uptime' | 'clock'>): number =>
      Math.max(0, (counters[name] - last[name]) / seconds)
    const sample: Sample = {
      at,
      received: rate('received'),
      sent: rate('sent'),
      bytesReceived: rate('bytesReceived'),
      bytesSent: rate('bytesSent'),
      dropped: rate('dropped'),
      refused: rate('refused'),
      connections: status.connections,
      queued: status.queued.messages,
      eventLoopP99: status.event_loop_delay_ms.p99,
      latencyP99: Object.fromEntries(
        Object.entries(status.latency_ms)
          .sort(([, a], [, b]) => b.count - a.count)
          .map(([name]) => [name, status.latency_recent?.ms[name]?.p99 ?? null]),
      ),
    }
    this.#samples = [...this.#samples.filter((one) => one.at > at - WINDOW_SECONDS), sample]
  }

  clear(): void {
    this.#samples = []
    this.#last = undefined
    this.#first = undefined
    this.#dropped = {}
  }
}
