import type {
  Message,
  PublishOptions,
  PublishResult,
  ServerInformation,
  StateChange,
  StateName,
} from '@jamey/mqtt'
import { matches, type PublishProperties, splitShared } from '@jamey/protocol'
import type { MqttPort, PortSubscription } from '../wire/mqtt-port.js'

/** The sender that an honest message names. */
function claimIn(payload: Uint8Array | string): string {
  try {
    return JSON.parse(Buffer.from(payload).toString()).metadata.client_id
  } catch {
    return 'somebody'
  }
}

type Handler = (message: Message) => Promise<void>

interface Subscription {
  readonly clientId?: string
  readonly filter: string
  readonly handler: Handler
}

/** A message as a client handed it over, and what became of it. */
export interface Sent {
  readonly from: string
  readonly topic: string
  readonly payload: Uint8Array
  readonly options: PublishOptions
  /** A promise for each receiver's handler; settles as its acknowledgement would. */
  readonly handled: readonly Promise<void>[]
}

/** Carries messages between clients of one process without a wire. Used by tests only. */
const STAMPS = new Set(['jamey-sender', 'jamey-act-for'])

export class FakeBroker {
  readonly sent: Sent[] = []
  readonly #subscriptions: Subscription[] = []
  sharedSubscriptionAvailable = true
  protocolVersion: 4 | 5 = 5
  /** Topics of whose messages it tells the sender, as it says to whoever connects. */
  stamped: readonly string[] = ['jamey/#']
  /** Topics under which it lets nobody say for whom a message is who may not act for that one, as it says likewise. */
  guarded: readonly string[] = []
  /** Whom a client may act for, by its identifier. */
  readonly actsFor = new Map<string, readonly string[]>()
  /** `$share/...` is a topic like any other to it. */
  takesSharesLiterally = false
  /** False where a message gets lost on its way to one of its receivers. */
  brings: (topic: string, from: string, to: string | undefined) => boolean = () => true
  /** Runs before a message is accepted; throws or waits in the place of a server that refuses or is away. */
  beforePublish: (topic: string, from: string) => Promise<void> | void = () => {}

  connect(clientId: string): FakeClient {
    return new FakeClient(this, clientId)
  }

  /** The messages that went to topics matching `filter`. */
  to(filter: string): Sent[] {
    return this.sent.filter(({ topic }) => matches(filter, topic))
  }

  get filters(): string[] {
    return this.#subscriptions.map(({ filter }) => filter)
  }

  add(subscription: Subscription): void {
    this.#subscriptions.push(subscription)
  }

  /** Filters, each as often as it was asked for. */
  readonly asked: string[] = []
  /** Runs before a subscription is granted; throws in the place of a server that refuses. */
  beforeSubscribe: (filter: string) => Promise<void> | void = () => {}

  async grant(subscription: Subscription): Promise<void> {
    this.asked.push(subscription.filter)
    await this.beforeSubscribe(subscription.filter)
    this.remove(subscription)
    this.add(subscription)
  }

  /** Loses what was subscribed, and says nothing. */
  forget(filter: string): void {
    for (const one of this.#subscriptions.filter((subscription) => subscription.filter === filter)) {
      this.remove(one)
    }
  }

  /** Its connection is gone, and nothing waits for it. */
  forgetClient(clientId: string): void {
    for (const one of this.#subscriptions.filter((subscription) => subscription.clientId === clientId)) {
      this.remove(one)
    }
  }

  remove(subscription: Subscription): void {
    const at = this.#subscriptions.indexOf(subscription)
    if (at >= 0) this.#subscriptions.splice(at, 1)
  }

  async publish(
    from: string,
    topic: string,
    payload: Uint8Array,
    options: PublishOptions,
  ): Promise<PublishResult> {
    await this.beforePublish(topic, from)
    options.signal?.throwIfAborted()
    const handled = this.deliver(topic, payload, options.properties, from)
    for (const promise of handled) promise.catch(() => {})
    this.sent.push({ from, topic, payload, options, handled })
    const isUnheard = handled.length === 0 && options.qos !== 0 && this.protocolVersion === 5
    return { reasonCode: isUnheard ? 0x10 : 0 }
  }

