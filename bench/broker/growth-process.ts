import { createHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { BareClient, type BareClientOptions } from '../kit/bare-client.js'
import { FrameRing } from '../kit/frame-ring.js'
import { difference } from '../kit/numbers.js'
import type { Values } from '../kit/point.js'
import { anonymousBytes, processorSeconds } from '../kit/processor.js'
import { report, takeJob } from '../kit/role.js'
import { inGroups } from './groups.js'
import type { GrowthJob } from './growth-job.js'

/** One point of a growth curve, in a process of its own. */

const MEBIBYTE = 1_048_576
const TOPIC = 'bench/topic'
const IN_FLIGHT = 1000
const PROBES = 2000
const PATIENCE_MS = 600_000
/** A broker's memory is looked at when it has been left alone for so long. */
const SETTLING_MS = 500

/** Connections that say nothing, and one pair that talks past them. */
async function connections(job: GrowthJob): Promise<Values> {
  const talk = await Talk.open(job)
  await sleep(SETTLING_MS)
  const before = look(job)
  const startedAt = performance.now()
  const ownCpu = process.cpuUsage()
  await inGroups(Array.from({ length: job.size }), async (_, i) => {
    await BareClient.connect(optionsOf(job, `idle-${i}`))
  })
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(ownCpu)
  const connected = look(job)
  await sleep(SETTLING_MS)
  const bytes = difference(anonymousBytes(job.pid), before.bytes)
  const latency = await talk.latency(PROBES)
  return {
    'connects/s': job.size / seconds,
    'broker us/connect': perUnit(difference(connected.cpuSeconds, before.cpuSeconds), 1e6 / job.size),
    'load us/connect': (user + system) / job.size,
    'bytes/connection': perUnit(bytes, 1 / job.size),
    'p50 ms': latency.percentile(50) / 1e6,
    'p99 ms': latency.percentile(99) / 1e6,
  }
}

/** Messages that stay, each on a topic of its own, and one who then subscribes to all of them. */
async function retained(job: GrowthJob): Promise<Values> {
  const before = look(job)
  const topics = Array.from({ length: job.size }, (_, i) => `site/${i % 100}/device/${i}/state`)
  const startedAt = performance.now()
  await publishAll(job, topics, true)
  const stored = (performance.now() - startedAt) / 1000
  await sleep(SETTLING_MS)
  const bytes = difference(anonymousBytes(job.pid), before.bytes)
  const subscriber = await BareClient.connect(optionsOf(job, 'subscriber'))
  const { cpuSeconds } = look(job)
  const peak = watchPeak(job.pid)
  const askedAt = performance.now()
  let firstMs = 0
  await new Promise<void>((resolve) => {
    subscriber.onTurn = () => {
      const { received } = subscriber.acceptor
      if (received > 0 && firstMs === 0) firstMs = performance.now() - askedAt
      if (received >= job.size) resolve()
    }
    void subscriber.subscribe(['#'], 0)
  })
  const seconds = (performance.now() - askedAt) / 1000
  return {
    'stored/s': job.size / stored,
    'bytes/message': perUnit(bytes, 1 / job.size),
    'delivered/s': job.size / seconds,
    'ms to the first': firstMs,
    'broker us/message': perUnit(difference(look(job).cpuSeconds, cpuSeconds), 1e6 / job.size),
    'peak MiB': perUnit(difference(peak(), before.bytes), 1 / MEBIBYTE),
  }
}

/** Messages for one that is away, with a broker's state on disk. */
async function fill(job: GrowthJob): Promise<Values> {
  const subscriber = await BareClient.connect(sessionOf(job))
  await subscriber.subscribe([TOPIC], 1)
  subscriber.destroy()
  const startedAt = performance.now()
  await publishAll(job, [TOPIC], false)
  return { 'queued/s': job.size / ((performance.now() - startedAt) / 1000) }
}

/** It comes back, to a broker that was killed and started again. */
async function drain(job: GrowthJob): Promise<Values> {
  const bytes = anonymousBytes(job.pid)
  const peak = watchPeak(job.pid)
  const startedAt = performance.now()
  const subscriber = await BareClient.connect(sessionOf(job))
  await until(subscriber, () => subscriber.acceptor.received >= job.size)
  const seconds = (performance.now() - startedAt) / 1000
  if (subscriber.acceptor.received !== job.size) {
    throw new Error(`${job.size} messages were queued, and ${subscriber.acceptor.received} came`)
  }
  return {
    'drained/s': job.size / seconds,
    'MiB after its start': perUnit(bytes, 1 / MEBIBYTE),
    'peak MiB': perUnit(peak(), 1 / MEBIBYTE),
  }
}

function optionsOf({ port, protocolVersion, ca }: GrowthJob, clientId: string): BareClientOptions {
  return { port, protocolVersion, ca, clientId }
}

function sessionOf(job: GrowthJob): BareClientOptions {
  return { ...optionsOf(job, 'session'), isPersistent: true }
}

/** `size` messages of QoS 1, round all topics; resolves when all are acknowledged. */
async function publishAll(job: GrowthJob, topics: readonly string[], retain: boolean): Promise<void> {
  const { size, protocolVersion } = job
  const publisher = await BareClient.connect(optionsOf(job, 'publisher'))
  // A ring holds as many frames as there are packet identifiers.
  const atOnce = topics.length === 1 ? size : Math.min(topics.length, 60_000)
  for (let from = 0; from < size; from += atOnce) {
    const count = Math.min(atOnce, size - from)
    const some = topics.length === 1 ? topics : topics.slice(from, from + count)
    const ring = new FrameRing({
      topics: some.map((topic) => ({ topic, properties: undefined })),
      qos: 1,
      payload: Buffer.alloc(64, 'x'),
      minimumFrames: 2 * IN_FLIGHT,
      protocolVersion,
      retain,
    })
    const blaster = publisher.publish({ ring, qos: 1, window: IN_FLIGHT, room: () => count - blaster.sent })
    blaster.fill()
    await until(publisher, () => blaster.acknowledged === count)
  }
  await publisher.close()
}

function until(client: BareClient, isSo: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it does not come to an end')), PATIENCE_MS)
    const lookAgain = (): void => {
      if (!isSo()) return
      clearTimeout(timer)
      client.onTurn = () => {}
      resolve()
    }
    client.onTurn = lookAgain
    lookAgain()
  })
}

