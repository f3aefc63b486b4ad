import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { Client, Message } from '@jamey/mqtt'
import { openSessionStore } from '@jamey/store'
import { Ledger, type Tally } from './ledger.js'
import { readPayload } from './payload.js'
import { Publisher, type PublisherOptions } from './publisher.js'
import { Traffic } from './traffic.js'
import { type Counts, chance, Loop, pause, type Role, type World } from './world.js'

/** The mix: what is published how, and its share. */
const PUBLISHERS: readonly (PublisherOptions & { readonly weight: number })[] = [
  { name: 'zero', way: 'direct', qos: 0, weight: 8 },
  { name: 'one', way: 'direct', qos: 1, weight: 5 },
  { name: 'two', way: 'direct', qos: 2, weight: 2 },
  { name: 'old-one', way: 'direct', qos: 1, protocolVersion: 4, weight: 1 },
  { name: 'cut-two', way: 'cut', qos: 2, weight: 1 },
  { name: 'durable-one', way: 'cut', qos: 1, isDurable: true, weight: 2 },
  { name: 'durable-two', way: 'cut', qos: 2, isDurable: true, weight: 1 },
]
/**
 * A calibrating publisher may be this far ahead of its receivers: far enough that queues form and go to disk, which is
 * dearer than what is delivered at once, and is what a soak meets whenever a link was down.
 */
const MAXIMUM_AHEAD = 5000

interface SubscriberOptions {
  readonly name: string
  readonly way: 'direct' | 'cut' | 'stall'
  readonly qos: 0 | 1 | 2
  readonly protocolVersion?: 4 | 5
  readonly isDurable?: boolean
  /** Publishers it wants; all of them without. */
  readonly of?: readonly string[]
}

/**
 * Those behind a proxy take part of the traffic only, so that what waits for them while their link is down stays
 * within the queue that the broker keeps for a session.
 */
const SUBSCRIBERS: readonly SubscriberOptions[] = [
  { name: 'all', way: 'direct', qos: 2 },
  { name: 'old-all', way: 'direct', qos: 1, protocolVersion: 4 },
  {
    name: 'cut-durable',
    way: 'cut',
    qos: 2,
    isDurable: true,
    of: ['two', 'cut-two', 'durable-one', 'durable-two'],
  },
  { name: 'stalled', way: 'stall', qos: 1, of: ['two', 'old-one', 'cut-two', 'durable-one', 'durable-two'] },
  { name: 'stalled-zero', way: 'stall', qos: 0 },
]

class Subscriber {
  readonly options: SubscriberOptions
  readonly tally: Tally
  readonly #world: World
  readonly #ledgers = new Map<number, Ledger>()
  /** Streams that no harmed link delays before the broker has them. */
  readonly #direct = new Set<number>()
  readonly #onLatency: ((ms: number) => void) | undefined
  #client: Client | undefined

  constructor(
    world: World,
    options: SubscriberOptions,
    publishers: readonly Publisher[],
    onLatency: ((ms: number) => void) | undefined,
  ) {
    this.#world = world
    this.options = options
    this.#onLatency = onLatency
    this.tally = world.tally(`subscriber ${options.name}`)
    for (const { stream, options: publisher } of this.#wanted(publishers)) {
      this.#ledgers.set(stream.id, new Ledger(stream, options.qos, this.tally))
      if (publisher.way === 'direct') this.#direct.add(stream.id)
    }
  }

