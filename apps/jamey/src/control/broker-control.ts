import type { Broker } from '@jamey/broker'
import { type Bus, busOver } from '@jamey/bus'
import { COMPONENTS, OPERATIONS, type OperationName, type RequestContract, topics } from '@jamey/contracts'
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

/** Passes on what parts of this process ask without the bus. */
const HERE = COMPONENTS.gateway.clientId

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
  readonly #bus: Omit<Bus, 'mqtt'>
  readonly #eventLoop = new EventLoop()
  readonly #status: Status
  readonly #findings: KeptFindings
  readonly #answerers: readonly Answerer[]

  private constructor(options: BrokerControlOptions) {
    const { broker, stampSenders, log, buses, storePath } = options
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
    this.#answerers = this.#answerersOf(options)
  }

  /** Resolves when every request is answered. */
  static async start(options: BrokerControlOptions): Promise<BrokerControl> {
    const control = new BrokerControl(options)
    await control.#serveAll()
    return control
  }

  /**
   * Answers an operation for a client of a part of this process; undefined for what is not asked of a broker. Nothing
   * travels through the broker, so that it says how it is while its store keeps nothing. `input` is as its contract says.
   */
  answer(
    operation: OperationName,
    input: Readonly<Record<string, unknown>>,
    by: string,
  ): Promise<Answer> | undefined {
    const contract: RequestContract = OPERATIONS[operation]
    const answerer = this.#answerers.find((one) => one.contract === contract)
    return answerer && (async () => answerer.answer(input, { by, through: HERE }))()
  }

  async stop(): Promise<void> {
    this.#eventLoop.stop()
    await this.#bus.close({ drain: false, timeoutMs: 100 })
  }

  async #serveAll(): Promise<void> {
    const bounds = { concurrency: CONCURRENCY, maximumPerSender: MAXIMUM_PER_SENDER }
    await Promise.all(
      this.#answerers.map(({ contract, answer }) =>
        this.#bus.serve(contract, bounds, ({ data, principal, sender }) =>
          answer(data as object, { by: principal.clientId, through: sender.clientId }),
        ),
      ),
    )
  }

  #answerersOf({ broker, buses, named, log }: BrokerControlOptions): readonly Answerer[] {
    return [
      answerer(contracts.status, () => this.#status.read()),
      answerer(contracts.clients, (data) => clientsOf(broker, data)),
      answerer(contracts.client, ({ client_id }) => clientOf(broker, client_id)),
      answerer(contracts.retained, (data) => retainedOf(broker, data)),
      answerer(contracts.topic, async ({ topic }) => explanationOf(broker, await named(), topic)),
      answerer(contracts.outbox, () => outboxesOf(buses())),
      answerer(contracts.findings, () => this.#findings.list()),
      answerer(contracts.disconnect, ({ client_id, reason }, asker) => {
        const reasonString = reason ?? 'disconnected by the operator'
        const was_connected = broker.disconnect(client_id, { reasonString })
        log.info(
          { event: 'broker.client.disconnected', clientId: client_id, was_connected, ...asker },
          'a client was disconnected on request',
        )
        return { was_connected }
      }),
    ]
  }
}

/** Who asks, and who passed it on. */
interface Asker {
  readonly by: string
  readonly through: string
}

type Answer = Readonly<Record<string, unknown>>

interface Answerer {
  readonly contract: RequestContract
  answer(data: object, asker: Asker): Answer | Promise<Answer>
}

function answerer<C extends RequestContract>(
  contract: C,
  answer: (
    data: C['schema']['_output'],
    asker: Asker,
  ) => C['responseSchema']['_input'] | Promise<C['responseSchema']['_input']>,
): Answerer {
  // What came is as the contract says: the bus, or the gateway, has checked it.
  return { contract, answer: (data, asker) => answer(data, asker) as Answer | Promise<Answer> }
}
