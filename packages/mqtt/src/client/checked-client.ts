import type { CloseOptions, CloseReport, Subscription } from '../model/client.js'
import { ConnectionError, PublishError, SubscriptionError } from '../model/errors.js'
import type { Message } from '../model/message.js'
import type {
  CallOptions,
  MessageHandler,
  MessagesOptions,
  PublishOptions,
  PublishResult,
  SubscribeOptions,
} from '../model/options.js'
import type { ServerInformation } from '../model/server-information.js'
import type { StateChange } from '../model/state.js'
import {
  callFault,
  functionFault,
  messagesFault,
  propertiesFault,
  publishFault,
  subscribeFault,
  textFault,
} from './arguments.js'
import { NodeClient } from './node-client.js'

/** The client with every argument checked where it is handed over, so that JavaScript, too, is told at once. */
export class CheckedClient extends NodeClient {
  /** The properties that were checked last: many publishers use the same ones again and again. */
  #lastProperties: unknown

  override async connect(options: CallOptions = {}): Promise<ServerInformation> {
    assertCall('connect', options)
    return super.connect(options)
  }

  override async acknowledged(receipt: string, options: CallOptions = {}): Promise<PublishResult> {
    const fault = textFault('receipt', receipt) ?? callFault(options)
    if (fault !== undefined) throw new PublishError('invalid-argument', `acknowledged: ${fault}`)
    return super.acknowledged(receipt, options)
  }

  override subscribe(filter: string, handler: MessageHandler): Promise<Subscription>
  override subscribe(
    filter: string,
    options: SubscribeOptions,
    handler: MessageHandler,
  ): Promise<Subscription>
  override async subscribe(
    filter: string,
    second: SubscribeOptions | MessageHandler,
    third?: MessageHandler,
  ): Promise<Subscription> {
    const [options, handler] = typeof second === 'function' ? [{}, second] : [second, third]
    assertSubscription(filter, functionFault('handler', handler) ?? subscribeFault(options))
    return super.subscribe(filter, options, handler as MessageHandler)
  }

  override async unsubscribe(filter: string, options: CallOptions = {}): Promise<void> {
    assertSubscription(filter, callFault(options))
    return super.unsubscribe(filter, options)
  }

  override messages(filter: string, options: MessagesOptions = {}): AsyncIterableIterator<Message> {
    assertSubscription(filter, subscribeFault(options) ?? messagesFault(options))
    return super.messages(filter, options)
  }

  override onState(observer: (change: StateChange) => void): () => void {
    const fault = functionFault('observer', observer)
    if (fault !== undefined) throw new ConnectionError('invalid-argument', `onState: ${fault}`)
    return super.onState(observer)
  }

  override async drained(options: CallOptions = {}): Promise<void> {
    assertCall('drained', options)
    return super.drained(options)
  }

  override async reauthenticate(options: CallOptions = {}): Promise<void> {
    assertCall('reauthenticate', options)
    return super.reauthenticate(options)
  }

  override async close(options: CloseOptions = {}): Promise<CloseReport> {
    assertCall('close', options)
    return super.close(options)
  }

  protected override checkOptions(topic: string, options: PublishOptions): void {
    const fault = publishFault(options)
    if (fault !== undefined) throw invalidPublish(topic, fault)
    const { properties } = options
    if (properties !== this.#lastProperties) {
      const unfit = propertiesFault(properties)
      if (unfit !== undefined) throw invalidPublish(topic, unfit)
      this.#lastProperties = properties
    }
    super.checkOptions(topic, options)
  }
}

function assertCall(call: string, options: CallOptions): void {
  const fault = callFault(options)
  if (fault !== undefined) throw new ConnectionError('invalid-argument', `${call}: ${fault}`)
}

function assertSubscription(filter: string, fault: string | undefined): void {
  if (fault === undefined) return
  throw new SubscriptionError('invalid-argument', `subscription to '${String(filter)}': ${fault}`)
}

function invalidPublish(topic: string, fault: string): PublishError {
  return new PublishError('invalid-argument', `publish to '${topic}': ${fault}`)
}
