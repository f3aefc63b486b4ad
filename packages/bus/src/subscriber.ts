import type { Permissions } from '@jamey/auth'
import { type Contract, type Data, filterOf } from '@jamey/contracts'
import type { Message as MqttMessage } from '@jamey/mqtt'
import type { Counters } from './counters.js'
import { checkData, decodeEnvelope, type Envelope } from './envelope.js'
import { PermissionError } from './errors.js'
import type { BusSubscription, Message, SubscribeOptions } from './message.js'
import type { MqttPort } from './mqtt-port.js'

export interface SubscriberParts {
  readonly clientId: string
  readonly permissions: Permissions
  readonly port: MqttPort
  readonly counters: Counters
  readonly report: (error: unknown, context: { kind?: string; topic: string; correlationId?: string }) => void
}

export type SubscriptionHandler<C extends Contract> = (message: Message<Data<C>>) => void | Promise<void>

/** Hands the messages of a contract to those who subscribed to it, checked and typed. */
export class Subscriber {
  readonly #parts: SubscriberParts

  constructor(parts: SubscriberParts) {
    this.#parts = parts
  }

  async subscribe<C extends Contract>(
    contract: C,
    handler: SubscriptionHandler<C>,
    options: SubscribeOptions = {},
  ): Promise<BusSubscription> {
    const { permissions, clientId, port } = this.#parts
    const filter = filterOf(contract, options.parameters)
    if (!permissions.maySubscribe(filter)) throw new PermissionError(`subscribe:${filter}`, clientId)
    const shared = options.group === undefined ? filter : `$share/${options.group}/${filter}`
    const subscription = await port.subscribe(shared, { qos: contract.qos }, (message) =>
      this.#handle(contract, handler, message),
    )
    return { unsubscribe: () => subscription.unsubscribe() }
  }

  /** Rejects where the handler fails, so that the client's policy for failed handlers applies. */
  async #handle<C extends Contract>(
    contract: C,
    handler: SubscriptionHandler<C>,
    mqttMessage: MqttMessage,
  ): Promise<void> {
    const { counters, report } = this.#parts
    const { topic } = mqttMessage
    // An empty message only tells that a retained one was removed. [MQTT-3.3.1-6]
    if (contract.retain && mqttMessage.payload.length === 0) return
    let message: Message<Data<C>> | undefined
    try {
      message = read(contract, mqttMessage)
    } catch (error) {
      counters.invalid++
      report(error, { kind: 'invalid-message', topic })
      return
    }
    if (message === undefined) return
    counters.received++
    try {
      await handler(message)
    } catch (error) {
      counters.handlerFailures++
      const correlationId = message.envelope.metadata.correlation_id
      report(error, { kind: 'handler-failed', topic, correlationId })
      throw error
    }
  }
}

/** Undefined where the message is of another contract on the same topic. */
function read<C extends Contract>(contract: C, mqttMessage: MqttMessage): Message<Data<C>> | undefined {
  const { topic, payload, retain } = mqttMessage
  const envelope: Envelope = decodeEnvelope(topic, payload)
  if (envelope.payload.action !== contract.action) return undefined
  const data = checkData(contract.schema, topic, envelope.payload.data) as Data<C>
  return { payload: data, envelope, topic, clientId: envelope.metadata.client_id, isRetained: retain }
}
