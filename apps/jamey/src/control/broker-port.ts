import type { Broker } from '@jamey/broker'
import type { MqttPort, PortSubscription, StateChange, StateName } from '@jamey/bus'
import { ReasonCode, splitShared } from '@jamey/protocol'

type PublishOptions = Parameters<MqttPort['publish']>[2]
type Published = Awaited<ReturnType<MqttPort['publish']>>
type Handler = Parameters<MqttPort['subscribe']>[2]

/** The part of a broker that a bus over it needs. */
export type LocalBroker = Pick<Broker, 'publish' | 'subscribe'>

/** User properties by which the broker tells clients who published, and for whom that one may ask. */
const SENDER = 'jamey-sender'
const ACT_FOR = 'jamey-act-for'

/**
 * The broker of this process as a server that a bus stands on, without a socket, a session or a token. What it publishes
 * is told as of `clientId`; whoever publishes to it is known as the broker authenticated it.
 */
export class BrokerPort implements MqttPort {
  readonly state: StateName = 'connected'
  readonly status: StateChange = { state: 'connected' }
  readonly serverInformation: NonNullable<MqttPort['serverInformation']>
  readonly #broker: LocalBroker
  readonly #clientId: string
  readonly #subscriptions = new Set<{ unsubscribe(): void }>()

  /** `stampSenders`: the broker's, which says under which topics its word about senders goes with the message. */
  constructor(broker: LocalBroker, clientId: string, stampSenders: readonly string[]) {
    this.#broker = broker
    this.#clientId = clientId
    this.serverInformation = {
      ...LOCAL,
      clientId,
      userProperties: stampSenders.map((filter) => [SENDER, filter]),
    }
  }

  async publish(
    topic: string,
    payload: Uint8Array,
    { qos, retain, properties }: PublishOptions,
  ): Promise<Published> {
    const options = { qos, retain, properties, publishedBy: this.#clientId }
    const isMatched = await this.#broker.publish(topic, payload, options)
    return { reasonCode: isMatched ? ReasonCode.success : ReasonCode.noMatchingSubscribers }
  }

  /** Of a shared subscription this is the only member: nobody else may serve what is about this very broker. */
  async subscribe(filter: string, _options: object, handler: Handler): Promise<PortSubscription> {
    const path = splitShared(filter).filter
    const local = this.#broker.subscribe(path, ({ publishedBy, actsFor, ...message }) => {
      const { userProperties = [] } = message.properties ?? {}
      const told = actsFor.map((whom) => [ACT_FOR, whom] as const)
      const stamped = [...userProperties, [SENDER, publishedBy] as const, ...told]
      const properties = { ...message.properties, userProperties: stamped }
      // Not waited for: the bus has queues of its own, one for each sender. It reports what fails.
      Promise.resolve(handler({ ...message, dup: false, properties })).catch(() => {})
    })
    this.#subscriptions.add(local)
    return {
      unsubscribe: async () => {
        local.unsubscribe()
        this.#subscriptions.delete(local)
      },
      renew: async () => {},
    }
  }

  onState(): () => void {
    return () => {}
  }

  async reauthenticate(): Promise<void> {}

  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
    this.#subscriptions.clear()
  }
}

const LOCAL: NonNullable<MqttPort['serverInformation']> = {
  protocolVersion: 5,
  sessionPresent: false,
  clientId: '',
  assignedClientIdentifier: undefined,
  receiveMaximum: 65_535,
  maximumQoS: 2,
  retainAvailable: true,
  maximumPacketSize: undefined,
  topicAliasMaximum: 0,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifiersAvailable: true,
  sharedSubscriptionAvailable: true,
  keepAliveSeconds: 0,
  sessionExpirySeconds: 0,
  responseInformation: undefined,
  serverReference: undefined,
  reasonString: undefined,
  userProperties: [],
}
