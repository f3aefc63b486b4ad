import type { Permissions } from '@jamey/auth'
import { type Contract, type Data, messagesFilterOf } from '@jamey/contracts'
import { type Message as MqttMessage, SubscriptionError } from '@jamey/mqtt'
import type { SubscriptionHandler } from '../model/bus.js'
import type { BusLog, SharedSubscriptions } from '../model/config.js'
import type { BusSubscription, Message, SubscribeOptions } from '../model/message.js'
import type { Tracing } from '../model/tracing.js'
import type { Counters } from '../support/counters.js'
import { RequestError } from '../support/errors.js'
import { Addresses, strangeTopic } from '../wire/addresses.js'
import { checkData, decodeEnvelope, type Envelope } from '../wire/envelope.js'
import type { MqttPort, PortSubscription } from '../wire/mqtt-port.js'
import { type Origin, type Origins, SenderError } from './origin.js'
import { assertPermitted } from './permission-check.js'
import { tracedOf } from './traced-message.js'

const RENEWAL_MS = 10_000

export interface SubscriberParts {
  readonly clientId: string
  readonly permissions: Permissions
  readonly port: MqttPort
  readonly counters: Counters
  readonly origins: Origins
  readonly log: BusLog
  readonly tracing: Tracing | undefined
  readonly sharedSubscriptions: SharedSubscriptions
  readonly report: (error: unknown, context: { kind?: string; topic: string; correlationId?: string }) => void
}

/** Hands the messages of a contract to those who subscribed to it, checked and typed. */
export class Subscriber {
  readonly #parts: SubscriberParts

  constructor(parts: SubscriberParts) {
    this.#parts = parts
  }

  async subscribe<C extends Contract>(
    contract: C,
    options: SubscribeOptions,
    handler: SubscriptionHandler<C>,
  ): Promise<BusSubscription> {
    const { permissions, port, sharedSubscriptions } = this.#parts
    const filter = messagesFilterOf(contract, options.parameters)
    const { group } = options
    const shared = group === undefined ? filter : `$share/${group}/${filter}`
    assertPermitted(permissions, 'subscribe', shared)
    if (group !== undefined && sharedSubscriptions === 'unavailable') {
      const why = 'it is set that the server has no shared subscriptions; leave the group out'
      throw new SubscriptionError('not-supported', `subscription of ${group} to '${filter}': ${why}`)
    }
    const addresses = new Addresses(contract)
    const subscription = await port.subscribe(shared, { qos: contract.qos }, (message) =>
      this.#handle({ contract, addresses, handler }, message),
    )
    if (group !== undefined) this.#warnOfOldServer(group, filter)
    const stopAsking = contract.qos === 0 ? this.#askAgain(subscription) : undefined
    const unsubscribe = (): Promise<void> => {
      stopAsking?.()
      return subscription.unsubscribe()
    }
    return { unsubscribe, [Symbol.asyncDispose]: unsubscribe }
  }

  /**
   * RabbitMQ keeps a session, and forgets what was subscribed in it with QoS 0. Asking for what is there already changes
   * nothing. [MQTT-3.8.4-3]
   */
  #askAgain(subscription: PortSubscription): () => void {
    const { port } = this.#parts
    return port.onState(({ state }) => {
      if (state !== 'connected' || port.serverInformation?.protocolVersion !== 4) return
      // A connection that ends before is followed by another one.
      subscription.renew({ timeoutMs: RENEWAL_MS }).catch(() => {})
    })
  }

  /** Some servers of MQTT 3.1.1 grant `$share/...` as a topic of that name, and nothing ever tells. */
  #warnOfOldServer(group: string, filter: string): void {
    const { port, log, sharedSubscriptions } = this.#parts
    if (sharedSubscriptions === 'available' || port.serverInformation?.protocolVersion !== 4) return
    log.warn(
      { event: 'bus.sharing.unknown', group, filter },
      'a server of MQTT 3.1.1 does not tell whether it shares, so this subscription may bring nothing; MQTT_SHARED_SUBSCRIPTIONS says it',
    )
  }

  /** Rejects where the handler fails, so that the client's policy for failed handlers applies. */
  async #handle<C extends Contract>(subscribed: Subscribed<C>, mqttMessage: MqttMessage): Promise<void> {
    const { counters, origins } = this.#parts
    const { contract, handler } = subscribed
    const { topic } = mqttMessage
    // An empty message only tells that a retained one was removed. [MQTT-3.3.1-6]
    if (contract.retain && mqttMessage.payload.length === 0) return
    let message: Message<Data<C>> | undefined
    try {
      message = read(subscribed, origins, mqttMessage)
    } catch (error) {
      return this.#drop(error, topic)
    }
    if (message === undefined) return
    counters.received++
    try {
      const { tracing, clientId } = this.#parts
      if (tracing === undefined) await handler(message)
      else
        await tracing.handle(tracedOf('receive', contract, message, clientId), async () => handler(message))
    } catch (error) {
      counters.handlerFailures++
      const correlationId = message.envelope.metadata.correlation_id
      this.#parts.report(error, { kind: 'handler-failed', topic, correlationId })
      throw error
    }
  }

  #drop(error: unknown, topic: string): void {
    const { counters, report } = this.#parts
    const isForeign = error instanceof SenderError
    if (isForeign) counters.refusedSenders++
    else counters.invalid++
    report(error, { kind: isForeign ? 'sender-refused' : 'invalid-message', topic })
  }
}

interface Subscribed<C extends Contract> {
  readonly contract: C
  readonly addresses: Addresses
  readonly handler: SubscriptionHandler<C>
}

/** Reads a message; undefined where it is of another contract on the same topic. */
function read<C extends Contract>(
  { contract, addresses }: Subscribed<C>,
  origins: Origins,
  mqttMessage: MqttMessage,
): Message<Data<C>> | undefined {
  const { topic, payload, retain } = mqttMessage
  const address = addresses.read(topic)
  if (address === undefined) throw strangeTopic(contract, topic)
  const envelope = decodeEnvelope(topic, payload)
  if (envelope.payload.action !== contract.action) return undefined
  const origin = origins.of(mqttMessage, envelope, address)
  const { sender } = origin
  const principal = principalOf(origins, mqttMessage, envelope, origin)
  const data = checkData(contract.schema, topic, envelope.payload.data) as Data<C>
  return { data, envelope, topic: address.topic, sender, principal, isRetained: retain }
}

/** For whom it was published; what a sender says of another that it may not act for is not taken. */
function principalOf(
  origins: Origins,
  message: MqttMessage,
  envelope: Envelope,
  origin: Origin,
): Message<unknown>['principal'] {
  try {
    return origins.principalOf(message, envelope, origin)
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    throw new SenderError(message.topic, 'metadata.on_behalf_of', error.message, { cause: error })
  }
}
