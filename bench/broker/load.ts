import { createHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { BareClient } from '../kit/bare-client.js'
import type { Blaster } from '../kit/blaster.js'
import { FrameRing } from '../kit/frame-ring.js'
import { difference } from '../kit/numbers.js'
import { anonymousBytes, processorSeconds } from '../kit/processor.js'
import { inGroups } from './groups.js'
import { type Places, placesOf } from './layout.js'
import type { LoadFigures, LoadJob } from './load-job.js'

/** Unacknowledged at QoS 1 and 2, of all publishers together. */
const IN_FLIGHT = 500
/** Published and not delivered: so many messages, and no more bytes for one subscriber and for all of them. */
const MAXIMUM_UNDELIVERED = 20_000
const MAXIMUM_BYTES_EACH = 4_194_304
const MAXIMUM_BYTES = 67_108_864
/** More than a packet adds to its payload here. */
const OVERHEAD_BYTES = 40
const FILTERS_PER_PACKET = 500
/** What was sent arrives within this, or never. */
const PATIENCE_MS = 60_000
const LEAST_FOR_P50 = 5
const LEAST_FOR_P99 = 200

/**
 * Publishers and subscribers in one process, as fast as a broker takes and delivers. A publisher waits while too much
 * of what was published has not arrived: nobody is measured by what it throws away, or piles up.
 */
export class Load {
  readonly #job: LoadJob
  readonly #places: Places
  readonly #subscribers: BareClient[] = []
  readonly #publishers: Blaster[] = []
  #latency = createHistogram()
  /** Where one message at a time is timed: when it left. */
  #sentAtMs = 0
  #delivered = 0
  #isTurnDue = false

  constructor(job: LoadJob) {
    this.#job = job
    this.#places = placesOf(job.task.layout)
  }

  async run(): Promise<LoadFigures> {
    const { warmUpMs, windowMs, pid } = this.#job
    const before = anonymousBytes(pid)
    const startedAt = performance.now()
    await this.#subscribe()
    const filters = this.#places.subscribers.flat().length
    const subscribeMicros = ((performance.now() - startedAt) * 1000) / filters
    const subscriptionBytes = difference(anonymousBytes(pid), before)
    await this.#connectPublishers()
    this.#turn()
    await sleep(warmUpMs)
    this.#latency = createHistogram()
    const close = this.#openWindow()
    await sleep(windowMs)
    const figures = close()
    const bytes = anonymousBytes(pid)
    await this.#finish()
    return { ...figures, anonymousBytes: bytes, subscriptionBytes, subscribeMicros }
  }

  async #subscribe(): Promise<void> {
    const { subscribers } = this.#places
    const { qos, isOneByOne } = this.#job.task
    const onTurn = isOneByOne ? () => this.#onTimed() : () => this.#onDelivered()
    await inGroups(subscribers, async (filters, i) => {
      const subscriber = await this.#connect(`subscriber-${i}`)
      for (let from = 0; from < filters.length; from += FILTERS_PER_PACKET) {
        await subscriber.subscribe(filters.slice(from, from + FILTERS_PER_PACKET), qos)
      }
      subscriber.onTurn = onTurn
      this.#subscribers.push(subscriber)
    })
  }

  async #connectPublishers(): Promise<void> {
    const { publishers, fanOut } = this.#places
    const { qos, payloadBytes, isOneByOne } = this.#job.task
    const window = isOneByOne ? 1 : Math.max(1, Math.floor(IN_FLIGHT / publishers.length))
    const share = Math.max(1, Math.floor(mostUndelivered(payloadBytes, fanOut) / publishers.length))
    const rings = new Map<string, FrameRing>()
    await inGroups(publishers, async (topics, i) => {
      const key = topics.length === 1 ? (topics[0] as string) : `many of ${i}`
      const ring = rings.get(key) ?? this.#ring(topics, window)
      rings.set(key, ring)
      const client = await this.#connect(`publisher-${i}`)
      // As if what has arrived were everybody's alike, which holds where each has sent as much.
      const room = isOneByOne
        ? () => this.#roomForOne()
        : () => Math.floor(share - blaster.sent + this.#delivered / (fanOut * publishers.length))
      const blaster = client.publish({ ring, qos, window, room })
      this.#publishers.push(blaster)
    })
  }

  #ring(topics: readonly string[], window: number): FrameRing {
    const { qos, payloadBytes } = this.#job.task
    return new FrameRing({
      topics: topics.map((topic) => ({ topic, properties: undefined })),
      qos,
      payload: Buffer.alloc(payloadBytes, 'x'),
      minimumFrames: qos === 0 ? 1 : 2 * window,
      protocolVersion: this.#job.protocolVersion,
    })
  }

  #connect(clientId: string): Promise<BareClient> {
    const { port, protocolVersion, ca, task } = this.#job
    return BareClient.connect({ port, clientId, protocolVersion, ca, isPersistent: task.isPersistent })
  }

  /** Once a turn of the event loop, whatever has arrived in it. */
  #onDelivered(): void {
    if (this.#isTurnDue) return
    this.#isTurnDue = true
    setImmediate(() => this.#turn())
  }

  #turn(): void {
    this.#isTurnDue = false
    this.#count()
    for (const blaster of this.#publishers) blaster.fill()
  }

  #onTimed(): void {
    const before = this.#delivered
    this.#count()
    if (this.#delivered > before) this.#latency.record(Math.round((performance.now() - this.#sentAtMs) * 1e6))
    for (const blaster of this.#publishers) blaster.fill()
  }

  #roomForOne(): number {
    const [publisher] = this.#publishers
    if (publisher === undefined || this.#delivered < publisher.sent * this.#places.fanOut) return 0
    this.#sentAtMs = performance.now()
    return 1
  }

  #count(): void {
    let delivered = 0
    for (const { acceptor } of this.#subscribers) delivered += acceptor.received
    this.#delivered = delivered
  }

  #openWindow(): () => Omit<LoadFigures, 'anonymousBytes' | 'subscriptionBytes' | 'subscribeMicros'> {
    const { pid } = this.#job
    this.#count()
    const deliveredBefore = this.#delivered
    const brokerBefore = processorSeconds(pid)
    const cpuBefore = process.cpuUsage()
    const startedAt = performance.now()
    return () => {
      const seconds = (performance.now() - startedAt) / 1000
      this.#count()
      const delivered = this.#delivered - deliveredBefore
      const { user, system } = process.cpuUsage(cpuBefore)
      const brokerSeconds = difference(processorSeconds(pid), brokerBefore)
      const { count } = this.#latency
      return {
        deliveredPerSecond: delivered / seconds,
        cpuMicros: brokerSeconds === undefined ? undefined : (brokerSeconds * 1e6) / delivered,
        brokerShare: brokerSeconds === undefined ? undefined : brokerSeconds / seconds,
        generatorShare: (user + system) / 1e6 / seconds,
        p50: count < LEAST_FOR_P50 ? undefined : this.#latency.percentile(50) / 1e6,
        p99: count < LEAST_FOR_P99 ? undefined : this.#latency.percentile(99) / 1e6,
      }
    }
  }

  /** Everything published has arrived, once, and was acknowledged. */
  async #finish(): Promise<void> {
    for (const blaster of this.#publishers) blaster.stop()
    const { qos } = this.#job.task
    const sum = (of: (blaster: Blaster) => number): number =>
      this.#publishers.reduce((all, blaster) => all + of(blaster), 0)
    const expected = sum(({ sent }) => sent) * this.#places.fanOut
    const isAcknowledged = (): boolean =>
      qos === 0 || this.#publishers.every(({ sent, acknowledged }) => sent === acknowledged)
    const endsAt = performance.now() + PATIENCE_MS
    for (;;) {
      this.#count()
      if (this.#delivered >= expected && isAcknowledged()) break
      if (performance.now() > endsAt) break
      await sleep(5)
    }
    if (this.#delivered !== expected)
      throw new Error(`${expected} messages were due, and ${this.#delivered} came`)
    if (!isAcknowledged())
      throw new Error(`${sum(({ sent, acknowledged }) => sent - acknowledged)} were not acknowledged`)
    const faults = [...this.#publishers, ...this.#subscribers.map(({ acceptor }) => acceptor)].flatMap(
      (one) => one.faults,
    )
    if (faults.length > 0) throw new Error(`the load generator saw ${faults[0]}`)
  }
}

function mostUndelivered(payloadBytes: number, fanOut: number): number {
  const bytes = payloadBytes + OVERHEAD_BYTES
  const most = Math.min(MAXIMUM_UNDELIVERED, MAXIMUM_BYTES_EACH / bytes, MAXIMUM_BYTES / (bytes * fanOut))
  return Math.max(1, Math.floor(most))
}
