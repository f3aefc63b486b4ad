import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { encode, type Packet, type QoS, Writer } from '@jamey/protocol'
import { Acceptor } from './acceptor.js'
import { Blaster } from './blaster.js'
import { FrameRing } from './frame-ring.js'
import { FrameScanner } from './frame-scanner.js'
import type { Gauge } from './gauge.js'
import type { Counts, Task } from './job.js'
import { sentOf } from './peer.js'
import { CONTROL, TOPIC } from './sink.js'

const CONNACK = 2
const PUBLISH = 3
const PUBREL = 6
const SUBACK = 9
const FIRST_OF_CONTROL = CONTROL.report.charCodeAt(0)

/**
 * No client: the load generator's own loops on the client's side, with frames encoded beforehand. What it reaches
 * against the sink is what the sink can do, and so the bound of what can be measured with it.
 */
export class BareLoop {
  readonly #socket: Socket
  readonly #gauge: Gauge
  readonly #scanner = new FrameScanner(this)
  readonly #acceptor: Acceptor
  #blaster: Blaster | undefined
  #onAnswer: () => void = () => {}
  #onReport: (sent: number) => void = () => {}

  private constructor(socket: Socket, gauge: Gauge) {
    this.#socket = socket
    this.#gauge = gauge
    this.#acceptor = new Acceptor(socket)
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.#scanner.push(chunk)
      this.#acceptor.flush()
      this.#blaster?.fill()
      this.#count()
    })
    socket.on('drain', () => this.#count())
  }

  static async connect(port: number, gauge: Gauge): Promise<BareLoop> {
    const socket = connectSocket(port, '127.0.0.1')
    await once(socket, 'connect')
    const loop = new BareLoop(socket, gauge)
    await loop.#ask({
      type: 'connect',
      protocolVersion: 5,
      cleanStart: true,
      keepAlive: 0,
      clientId: 'bare',
      will: undefined,
      username: undefined,
      password: undefined,
      properties: undefined,
    })
    return loop
  }

  publish({ qos, payloadBytes, window }: Task): void {
    const topics = [{ topic: TOPIC, properties: undefined }]
    const payload = Buffer.alloc(payloadBytes, 'x')
    const ring = new FrameRing({ topics, qos, payload, minimumFrames: qos === 0 ? 1 : 2 * window })
    this.#blaster = new Blaster(this.#socket, ring, qos, window)
    this.#blaster.fill()
  }

  async receive(qos: QoS): Promise<void> {
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const subscriptions = [{ filter: TOPIC, qos, ...options }]
    await this.#ask({ type: 'subscribe', packetIdentifier: 1, subscriptions, properties: undefined })
    this.#tellSink(CONTROL.start)
  }

  async stop({ work, qos }: Task): Promise<Counts> {
    if (work === 'receive') {
      const sent = await new Promise<number>((resolve) => {
        this.#onReport = resolve
        this.#tellSink(CONTROL.stop)
      })
      if (qos === 2) await this.#until(() => this.#acceptor.received === sent)
    } else {
      this.#blaster?.stop()
      if (qos > 0) await this.#until(() => this.#blaster?.acknowledged === this.#blaster?.sent)
    }
    this.#socket.end()
    await once(this.#socket, 'close')
    return { published: this.#blaster?.sent ?? 0, received: this.#acceptor.received }
  }

  onFrame(bytes: Buffer, at: number, bodyAt: number, size: number): void {
    const type = (bytes[at] as number) >> 4
    if (type === PUBLISH && bytes[bodyAt + 2] !== FIRST_OF_CONTROL) {
      this.#acceptor.onPublish(bytes, at, bodyAt, size)
    } else if (type === PUBLISH) {
      // Topic, then no properties, then the report.
      this.#onReport(sentOf(bytes.subarray(bodyAt + 2 + CONTROL.report.length + 1, at + size)))
    } else if (type === PUBREL) this.#acceptor.onPubrel(bytes, bodyAt)
    else if (type === CONNACK || type === SUBACK) this.#onAnswer()
    else this.#blaster?.onAcknowledgement(bytes, at, bodyAt, size)
  }

  #count(): void {
    const blaster = this.#blaster
    if (blaster === undefined) this.#gauge.count = this.#acceptor.received
    else this.#gauge.count = blaster.acknowledged === 0 ? blaster.sent : blaster.acknowledged
  }

  #tellSink(topic: string): void {
    const message = { topic, payload: Buffer.alloc(0), qos: 1, retain: false, dup: false } as const
    this.#send({ type: 'publish', ...message, packetIdentifier: 65_535, properties: undefined })
  }

  #ask(packet: Packet): Promise<void> {
    this.#send(packet)
    return new Promise((resolve) => {
      this.#onAnswer = resolve
    })
  }

  #send(packet: Packet): void {
    const writer = new Writer()
    encode(writer, packet, 5)
    for (const bytes of writer.take()) this.#socket.write(bytes)
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await once(this.#socket, 'data')
  }
}
