import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Decoder, encode, type Packet, type Publish, type Subscribe, Writer } from '@jamey/protocol'
import { Acceptor } from '../kit/acceptor.js'
import { Blaster } from '../kit/blaster.js'
import { FrameRing, type RingTopic } from '../kit/frame-ring.js'
import { FrameScanner } from '../kit/frame-scanner.js'
import { takeJob, tell } from '../kit/role.js'
import { CONTROL, type SinkJob, type SinkTotals } from './sink.js'

/**
 * The server that does nothing: it takes every message, acknowledges it, and counts it. On request it blasts messages
 * itself. It is a process of its own, so that the CPU time of the client's process is the client's.
 */

const PUBLISH = 3
const PUBREL = 6
/** A frame of QoS 1 or 2 needs an identifier of its own. */
const MAXIMUM_IDENTIFIERS = 65_000
/** Whoever has not acknowledged after this long has lost something. */
const PATIENCE_MS = 120_000
const FIRST_OF_CONTROL = CONTROL.start.charCodeAt(0)

class SinkConnection {
  readonly #socket: Socket
  readonly #job: SinkJob
  readonly #scanner = new FrameScanner(this)
  readonly #decoder = new Decoder({ from: 'client' })
  readonly #writer = new Writer()
  readonly #acceptor: Acceptor
  readonly #topics: RingTopic[] = []
  #blaster: Blaster | undefined
  /** Runs while a report is due. */
  #reportTimer: NodeJS.Timeout | undefined

  constructor(socket: Socket, job: SinkJob) {
    this.#socket = socket
    this.#job = job
    this.#acceptor = new Acceptor(socket, job.answers)
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.#scanner.push(chunk)
      this.#flush()
      this.#acceptor.flush()
      this.#blaster?.fill()
      if (this.#reportTimer !== undefined) this.#reportWhenAcknowledged()
    })
    socket.on('error', () => {})
    socket.once('close', () => void tell(this.#totals()))
  }

  onFrame(bytes: Buffer, at: number, bodyAt: number, size: number): void {
    const type = (bytes[at] as number) >> 4
    if (type === PUBLISH) {
      if (bytes[bodyAt + 2] === FIRST_OF_CONTROL) this.#onPacket(this.#decode(bytes, at, size))
      else this.#acceptor.onPublish(bytes, at, bodyAt, size)
    } else if (type === PUBREL) this.#acceptor.onPubrel(bytes, bodyAt)
    else if (type > PUBLISH && type < 8 && this.#blaster !== undefined) {
      this.#blaster.onAcknowledgement(bytes, at, bodyAt, size)
    } else this.#onPacket(this.#decode(bytes, at, size))
  }

  #decode(bytes: Buffer, at: number, size: number): Packet {
    this.#decoder.push(bytes.subarray(at, at + size))
    const packet = this.#decoder.next()
    if (packet === undefined) throw new Error('the scanner handed over half a packet')
    this.#decoder.next()
    return packet
  }

  #onPacket(packet: Packet): void {
    switch (packet.type) {
      case 'connect':
        return this.#send({
          type: 'connack',
          sessionPresent: false,
          reasonCode: 0,
          properties: {
            ...(packet.clientId === '' ? { assignedClientIdentifier: 'bench' } : {}),
            ...(this.#job.receiveMaximum === undefined ? {} : { receiveMaximum: this.#job.receiveMaximum }),
            ...(this.#job.subscriptionIdentifiers === false ? { subscriptionIdentifiersAvailable: 0 } : {}),
          },
        })
      case 'subscribe':
        return this.#subscribe(packet)
      case 'publish':
        return this.#control(packet)
      case 'pingreq':
        return this.#send({ type: 'pingresp' })
      default:
    }
  }

  #subscribe({ packetIdentifier, subscriptions, properties }: Subscribe): void {
    const identifier = properties?.subscriptionIdentifier
    for (const { filter } of subscriptions) {
      this.#topics.push({
        // A bus subscribes to what lies below a topic, too.
        topic: filter.replace(/\/#$/, '').replaceAll('+', 'x'),
        // As every server must that has the feature. [MQTT-3.3.4-3]
        properties: identifier === undefined ? undefined : { subscriptionIdentifiers: [identifier] },
      })
    }
    const reasonCodes = subscriptions.map(({ qos }) => qos)
    this.#send({ type: 'suback', packetIdentifier, reasonCodes, properties: undefined })
  }

  #control({ topic, packetIdentifier }: Publish): void {
    this.#send({ type: 'puback', packetIdentifier, reasonCode: 0, properties: undefined })
    if (topic === CONTROL.start) this.#blaster = this.#makeBlaster()
    if (topic !== CONTROL.stop) return
    this.#blaster?.stop()
    this.#reportTimer = setTimeout(() => this.#report(), PATIENCE_MS)
    this.#reportWhenAcknowledged()
  }

  /** Not before everything is acknowledged: whoever has the report hangs up, and acknowledgements would be missing. */
  #reportWhenAcknowledged(): void {
    const { sent, acknowledged } = this.#blaster ?? { sent: 0, acknowledged: 0 }
    const isComplete = this.#job.blast?.qos === 0 || sent === acknowledged
    if (this.#reportTimer !== undefined && isComplete) this.#report()
  }

  #report(): void {
    clearTimeout(this.#reportTimer)
    this.#reportTimer = undefined
    const report = { sent: this.#blaster?.sent ?? 0 }
    this.#send({
      type: 'publish',
      topic: CONTROL.report,
      payload: Buffer.from(JSON.stringify(report)),
      qos: 0,
      retain: false,
      dup: false,
      packetIdentifier: 0,
      properties: undefined,
    })
    this.#flush()
  }

  #makeBlaster(): Blaster {
    const { blast } = this.#job
    if (blast === undefined) throw new Error('this sink has nothing to send')
    const { qos, window, payload } = blast
    const ring = new FrameRing({
      topics: qos === 0 ? this.#topics : spread(this.#topics, MAXIMUM_IDENTIFIERS),
      qos,
      payload: typeof payload === 'string' ? Buffer.from(payload) : Buffer.alloc(payload, 'x'),
      minimumFrames: qos === 0 ? 1 : 2 * window,
    })
    return new Blaster({ socket: this.#socket, ring, qos, window })
  }

  #flush(): void {
    for (const bytes of this.#writer.take()) this.#socket.write(bytes)
  }

  #send(packet: Packet): void {
    encode(this.#writer, packet, 5)
  }

  #totals(): SinkTotals {
    const blaster = this.#blaster
    return {
      received: this.#acceptor.received,
      payloadBytes: this.#acceptor.payloadBytes,
      sent: blaster?.sent ?? 0,
      acknowledged: blaster?.acknowledged ?? 0,
      faults: [...this.#acceptor.faults, ...(blaster?.faults ?? [])],
    }
  }
}

/** At most `most` of `all`, evenly spread. */
function spread(all: readonly RingTopic[], most: number): readonly RingTopic[] {
  if (all.length <= most) return all
  return Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)] as RingTopic)
}

const job = await takeJob<SinkJob>()
const onConnection = (socket: Socket): void => void new SinkConnection(socket, job)
const server =
  job.certificates === undefined
    ? createServer(onConnection)
    : createTlsServer({ ...job.certificates, minVersion: 'TLSv1.3' }, onConnection)
server.listen(0, '127.0.0.1', () => void tell({ port: (server.address() as AddressInfo).port }))
