// The reference is for AsyncDisposable, which older sets of types (`lib: ['es2022', 'dom']`) lack: it is kept in the
// declarations.
/// <reference lib="esnext.disposable" preserve="true" />

import type { DeadLetters } from './dead-letters.js'
import type { Explanation } from './explanation.js'
import type { Message } from './message.js'
import type {
  CallOptions,
  MessageHandler,
  MessagesOptions,
  PublishOptions,
  PublishResult,
  SubscribeOptions,
} from './options.js'
import type { ServerInformation } from './server-information.js'
import type { StateChange, StateName } from './state.js'
import type { ClientStats } from './stats.js'

/** One handler's share in a subscription. */
export interface Subscription extends AsyncDisposable {
  readonly filter: string
  /** The QoS the server granted. */
  readonly qos: number
  /**
   * Removes the handler, and with the last one of this filter the subscription at the server. That handler gets what
   * is on its way until the server has confirmed it, which is when this resolves; so the share of a member that leaves
   * a group is not lost.
   */
  unsubscribe(options?: CallOptions): Promise<void>
  /**
   * Asks the server for the subscription again, which changes nothing where it is there, and makes it where the server
   * has lost it. Resolves with its yes; rejects with `SubscriptionError`, and the handler stays.
   */
  renew(options?: CallOptions): Promise<void>
}

export interface CloseOptions {
  /** Wait for queued and unacknowledged messages and running handlers first; true by default. */
  readonly drain?: boolean | undefined
  /** Bound of everything, milliseconds; 5000 by default. */
  readonly timeoutMs?: number | undefined
}

/** The messages that `close` had to leave. */
export interface CloseReport {
  readonly unacknowledgedMessages: number
  readonly runningHandlers: number
}

/**
 * An MQTT client: one session with one server, over as many connections as it takes. Arguments are checked where they
 * are handed over, and refused with code `invalid-argument`; in pages, some only once they are sent.
 */
export interface Client extends AsyncDisposable {
  readonly state: StateName
  /** The last state change, with its cause. */
  readonly status: StateChange
  /** The facts that the last CONNACK told; undefined before the first connection. */
  readonly serverInformation: ServerInformation | undefined
  /** Empty until the server has assigned one, where none was given. */
  readonly clientId: string

  /** Starts connecting, or waits for the attempt under way; resolves at CONNACK. `connect()` has called it. */
  connect(options?: CallOptions): Promise<ServerInformation>
  /**
   * Resolves when the bytes are handed to the socket (QoS 0), on PUBACK (1) or PUBCOMP (2); rejects with
   * `PublishError`. Topic, payload and properties must not change until then.
   */
  publish(topic: string, payload: Uint8Array | string, options?: PublishOptions): Promise<PublishResult>
  /**
   * What became of a message published with `until: 'stored'`, by its receipt, also in a later process with the same
   * store: resolves with the server's acknowledgement (`reasonCode: 0` where it came before the question), rejects with
   * `PublishError` where the server does not take the message or it was given up.
   */
  acknowledged(receipt: string, options?: CallOptions): Promise<PublishResult>
  /** The handler is in place at once, also before the connection; resolves on SUBACK. Rejects with `SubscriptionError`. */
  subscribe(filter: string, options: SubscribeOptions, handler: MessageHandler): Promise<Subscription>
  subscribe(filter: string, handler: MessageHandler): Promise<Subscription>
  /** Removes all handlers of a filter, the same way. */
  unsubscribe(filter: string, options?: CallOptions): Promise<void>
  /**
   * Subscribes with the first `next()`; a message is acknowledged when the next one is asked for, or the loop left, which
   * unsubscribes. What was buffered and not seen is then dropped and counted; of a shared subscription it is not
   * acknowledged, so that the server can give it to another member as soon as this connection ends. Where more than
   * eight are left that way, the client makes room by a new connection, which resumes the session.
   */
  messages(filter: string, options?: MessagesOptions): AsyncIterableIterator<Message>
  /** Starts with the present state and ends after `close`. */
  states(): AsyncIterableIterator<StateChange>
  /** Called with every later change; returns the function that stops it. */
  onState(observer: (change: StateChange) => void): () => void
  /** Resolves when nothing is queued or unacknowledged. */
  drained(options?: CallOptions): Promise<void>
  stats(): ClientStats
  /**
   * Why messages are, or are not, flowing: one plain object to log. Pages fetch what it takes with the first
   * question, whose answer has the state and its cause alone, and no numbers.
   */
  explain(): Explanation
  /** Messages that were stored and that the server does not take. */
  readonly deadLetters: DeadLetters
  /**
   * Fresh credentials without a gap: AUTH in place (MQTT 5.0 with a method), else a resumed session. Resolves once the
   * server has taken some that the credentials function gave after the call; an attempt that had its own before is
   * waited for, and then followed by another one. Rejects where that, or what it waited for, fails.
   */
  reauthenticate(options?: CallOptions): Promise<void>
  /** Leaves `error` (an open breaker included) and tries again. */
  reset(): void
  /** Closes the client; always settles in time. No timer, socket or listener is left afterwards. */
  close(options?: CloseOptions): Promise<CloseReport>
}