/** One publisher and one subscriber, a message at a time. */
class Talk {
  readonly #publisher: BareClient
  readonly #subscriber: BareClient
  readonly #ring: FrameRing

  private constructor(publisher: BareClient, subscriber: BareClient, ring: FrameRing) {
    this.#publisher = publisher
    this.#subscriber = subscriber
    this.#ring = ring
  }

  static async open(job: GrowthJob): Promise<Talk> {
    const subscriber = await BareClient.connect(optionsOf(job, 'subscriber'))
    await subscriber.subscribe([TOPIC], 0)
    const publisher = await BareClient.connect(optionsOf(job, 'publisher'))
    const { protocolVersion } = job
    const topics = [{ topic: TOPIC, properties: undefined }]
    const payload = Buffer.alloc(256, 'x')
    const ring = new FrameRing({ topics, qos: 0, payload, minimumFrames: 1, protocolVersion })
    return new Talk(publisher, subscriber, ring)
  }

  async latency(probes: number): Promise<ReturnType<typeof createHistogram>> {
    const histogram = createHistogram()
    const { acceptor } = this.#subscriber
    let allowed = 0
    const blaster = this.#publisher.publish({
      ring: this.#ring,
      qos: 0,
      window: 1,
      room: () => allowed - blaster.sent,
    })
    const before = acceptor.received
    for (; allowed < probes; ) {
      const sentAt = performance.now()
      allowed++
      blaster.fill()
      await until(this.#subscriber, () => acceptor.received === before + allowed)
      histogram.record(Math.round((performance.now() - sentAt) * 1e6))
    }
    return histogram
  }
}

interface Look {
  readonly bytes: number | undefined
  readonly cpuSeconds: number | undefined
}

function look({ pid }: GrowthJob): Look {
  return { bytes: anonymousBytes(pid), cpuSeconds: processorSeconds(pid) }
}

/** The most of a process's own memory from now on. */
function watchPeak(pid: number): () => number | undefined {
  let most: number | undefined
  const sample = (): void => {
    const bytes = anonymousBytes(pid)
    if (bytes !== undefined) most = Math.max(most ?? 0, bytes)
  }
  const timer = setInterval(sample, 20)
  return () => {
    clearInterval(timer)
    sample()
    return most
  }
}

function perUnit(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor
}

const WORKS = { connections, retained, 'fill a queue': fill, 'drain a queue': drain }

const job = await takeJob<GrowthJob>()
await report(async () => ({ values: await WORKS[job.work](job) }))
