import type { Permissions } from '@jamey/auth'
import type {
  Contract,
  Data,
  DataInput,
  Fault,
  RequestContract,
  ResponseData,
  ResponseInput,
} from '@jamey/contracts'
import type { Client, Message as MqttMessage, StateChange, StateName } from '@jamey/mqtt'
import type { BusStats } from '../support/counters.js'
import type { BusLatencies } from '../support/latencies.js'
import type {
  BusSubscription,
  ErrorContext,
  Message,
  Published,
  PublishOptions,
  Request,
  RequestContext,
  RequestOptions,
  ServedContract,
  ServeOptions,
  SubscribeOptions,
} from './message.js'

export type SubscriptionHandler<C extends Contract> = (message: Message<Data<C>>) => void | Promise<void>

export type ServeHandler<C extends RequestContract> = (
  request: Request<Data<C>>,
  context: RequestContext,
) => ResponseInput<C> | Promise<ResponseInput<C>>

/** Typed messaging over one MQTT connection. Made by `connectBus`. */
export interface Bus {
  readonly clientId: string
  readonly permissions: Permissions
  /** The MQTT client underneath, for what has no contract. Its messages bypass contracts and permissions. */
  readonly mqtt: Client
  readonly state: StateName
  /**
   * What keeps this component from its work, as its status tells: what was set, and what the bus found itself, such as
   * that nobody hears the requests of a topic it serves.
   */
  readonly faults: readonly Fault[]
  /** Tells in the status of this component what keeps it from its work, until it is told undefined under this name. */
  setFault(name: string, fault: Fault | undefined): void
  /** Tells in the `reason` of this component's status how it works, until it is told undefined under this name. */
  setRemark(name: string, text: string | undefined): void
  /**
   * Where this client publishes what is of `topic`, so that its receivers know the sender: there, where the server tells
   * who published, and else one level below, `<topic>/<client id>`. By the server of the last connection.
   */
  topicFor(topic: string): string
  /**
   * Who published a message that `mqtt` brought past the contracts: as the server tells, or the topic of a contract;
   * undefined where nobody vouches for it.
   */
  senderOf(message: MqttMessage): string | undefined
  /**
   * The client for whom such a message was published: the one that its sender names, as a gateway does for its callers,
   * where that sender may act for it, and else the sender. What anybody else says of it is not believed.
   */
  principalOf(message: MqttMessage): string | undefined
  /** Calls `listener` on every change of state; returns what stops that. */
  onState(listener: (change: StateChange) => void): () => void
  /**
   * Resolves when the broker owns the message (QoS 1) or it was written (QoS 0).
   * Throws `MessageError`, `PermissionError`, `RateLimitError` before anything is sent, then the client's errors.
   */
  publish<C extends Contract>(contract: C, data: DataInput<C>, options?: PublishOptions): Promise<Published>
  /** A message that is not valid never reaches the handler: it is counted, reported and acknowledged. */
  subscribe<C extends Contract>(contract: C, handler: SubscriptionHandler<C>): Promise<BusSubscription>
  subscribe<C extends Contract>(
    contract: C,
    options: SubscribeOptions,
    handler: SubscriptionHandler<C>,
  ): Promise<BusSubscription>
  /** Resolves with the checked data of the answer. Throws `RemoteError`, `NoResponderError`, `RequestTimeoutError`. */
  request<C extends RequestContract>(
    contract: C,
    data: DataInput<C>,
    options?: RequestOptions,
  ): Promise<ResponseData<C>>
  /**
   * Answers the requests of `contract`, sharing them with the other members of the group. A request is acknowledged
   * only after its answer was published; a repeated one gets the same answer without the handler being called.
   *
   * A bus that heard no request for a while asks itself through the server (`ping`, where it may publish to the topic),
   * and says in the log and in its status when nobody hears it, and mends that.
   *
   * Throws `PermissionError` where this client may not subscribe to the topic, or may publish into no reply inbox.
   */
  serve<C extends RequestContract>(contract: C, handler: ServeHandler<C>): Promise<ServedContract>
  serve<C extends RequestContract>(
    contract: C,
    options: ServeOptions<Data<C>>,
    handler: ServeHandler<C>,
  ): Promise<ServedContract>
  /** Publishes an error event where this is a component and may; never throws. */
  reportError(error: unknown, context?: ErrorContext): Promise<void>
  stats(): BusStats
  /** End of the token that this client has now, in milliseconds since 1970; undefined where it has none that it renews. */
  readonly tokenEndsAtMs: number | undefined
  /** Failures that were reported, by kind, since the bus was made. */
  errorCounts(): ReadonlyMap<string, number>
  /** How long requests and handlers took, since the bus was made. */
  latencies(): BusLatencies
  /** Finishes what was taken, says goodbye, and always settles within `timeoutMs` (5000 by default). */
  close(options?: { drain?: boolean | undefined; timeoutMs?: number | undefined }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
