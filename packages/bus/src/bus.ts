import type {
  Contract,
  Data,
  DataInput,
  RequestContract,
  ResponseData,
  ResponseInput,
} from '@jamey/contracts'
import type { BusConfig } from './config.js'
import type {
  BusSubscription,
  ErrorContext,
  Message,
  Published,
  PublishOptions,
  RequestContext,
  RequestOptions,
  ServedContract,
  ServeOptions,
  SubscribeOptions,
} from './message.js'

export type BusState = 'disconnected' | 'connecting' | 'connected' | 'reconnecting' | 'error'

export interface BusStateChange {
  readonly state: BusState
  readonly cause?: unknown
  readonly attempt?: number
  readonly delayMs?: number
}

/** Counted since the bus was made. */
export interface BusStats {
  readonly published: number
  readonly received: number
  readonly invalid: number
  readonly requests: number
  readonly requestsWaiting: number
  readonly requestsTimedOut: number
  /** Answers that came too late or belonged to nobody here. */
  readonly answersDropped: number
  readonly served: number
  readonly serving: number
  /** Requests answered from the cache, or joined to one in progress. */
  readonly servedAgain: number
  /** Requests whose deadline had passed before the answer was ready. */
  readonly servedLate: number
  readonly handlerErrors: number
  readonly rateLimited: number
}

/** Typed messaging over one MQTT connection. Made by `connectBus`. */
export interface Bus {
  readonly clientId: string
  readonly permissions: unknown
  readonly mqtt: unknown
  readonly state: BusState
  /** Calls `listener` on every change of state; returns what stops that. */
  onState(listener: (change: BusStateChange) => void): () => void
  /**
   * Resolves when the broker owns the message (QoS 1) or it was written (QoS 0).
   * Throws `MessageError`, `PermissionError`, `RateLimitError` before anything is sent, then the client's errors.
   */
  publish<C extends Contract>(contract: C, data: DataInput<C>, options?: PublishOptions): Promise<Published>
  /** A message that is not valid never reaches the handler: it is counted, reported and acknowledged. */
  subscribe<C extends Contract>(
    contract: C,
    handler: (message: Message<Data<C>>) => void | Promise<void>,
    options?: SubscribeOptions,
  ): Promise<BusSubscription>
  /** Resolves with the checked data of the answer. Throws `RemoteError`, `NoResponderError`, `RequestTimeoutError`. */
  request<C extends RequestContract>(
    contract: C,
    data: DataInput<C>,
    options: RequestOptions,
  ): Promise<ResponseData<C>>
  serve<C extends RequestContract>(
    contract: C,
    options: ServeOptions,
    handler: (
      request: Message<Data<C>>,
      context: RequestContext,
    ) => ResponseInput<C> | Promise<ResponseInput<C>>,
  ): Promise<ServedContract>
  /** Publishes an error event where this is a component and may; never throws. */
  reportError(error: unknown, context?: ErrorContext): Promise<void>
  stats(): BusStats
  /** Finishes what was taken, says goodbye, and always settles within `timeoutMs` (5000 by default). */
  close(options?: { drain?: boolean; timeoutMs?: number }): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Connects, and resolves with the bus once connected (or at once, see `waitForConnection`). */
export async function connectBus(config: BusConfig): Promise<Bus> {
  throw new Error(`not connected: ${config.clientId}`)
}
