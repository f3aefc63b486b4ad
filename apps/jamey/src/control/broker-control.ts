import type { Broker } from '@jamey/broker'
import { type Bus, busOver, type ServeHandler } from '@jamey/bus'
import { COMPONENTS, type RequestContract, topics } from '@jamey/contracts'
import type { Logger } from 'pino'
import { BrokerPort } from './broker-port.js'
import { HeldCertificates } from './certificates.js'
import { clientOf, clientsOf } from './clients.js'
import { EventLoop } from './event-loop.js'
import { type Found, KeptFindings } from './kept-findings.js'
import { outboxesOf } from './outboxes.js'
import { retainedOf } from './retained.js'
import { Status } from './status.js'
import { explanationOf, type NamedClient } from './topic.js'

/** Requests of one action that are answered at a time, and that wait for one client: they are small, and asked again. */
const CONCURRENCY = 4
const MAXIMUM_PER_SENDER = 100

const contracts = topics.broker
const { clientId, permissions } = COMPONENTS.broker
/** It serves, and asks nobody: not even itself whether it is heard, since nothing lies in between. */
const SERVING = permissions.filter((one) => one.startsWith('subscribe:') || one.includes('/responses/'))

export interface BrokerControlOptions {
  readonly broker: Broker
  /** The broker's, as its settings say. */
  readonly stampSenders: readonly string[]
  readonly storePath: string | undefined
  /** Paths of the certificates that this process holds. */
  readonly certificates: readonly string[]
  /** Buses of the components in this process; asked each time. */
  readonly buses: () => Iterable<Bus>
  /** Clients that are known by name, whether they ever came or not; asked each time. */
  readonly named: () => Promise<readonly NamedClient[]>
  /** Makes the doctor's findings, connecting nowhere. */
  readonly examine: () => Promise<readonly Found[]>
  readonly log: Logger
}

/** Answers what a broker of this process is asked. */
export class BrokerControl {
  readonly #options: BrokerControlOptions
  readonly #bus: Omit<Bus, 'mqtt'>
  readonly #eventLoop = new EventLoop()
  readonly #status: Status
  readonly #findings: KeptFindings

  private constructor(options: BrokerControlOptions) {
    const { broker, stampSenders, log, buses, storePath } = options
    this.#options = options
    const port = new BrokerPort(broker, clientId, stampSenders)
    this.#bus = busOver(port, { clientId, permissions: SERVING, log })
    this.#status = new Status({
      broker,
      buses: { [Symbol.iterator]: () => buses()[Symbol.iterator]() },
      storePath,
      certificates: new HeldCertificates(options.certificates),
      eventLoop: this.#eventLoop,
    })
    this.#findings = new KeptFindings(options.examine)
  }

  /** Resolves when every request is answered. */
  static async start(options: BrokerControlOptions): Promise<BrokerControl> {
    const control = new BrokerControl(options)
    await control.#serveAll()
    return control
  }

  async stop(): Promise<void> {
    this.#eventLoop.stop()
    await this.#bus.close({ drain: false, timeoutMs: 100 })
  }

  async #serveAll(): Promise<void> {
    const { broker, buses, named, log } = this.#options
    await Promise.all([
      this.#serve(contracts.status, () => this.#status.read()),
      this.#serve(contracts.clients, ({ data }) => clientsOf(broker, data)),
      this.#serve(contracts.client, ({ data }) => clientOf(broker, data.client_id)),
      this.#serve(contracts.retained, ({ data }) => retainedOf(broker, data)),
      this.#serve(contracts.topic, async ({ data }) => explanationOf(broker, await named(), data.topic)),
      this.#serve(contracts.outbox, () => outboxesOf(buses())),
      this.#serve(contracts.findings, () => this.#findings.list()),
      this.#serve(contracts.disconnect, ({ data, principal, sender }) => {
        const reasonString = data.reason ?? 'disconnected by the operator'
        const was_connected = broker.disconnect(data.client_id, { reasonString })
        const by = { by: principal.clientId, through: sender.clientId }
        log.info(
          { event: 'broker.client.disconnected', clientId: data.client_id, was_connected, ...by },
          'a client was disconnected on request',
        )
        return { was_connected }
      }),
    ])
  }

  async #serve<C extends RequestContract>(contract: C, handler: ServeHandler<C>): Promise<void> {
    const bounds = { concurrency: CONCURRENCY, maximumPerSender: MAXIMUM_PER_SENDER }
    await this.#bus.serve(contract, bounds, handler)
  }
}
