import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, connect } from '@jamey/mqtt'
import { openSessionStore } from '@jamey/store'
import { Gauge } from '../kit/gauge.js'
import type { Values } from '../kit/point.js'
import { anonymousBytes } from '../kit/processor.js'
import { report, takeJob } from '../kit/role.js'
import type { GrowthJob, SubscriptionKind } from './growth-job.js'
import { JameyPeer } from './jamey-peer.js'
import { MqttJsPeer } from './mqtt-js-peer.js'
import type { Peer } from './peer.js'
import { received } from './work.js'

/** One point of a growth curve in a process of its own, started with `--expose-gc`. */

type SubscriptionsJob = Extract<GrowthJob, { curve: 'subscriptions' }>
type OutboxJob = Extract<GrowthJob, { curve: 'outbox' }>

const AT_ONCE = 1000
const PAYLOAD = Buffer.alloc(256, 'x')
const CLIENT_ID = 'bench-outbox'
/** With fewer, what else the process keeps would be most of it. */
const LEAST_FOR_MEMORY = 1000
const MEBIBYTE = 1_048_576

async function subscriptions(job: SubscriptionsJob, onFailure: (error: unknown) => void): Promise<Values> {
  const { side, kind, size, port, plan } = job
  const options = { port, ca: undefined, clientId: 'bench-subscriptions', onFailure }
  const peer: Peer =
    side === 'ours' ? await JameyPeer.connect(options) : await MqttJsPeer.connect(options, false)
  const gauge = new Gauge()
  const onMessage = (): void => gauge.tick()
  const heapBefore = await settledHeap()
  const startedAt = performance.now()
  for (let i = 0; i < size; i += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, size - i) }, (_, j) => filterOf(kind, i + j))
    await Promise.all(some.map((filter) => peer.subscribe(filter, 1, onMessage)))
  }
  const subscribeMs = performance.now() - startedAt
  const heapBytes = (await settledHeap()) - heapBefore
  await peer.startBlast()
  const figures = await gauge.measure(plan)
  await received(gauge, await peer.stopBlast())
  await peer.close()
  return {
    'CPU us/message': figures.cpuMicros,
    'messages/s': figures.perSecond,
    'heap bytes/subscription': size < LEAST_FOR_MEMORY ? undefined : heapBytes / size,
    'us to subscribe': (subscribeMs * 1000) / size,
  }
}

function filterOf(kind: SubscriptionKind, i: number): string {
  return kind === 'wildcards' ? `bench/device-${i}/+` : `bench/device-${i}/state`
}

/** A store as an application would leave it that was offline for a while. */
async function fill({ size, storePath, port }: OutboxJob): Promise<Values> {
  const client = await openClient(storePath, port)
  const startedAt = performance.now()
  for (let i = 0; i < size; i += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, size - i) }, (_, j) =>
      client.publish(`bench/device-${(i + j) % 100}/state`, PAYLOAD, { qos: 1, until: 'stored' }),
    )
    await Promise.all(some)
  }
  const seconds = (performance.now() - startedAt) / 1000
  await client.close({ drain: false, timeoutMs: 60_000 })
  return { 'records/s written': size / seconds }
}

/** The server takes one message and acknowledges none, so that everything stays where opening has put it. */
async function open({ storePath, port }: OutboxJob): Promise<Values> {
  const before = { heap: await settledHeap(), anonymous: anonymousBytes() }
  const startedAt = performance.now()
  const client = await openClient(storePath, port)
  await client.connect()
  const openMs = performance.now() - startedAt
  const heap = (await settledHeap()) - before.heap
  const anonymous = anonymousBytes()
  const values = {
    'ms to open': openMs,
    'heap MiB after opening': heap / MEBIBYTE,
    'anonymous MiB after opening':
      anonymous === undefined || before.anonymous === undefined
        ? undefined
        : (anonymous - before.anonymous) / MEBIBYTE,
  }
  await client.close({ drain: false, timeoutMs: 60_000 })
  return values
}

async function drain({ size, storePath, port }: OutboxJob): Promise<Values> {
  let peakAnonymous = 0
  const sampler = setInterval(() => {
    peakAnonymous = Math.max(peakAnonymous, anonymousBytes() ?? 0)
  }, 20)
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const client = await openClient(storePath, port)
  await client.connect()
  await client.drained()
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  clearInterval(sampler)
  const { messagesAcknowledged, messagesRefused, messagesDropped } = client.stats()
  if (messagesAcknowledged !== size || messagesRefused + messagesDropped > 0) {
    throw new Error(`of ${size} records ${messagesAcknowledged} were acknowledged`)
  }
  await client.close({ timeoutMs: 60_000 })
  return {
    's to drain': seconds,
    'records/s drained': size / seconds,
    'CPU us/record drained': (user + system) / size,
    'peak anonymous MiB': peakAnonymous === 0 ? undefined : peakAnonymous / MEBIBYTE,
    // The data file is mapped, so its pages count here although the system can take them back.
    'peak RSS MiB': process.resourceUsage().maxRSS / 1024,
  }
}

async function openClient(path: string, port: number): Promise<Client> {
  return connect({
    url: `mqtt://127.0.0.1:${port}`,
    clientId: CLIENT_ID,
    store: await openSessionStore({ path }),
    waitForConnection: false,
    queue: { maximumMessages: 2e6, maximumBytes: 4e9 },
    reconnect: { failuresBeforeOpen: Number.POSITIVE_INFINITY },
    connectTimeoutMs: 120_000,
  })
}

/** Bytes on the heap when everything that was begun is done, and nothing is left that nobody needs. */
async function settledHeap(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error('needs --expose-gc')
  for (let i = 0; i < 4; i++) {
    await sleep(50)
    globalThis.gc()
  }
  return process.memoryUsage().heapUsed
}

function measure(job: GrowthJob, onFailure: (error: unknown) => void): Promise<Values> {
  if (job.curve === 'subscriptions') return subscriptions(job, onFailure)
  return { fill, open, drain }[job.step](job)
}

const job = await takeJob<GrowthJob>()
await report(async (onFailure) => ({ values: await measure(job, onFailure) }))
