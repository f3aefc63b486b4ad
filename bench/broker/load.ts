import { encodeAcknowledgement, encodedBytes, encodePublish, type Publish, type QoS } from '@jamey/protocol'
import { Peer } from './peer.js'

/** Unacknowledged publishes of QoS 1; within the Receive Maximum of every broker compared. */
const WINDOW = 500
/** The publisher waits while this much is not yet taken by the system. */
const FULL_FROM_BYTES = 262_144
/** Publishes encoded before the event loop gets its turn. */
const BATCH = 250

export interface Load {
  qos: QoS
  subscribers: number
  payloadBytes: number
  milliseconds: number
}

export interface Result {
  /** Publishes sent per second; for QoS 1, acknowledged ones. */
  published: number
  /** Deliveries received per second, all subscribers together. */
  delivered: number
}

/** One publisher as fast as it can, some subscribers, for a while. */
export async function run(port: number, load: Load): Promise<Result> {
  const { qos, milliseconds } = load
  let delivered = 0
  const publication = publishOf(load)
  const packetBytes = encodedBytes(publication, 5)
  const subscribers: Peer[] = []
  for (let n = 0; n < load.subscribers; n++) {
    const subscriber = await Peer.open(port, `sub-${n}`, { receiveMaximum: WINDOW })
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const subscriptions = [{ filter: 'bench/topic', qos, ...options }]
    await subscriber.ask({ type: 'subscribe', packetIdentifier: 1, subscriptions, properties: undefined })
    // Without acknowledgements there is nothing to read: bytes tell how many came, and the generator stays fast.
    if (qos === 0) {
      subscriber.countBytes((bytes) => {
        delivered += bytes / packetBytes
      })
    } else {
      subscriber.onPacket = (packet) => {
        if (packet.type !== 'publish') return
        delivered++
        encodeAcknowledgement(subscriber.writer, 'puback', packet.packetIdentifier, 0, 5)
      }
    }
    subscribers.push(subscriber)
  }
  const publisher = await Peer.open(port, 'pub', { receiveMaximum: WINDOW })
  const publish = new Publisher(publisher, load, publication, () => delivered)
  publish.start()
  // A warm-up, so that compiled code is measured.
  await new Promise((resolve) => setTimeout(resolve, milliseconds / 3))
  const [from, publishedBefore, deliveredBefore] = [performance.now(), publish.count, delivered]
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
  const seconds = (performance.now() - from) / 1000
  const result = {
    published: Math.round((publish.count - publishedBefore) / seconds),
    delivered: Math.round((delivered - deliveredBefore) / seconds),
  }
  publish.stop()
  for (const { socket } of [publisher, ...subscribers]) socket.destroy()
  return result
}

function publishOf({ qos, payloadBytes }: Load): Publish {
  return {
    type: 'publish',
    topic: 'bench/topic',
    payload: Buffer.alloc(payloadBytes, 'x'),
    qos,
    retain: false,
    dup: false,
    packetIdentifier: qos === 0 ? 0 : 1,
    properties: undefined,
  }
}

class Publisher {
  count = 0
  readonly #peer: Peer
  readonly #load: Load
  readonly #delivered: () => number
  readonly #publish: Publish
  #sent = 0
  #acknowledged = 0
  #isStopped = false

  constructor(peer: Peer, load: Load, publish: Publish, delivered: () => number) {
    this.#peer = peer
    this.#load = load
    this.#publish = publish
    this.#delivered = delivered
  }

  start(): void {
    this.#peer.onPacket = (packet) => {
      if (packet.type !== 'puback') return
      this.#acknowledged++
      this.count++
    }
    const turn = (): void => {
      if (this.#isStopped) return
      this.#fill()
      setImmediate(turn)
    }
    turn()
  }

  stop(): void {
    this.#isStopped = true
  }

  #fill(): void {
    const { qos, subscribers } = this.#load
    const { writer, socket } = this.#peer
    if (socket.writableLength > FULL_FROM_BYTES) return
    for (let n = 0; n < BATCH; n++) {
      if (qos > 0 && this.#sent - this.#acknowledged >= WINDOW) break
      // With QoS 0 nothing slows the publisher, and no broker is to be measured by what it throws away.
      if (qos === 0 && this.#sent * subscribers - this.#delivered() > 20_000 * subscribers) break
      this.#publish.packetIdentifier = qos === 0 ? 0 : 1 + (this.#sent % 65_535)
      this.#sent++
      if (qos === 0) this.count++
      encodePublish(writer, this.#publish, 5)
    }
    this.#peer.flush()
  }
}
