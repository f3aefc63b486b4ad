import { setTimeout as later } from 'node:timers/promises'
import type { Client, ConnectOptions, PublishError } from '@jamey/mqtt'
import { openSessionStore } from '@jamey/store'
import type { Stream } from './ledger.js'
import { writePayload } from './payload.js'
import type { Way, World } from './world.js'

export interface PublisherOptions {
  readonly name: string
  readonly way: Way
  readonly qos: 0 | 1 | 2
  readonly protocolVersion?: 4 | 5
  /** Keeps its session on disk, and comes back with it as another process would. */
  readonly isDurable?: boolean
  /** How many messages may wait at the client before it is held back. */
  readonly mostWaiting?: number
}

/** Topics of one publisher; messages are numbered over all of them. */
const TOPICS = 4

/** A client that publishes one numbered stream. */
export class Publisher {
  readonly stream: Stream
  readonly counts = { published: 0, heldBack: 0, failed: 0, restarts: 0 }
  readonly options: PublisherOptions
  readonly #world: World
  #client: Client | undefined
  #outstanding = 0
  #isAway = false

  constructor(world: World, options: PublisherOptions) {
    this.#world = world
    this.options = options
    this.stream = world.stream(options.qos)
  }

  get filter(): string {
    return `soak/steady/${this.options.name}/+`
  }

  /** Messages whose publish has not settled. */
  get outstanding(): number {
    return this.#outstanding
  }

  get client(): Client | undefined {
    return this.#client
  }

  async start(): Promise<void> {
    const { name, way, isDurable, protocolVersion } = this.options
    // MQTT 3.1.1 has no Receive Maximum; the 20 that are the default there would hold up the whole mix.
    const path = `${this.#world.options.folder}/${name}`
    const store = isDurable ? await openSessionStore({ path }) : undefined
    const options: ConnectOptions = { maximumInFlight: 1000, protocolVersion, store }
    this.#client = await this.#world.steadyClient(`publisher-${name}`, way, options)
    this.#isAway = false
  }

  /** Publishes the next message, unless too many wait already. */
  publish(): boolean {
    const { name, qos, isDurable, mostWaiting = 2000 } = this.options
    const client = this.#client
    if (client === undefined || this.#isAway || this.#outstanding >= mostWaiting) {
      this.counts.heldBack++
      return false
    }
    const { stream } = this
    const number = stream.next++
    const topic = `soak/steady/${name}/${number % TOPICS}`
    const until = isDurable && number % 2 === 0 ? 'stored' : 'acknowledged'
    this.#outstanding++
    this.counts.published++
    client.publish(topic, writePayload(stream.id, number, performance.now()), { qos, until }).then(
      () => {
        this.#outstanding--
        stream.acknowledged++
      },
      (error: PublishError) => this.#onFailed(number, error),
    )
    return true
  }

  /** Goes without waiting for anything, and comes back with what the store holds. */
  async restart(): Promise<void> {
    this.#isAway = true
    this.counts.restarts++
    await this.#client?.close({ drain: false })
    await this.start()
  }

  /** Resolves when the server has everything. */
  async drained(timeoutMs: number): Promise<void> {
    await this.#client?.drained({ timeoutMs })
    // The last acknowledgements have settled their promises by the next turn.
    await later(0)
  }

  async close(): Promise<void> {
    const report = await this.#client?.close()
    if ((report?.unacknowledgedMessages ?? 0) > 0) {
      this.#world.errors.note(this.options.name, new Error('closed with unacknowledged messages'))
    }
  }

  #onFailed(number: number, error: PublishError): void {
    this.#outstanding--
    this.counts.failed++
    this.stream.failed(number, error.mayBeDelivered)
    const isExpected = (this.options.qos === 0 && error.code !== 'closed') || this.#isAway
    if (!isExpected) this.#world.errors.note(`publish of ${this.options.name}`, error)
  }
}