  async start(publishers: readonly Publisher[]): Promise<void> {
    const { name, way, qos, protocolVersion, isDurable } = this.options
    this.#client = await this.#world.steadyClient(`subscriber-${name}`, way, {
      ...(protocolVersion === undefined ? {} : { protocolVersion }),
      ...(isDurable
        ? { store: await openSessionStore({ path: `${this.#world.options.folder}/${name}` }) }
        : {}),
    })
    const client = this.#client
    const filters = this.options.of === undefined ? ['soak/steady/#'] : this.#filtersOf(publishers)
    for (const filter of filters)
      await client.subscribe(filter, { qos }, (message) => this.#onMessage(message))
  }

  outstanding(streamId: number): number {
    return this.#ledgers.get(streamId)?.outstanding ?? 0
  }

  get isComplete(): boolean {
    return [...this.#ledgers.values()].every((ledger) => ledger.isComplete)
  }

  async finish(): Promise<void> {
    for (const ledger of this.#ledgers.values()) ledger.close()
    await this.#client?.close()
  }

  #onMessage({ payload, topic }: Message): void {
    const content = readPayload(payload)
    const ledger = content && this.#ledgers.get(content.stream)
    if (content === undefined || ledger === undefined || Number(topic.at(-1)) !== content.number % 4) {
      this.tally.damaged++
      return
    }
    ledger.note(content.number)
    if (this.#direct.has(content.stream)) this.#onLatency?.(performance.now() - content.sentAtMs)
  }

  #wanted(publishers: readonly Publisher[]): readonly Publisher[] {
    const { of } = this.options
    return of === undefined ? publishers : publishers.filter(({ options }) => of.includes(options.name))
  }

  #filtersOf(publishers: readonly Publisher[]): string[] {
    return this.#wanted(publishers).map(({ filter }) => filter)
  }
}

/** The steady load: publishers and subscribers that stay, with every QoS, both versions, and sessions on disk. */
export class Steady implements Role {
  readonly name = 'steady'
  readonly publishers: readonly Publisher[]
  readonly subscribers: readonly Subscriber[]
  /** Microseconds from publish to handler, of this sample and of all. */
  readonly latency: RecordableHistogram = createHistogram()
  readonly #traffic: Traffic
  readonly #world: World
  #restarts: Loop | undefined

  constructor(world: World) {
    this.#world = world
    this.publishers = PUBLISHERS.map((options) => new Publisher(world, options))
    this.subscribers = SUBSCRIBERS.map((options) => {
      const onLatency = (ms: number): void => this.latency.record(Math.max(1, Math.round(ms * 1000)))
      return new Subscriber(world, options, this.publishers, options.name === 'all' ? onLatency : undefined)
    })
    this.#traffic = new Traffic(
      this.publishers.map((publisher, i) => ({
        publisher,
        weight: PUBLISHERS[i]?.weight ?? 1,
        outstanding: () =>
          Math.max(...this.subscribers.map((subscriber) => subscriber.outstanding(publisher.stream.id))),
      })),
    )
  }

  async start(): Promise<void> {
    for (const subscriber of this.subscribers) await subscriber.start(this.publishers)
    for (const publisher of this.publishers) await publisher.start()
  }

  async calibrate(milliseconds: number): Promise<number> {
    const perSecond = await this.#traffic.calibrate(milliseconds, MAXIMUM_AHEAD)
    await Promise.all(this.publishers.map((publisher) => publisher.drained(30_000)))
    this.latency.reset()
    return perSecond
  }

  run(perSecond: number): void {
    this.#traffic.start(perSecond)
    const durable = this.publishers.filter(({ options }) => options.isDurable)
    this.#restarts = new Loop(this.#world, 'restart of a durable publisher', async () => {
      for (let seconds = chance(15, 40); seconds > 0 && this.#restarts?.isStopped !== true; seconds--) {
        await pause(1000)
      }
      if (this.#restarts?.isStopped !== true) await durable[chance(0, durable.length - 1)]?.restart()
    })
  }

  async stop(): Promise<void> {
    this.#traffic.stop()
    await this.#restarts?.stop()
    await Promise.all(
      this.publishers.map((publisher) =>
        publisher
          .drained(30_000)
          .catch((error) => this.#world.errors.note(`draining ${publisher.options.name}`, error)),
      ),
    )
  }

  isComplete(): boolean {
    return this.subscribers.every((subscriber) => subscriber.isComplete)
  }

  async finish(): Promise<void> {
    await Promise.all([
      ...this.subscribers.map((subscriber) => subscriber.finish()),
      ...this.publishers.map((publisher) => publisher.close()),
    ])
  }

  get counts(): Counts {
    const counts: Counts = {}
    for (const { counts: own } of this.publishers) {
      for (const [name, count] of Object.entries(own)) counts[name] = (counts[name] ?? 0) + count
    }
    counts['received'] = this.subscribers.reduce((sum, { tally }) => sum + tally.received, 0)
    return counts
  }
}
