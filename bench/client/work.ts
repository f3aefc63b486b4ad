import { openSessionStore } from '@jamey/store'
import type { Figures, Gauge } from '../kit/gauge.js'
import { connectBenchBus, EVENT, publishEvent, REQUEST, REQUESTED } from './bus-side.js'
import { Driver, type Settling } from './driver.js'
import { JameyPeer } from './jamey-peer.js'
import type { ClientJob, Counts } from './job.js'
import { MqttJsPeer } from './mqtt-js-peer.js'
import type { Peer, PeerOptions } from './peer.js'
import { TOPIC } from './sink.js'

/** What one client does in one run: until `measure` is through, then to the end of what it began. */

export type Done = { readonly figures: Figures; readonly counts: Counts }

export const REQUEST_TOPIC = 'bench/requests'
const ANSWER_TOPIC = 'bench/answers'
/** A client that is missing messages and has got none for this long has lost them. */
const PATIENCE_MS = 60_000

export function peerOptionsOf(job: ClientJob, onFailure: (error: unknown) => void): PeerOptions {
  const { port, certificates, side } = job
  return { port, ca: certificates?.ca, clientId: `bench-${side}`, onFailure }
}

export async function connectPeer(job: ClientJob, options: PeerOptions): Promise<Peer> {
  const { side, task, storePath } = job
  if (side === 'theirs') return MqttJsPeer.connect(options, task.isTheirsWithoutDelay)
  if (!task.isDurable) return JameyPeer.connect(options)
  return JameyPeer.connect(options, { store: await openSessionStore({ path: storePath }) })
}

/** Publishes with `window` messages in flight. */
export async function publishing(peer: Peer, { task, plan }: ClientJob, gauge: Gauge): Promise<Done> {
  const payload = Buffer.alloc(task.payloadBytes, 'x')
  const { qos } = task
  const driver = new Driver(gauge, task.window, (slot) => peer.publish(TOPIC, payload, qos, slot))
  return drive(driver, peer, gauge, plan)
}

/** Publishes to a topic it has subscribed to itself; a message has settled when it has come back. */
export async function roundTrips(peer: Peer, { task, plan }: ClientJob, gauge: Gauge): Promise<Done> {
  const { qos, window } = task
  const onSettled: ((payload: Uint8Array) => void)[] = []
  await peer.subscribe(TOPIC, qos, (payload) => onSettled[indexIn(payload)]?.(payload))
  const payloads = Array.from({ length: window }, (_, i) =>
    withIndex(Buffer.alloc(task.payloadBytes, 'x'), i),
  )
  const driver: Driver = new Driver(gauge, window, (slot) => {
    onSettled[slot.index] = slot.onSettled
    peer.publish(TOPIC, payloads[slot.index] as Buffer, qos, acknowledgement)
  })
  // The acknowledgement counts for nothing unless it says that the message is lost.
  const onFailed = (error: unknown): void => driver.fail(error)
  const acknowledgement: Settling = {
    onSettled: () => {},
    onFailed,
    callback: (error) => {
      if (error != null) onFailed(error)
    },
  }
  return drive(driver, peer, gauge, plan)
}

/** Takes what the sink blasts. */
export async function receiving(peer: Peer, { task, plan }: ClientJob, gauge: Gauge): Promise<Done> {
  let wrong = 0
  await peer.subscribe(TOPIC, task.qos, (payload) => {
    if (payload.length !== task.payloadBytes) wrong++
    gauge.tick()
  })
  await peer.startBlast()
  const figures = await gauge.measure(plan)
  await received(gauge, await peer.stopBlast())
  await peer.close()
  if (wrong > 0) throw new Error(`${wrong} messages did not have ${task.payloadBytes} bytes`)
  return { figures, counts: { published: 0, received: gauge.count } }
}

/** Asks, with Response Topic and Correlation Data, and nothing around them. */
export async function requesting(peer: Peer, { task, plan }: ClientJob, gauge: Gauge): Promise<Done> {
  const { qos, window } = task
  const waiting: (() => void)[] = []
  await peer.subscribe(ANSWER_TOPIC, qos, (_payload, { correlationData }) => {
    if (correlationData !== undefined) waiting[indexIn(correlationData)]?.()
  })
  const payload = Buffer.alloc(task.payloadBytes, 'x')
  const addressings = Array.from({ length: window }, (_, i) => ({
    responseTopic: ANSWER_TOPIC,
    correlationData: withIndex(Buffer.alloc(4), i),
  }))
  const driver: Driver = new Driver(gauge, window, (slot) => {
    waiting[slot.index] = slot.onSettled
    peer.publish(REQUEST_TOPIC, payload, qos, acknowledgement, addressings[slot.index])
  })
  const onFailed = (error: unknown): void => driver.fail(error)
  const acknowledgement: Settling = {
    onSettled: () => {},
    onFailed,
    callback: (error) => {
      if (error != null) onFailed(error)
    },
  }
  return drive(driver, peer, gauge, plan)
}

/** The same works through @jamey/bus: contract, permission, envelope, and for requests deadline and typed answer. */
export async function busWork(job: ClientJob, options: PeerOptions, gauge: Gauge): Promise<Done> {
  const bus = await connectBenchBus(options)
  const { task, plan } = job
  const closing = { close: () => bus.close({ timeoutMs: 30_000 }) }
  if (task.work === 'receive') {
    const peer = new JameyPeer(bus.mqtt, () => {})
    await bus.subscribe(EVENT, () => gauge.tick())
    await peer.startBlast()
    const figures = await gauge.measure(plan)
    await received(gauge, await peer.stopBlast())
    await bus.close({ timeoutMs: 30_000 })
    return { figures, counts: { published: 0, received: gauge.count } }
  }
  const begin =
    task.work === 'request'
      ? () => bus.request(REQUESTED, REQUEST, { timeoutMs: 30_000 })
      : () => publishEvent(bus, task.qos)
  const driver = new Driver(gauge, task.window, (slot) => void begin().then(slot.onSettled, slot.onFailed))
  return drive(driver, closing, gauge, plan)
}

async function drive(
  driver: Driver,
  peer: Pick<Peer, 'close'>,
  gauge: Gauge,
  plan: ClientJob['plan'],
): Promise<Done> {
  driver.begin()
  const figures = await gauge.measure(plan)
  await driver.stop()
  await peer.close()
  return { figures, counts: { published: driver.started, received: 0 } }
}

/** MQTT.js hands a message of QoS 2 out with PUBREL, and so after the report of how many were sent. */
export async function received(gauge: Gauge, sent: number): Promise<void> {
  let known = -1
  let endsAt = 0
  while (gauge.count < sent) {
    if (gauge.count !== known) {
      known = gauge.count
      endsAt = performance.now() + PATIENCE_MS
    } else if (performance.now() >= endsAt) break
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  if (gauge.count !== sent) throw new Error(`${gauge.count} messages came of the ${sent} that were sent`)
}

function withIndex(buffer: Buffer, index: number): Buffer {
  buffer.writeUInt32BE(index)
  return buffer
}

function indexIn(bytes: Uint8Array): number {
  return (
    ((bytes[0] as number) << 24) |
    ((bytes[1] as number) << 16) |
    ((bytes[2] as number) << 8) |
    (bytes[3] as number)
  )
}