  /** Hands a message to its receivers as a server would; also for messages no client of ours would send. */
  deliver(
    topic: string,
    payload: Uint8Array | string,
    properties?: PublishProperties,
    from = claimIn(payload),
  ): Promise<void>[] {
    const groups = new Set<string>()
    const receivers = this.#subscriptions.filter(({ clientId, filter }) => {
      const shared = splitShared(filter)
      if (!matches(shared.filter, topic) || !this.brings(topic, from, clientId)) return false
      if (shared.group === undefined) return true
      if (this.takesSharesLiterally) return false
      const isFirst = !groups.has(filter)
      groups.add(filter)
      return isFirst
    })
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
    const stamped = this.#stamp(topic, properties, from)
    const message: Message = { topic, payload: bytes, qos: 1, retain: false, dup: false, properties: stamped }
    return receivers.map(async ({ handler }) => handler(message))
  }

  #stamp(topic: string, properties: PublishProperties | undefined, from: string) {
    if (this.protocolVersion === 4 || !this.stamped.some((filter) => matches(filter, topic)))
      return properties
    const actFor = (this.actsFor.get(from) ?? []).map((whom) => ['jamey-act-for', whom] as const)
    const others = (properties?.userProperties ?? []).filter(([name]) => !STAMPS.has(name))
    return { ...properties, userProperties: [...others, ['jamey-sender', from] as const, ...actFor] }
  }
}

export class FakeClient implements MqttPort {
  readonly #broker: FakeBroker
  readonly #clientId: string
  readonly #observers = new Set<(change: StateChange) => void>()
  state: StateName = 'connected'
  reauthentications = 0
  isClosed = false
  #cause: Error | undefined
  #server: ServerInformation | undefined

  constructor(broker: FakeBroker, clientId: string) {
    this.#broker = broker
    this.#clientId = clientId
  }

  get status(): StateChange {
    return { state: this.state, cause: this.#cause }
  }

  /** The same object until something else is true, as with one connection. */
  get serverInformation(): ServerInformation {
    const { sharedSubscriptionAvailable, protocolVersion, stamped, guarded } = this.#broker
    const told = [
      ...stamped.map((filter) => ['jamey-sender', filter] as const),
      ...guarded.map((filter) => ['jamey-on-behalf-of', filter] as const),
    ]
    const userProperties = protocolVersion === 4 ? [] : told
    const now = {
      sharedSubscriptionAvailable,
      protocolVersion,
      userProperties,
    } as unknown as ServerInformation
    if (JSON.stringify(now) !== JSON.stringify(this.#server)) this.#server = now
    return this.#server ?? now
  }

  publish(topic: string, payload: Uint8Array, options: PublishOptions): Promise<PublishResult> {
    return this.#broker.publish(this.#clientId, topic, payload, options)
  }

  async subscribe(filter: string, _options: unknown, handler: Handler): Promise<PortSubscription> {
    const subscription = { clientId: this.#clientId, filter, handler }
    await this.#broker.grant(subscription)
    return {
      unsubscribe: async () => this.#broker.remove(subscription),
      renew: () => this.#broker.grant(subscription),
    }
  }

  onState(observer: (change: StateChange) => void): () => void {
    this.#observers.add(observer)
    return () => this.#observers.delete(observer)
  }

  /** Moves to another state, as the network would. */
  become(state: StateName, cause?: Error): void {
    this.state = state
    this.#cause = cause
    for (const observer of this.#observers) observer({ state, cause })
  }

  async reauthenticate(): Promise<void> {
    this.reauthentications++
  }

  async close(): Promise<void> {
    this.isClosed = true
    this.become('disconnected')
  }
}
