import type { QoS } from '@jamey/protocol'
import { BareClient } from '../kit/bare-client.js'
import { FrameRing } from '../kit/frame-ring.js'
import type { Gauge } from '../kit/gauge.js'
import type { Counts, Task } from './job.js'
import { sentOf } from './peer.js'
import { CONTROL, TOPIC } from './sink.js'

const FIRST_OF_CONTROL = CONTROL.report.charCodeAt(0)

/**
 * No client: the load generator's own loops on the client's side, with frames encoded beforehand. What it reaches
 * against the sink is what the sink can do, and so the bound of what can be measured with it.
 */
export class BareLoop {
  readonly #gauge: Gauge
  readonly #client: BareClient
  #onReport: (sent: number) => void = () => {}

  private constructor(client: BareClient, gauge: Gauge) {
    this.#client = client
    this.#gauge = gauge
    client.onTurn = () => this.#count()
  }

  static async connect(port: number, ca: string | undefined, gauge: Gauge): Promise<BareLoop> {
    const client = await BareClient.connect({
      port,
      ca,
      clientId: 'bare',
      protocolVersion: 5,
      onMessage: (bytes, at, bodyAt, size) => loop.#onMessage(bytes, at, bodyAt, size),
    })
    const loop = new BareLoop(client, gauge)
    return loop
  }

  publish({ qos, payloadBytes, window }: Task): void {
    const topics = [{ topic: TOPIC, properties: undefined }]
    const payload = Buffer.alloc(payloadBytes, 'x')
    const ring = new FrameRing({ topics, qos, payload, minimumFrames: qos === 0 ? 1 : 2 * window })
    this.#client.publish({ ring, qos, window }).fill()
  }

  async receive(qos: QoS): Promise<void> {
    await this.#client.subscribe([TOPIC], qos)
    this.#tellSink(CONTROL.start)
  }

  async stop({ work, qos }: Task): Promise<Counts> {
    const { acceptor, blaster } = this.#client
    if (work === 'receive') {
      const sent = await new Promise<number>((resolve) => {
        this.#onReport = resolve
        this.#tellSink(CONTROL.stop)
      })
      if (qos === 2) await this.#until(() => acceptor.received === sent)
    } else {
      blaster?.stop()
      if (qos > 0) await this.#until(() => blaster?.acknowledged === blaster?.sent)
    }
    await this.#client.close()
    return { published: blaster?.sent ?? 0, received: acceptor.received }
  }

  /** What the sink says of itself is no message to be counted. */
  #onMessage(bytes: Buffer, at: number, bodyAt: number, size: number): boolean {
    if (bytes[bodyAt + 2] !== FIRST_OF_CONTROL) return false
    // Topic, then no properties, then the report.
    this.#onReport(sentOf(bytes.subarray(bodyAt + 2 + CONTROL.report.length + 1, at + size)))
    return true
  }

  #count(): void {
    const { acceptor, blaster } = this.#client
    if (blaster === undefined) this.#gauge.count = acceptor.received
    else this.#gauge.count = blaster.acknowledged === 0 ? blaster.sent : blaster.acknowledged
  }

  #tellSink(topic: string): void {
    const message = { topic, payload: Buffer.alloc(0), qos: 1, retain: false, dup: false } as const
    this.#client.send({ type: 'publish', ...message, packetIdentifier: 65_535, properties: undefined })
  }

  #until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        this.#count()
        if (isSo()) resolve()
        else this.#client.onTurn = look
      }
      look()
    })
  }
}
