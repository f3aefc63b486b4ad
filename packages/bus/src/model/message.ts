import type { Permissions } from '@jamey/auth'
import type { Binding, TopicParameters } from '@jamey/contracts'
import type { Envelope } from '../wire/envelope.js'
import type { OnBehalfOf } from '../wire/envelope-writer.js'

/** The client that published a message. */
export interface Sender {
  readonly clientId: string
  /** True where the server vouches for it; otherwise it is what the message says of itself. */
  readonly isVerified: boolean
}

/** The client for whom a request is made: its sender, or the one that the sender acts for. */
export interface Principal {
  readonly clientId: string
  /** Known only where a sender that may act for others passed them on. */
  readonly permissions: Permissions | undefined
}

/** A message as handlers get it. */
export interface Message<Data> {
  /** `payload.data` of the envelope, checked and with defaults filled in. */
  readonly data: Data
  readonly envelope: Envelope
  /** The contract's topic: without the level that tells the sender, where one was behind it. */
  readonly topic: string
  /** True where the server kept it for us, rather than its being sent just now. */
  readonly isRetained: boolean
  readonly sender: Sender
  /** The client by which is decided what is permitted, kept and recorded. */
  readonly principal: Principal
}

/** A request as handlers get it. */
export interface Request<Data> extends Message<Data> {
  /** The fields that the data of an answer has where the contract `isBound`: they say what it is about. */
  readonly binding: Binding
}

export interface PublishOptions {
  /** Values for the `{name}` levels of a topic; `client_id` is our own unless given. */
  readonly parameters?: TopicParameters | undefined
  /** A UUID that runs through a chain of messages; a new one unless given. */
  readonly correlationId?: string | undefined
  /** A UUID; a new one unless given. */
  readonly messageId?: string | undefined
  /** W3C Trace Context, passed on in the metadata. */
  readonly traceparent?: string | undefined
  /** Whom the message is published for: those who get it have that one as `principal`, by the right to act for it. */
  readonly onBehalfOf?: OnBehalfOf | undefined
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Seconds for which the server keeps it for those who are away, and a retained one at all; for good by default. */
  readonly expirySeconds?: number | undefined
  /** False: not kept in the store of the configuration, so that it is lost with the process. True by default. */
  readonly isDurable?: boolean | undefined
}

/** Reason code of MQTT 5.0: the server took the message, and nobody is subscribed to its topic. */
export const NO_MATCHING_SUBSCRIBERS = 0x10

export interface Published {
  readonly messageId: string
  /** `NO_MATCHING_SUBSCRIBERS` where the server reported that nobody is subscribed. */
  readonly reasonCode: number
}

export interface SubscribeOptions {
  /** Values for the `{name}` levels of a topic; those not given match anything. */
  readonly parameters?: TopicParameters | undefined
  /** Shares the messages among all subscribers of the same group. */
  readonly group?: string | undefined
}

/** Disposing of it unsubscribes. */
export interface BusSubscription extends AsyncDisposable {
  unsubscribe(): Promise<void>
}

export interface RequestOptions {
  /** Milliseconds until the requester gives up, 30 000 by default; the server gets it in whole seconds, rounded up. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * Whether to carry the request out twice is as good as once, so that it is sent again, a few times within its time and
   * under the same ids, where no answer comes: the server that got it may have died. The contract's word unless given.
   */
  readonly isRepeatable?: boolean | undefined
  /**
   * Whom the request is made for. That is decided and recorded by, and it is taken from those alone who may act for
   * others (`act-for:` in their permissions); from anybody else it is refused, `not-permitted`.
   */
  readonly onBehalfOf?: OnBehalfOf | undefined
  /** A UUID. Repeating a request with the ids of the first gets the first one's answer. */
  readonly correlationId?: string | undefined
  readonly messageId?: string | undefined
  readonly traceparent?: string | undefined
}

export interface ServeOptions<Data = unknown> {
  /** Servers of one group share the requests; the contract's service by default. */
  readonly group?: string | undefined
  /**
   * Number of these requests that are worked on at once; the others wait, and their principals take turns. No bound by
   * default.
   */
  readonly concurrency?: number | undefined
  /**
   * What a refusal of the server means: `reject` (the default) makes `serve` reject with it; with `retry` it is logged,
   * told in the status, and asked again after a second, doubling to a minute, since a server whose own authorization
   * is away refuses like one that means it.
   */
  readonly whenRefused?: 'reject' | 'retry' | undefined
  /**
   * How many requests of one principal, waiting and worked on, may be unanswered here; 10000 by default. Beyond it they
   * are answered with the retryable failure `overloaded`.
   */
  readonly maximumPerSender?: number | undefined
  /** Bytes of the requests of one sender that may be here; no bound by default. One request may always be there. */
  readonly maximumBytesPerSender?: number | undefined
  /**
   * When a request is acknowledged: once its answer was published (`answered`, the default), so that one whose server dies
   * comes again, or at once (`taken`), for answers that are long in coming. Acknowledgements keep the order of arrival, so
   * that all requests behind such a one would be without theirs; whoever asks has to ask again where no answer comes.
   */
  readonly acknowledged?: 'answered' | 'taken' | undefined
  /**
   * The topic that a principal whose permissions are known has to be allowed to publish to; the contract's own by
   * default. For those who pass requests on.
   */
  readonly permittedBy?: ((data: Data) => string) | undefined
}

export interface RequestContext {
  /** Milliseconds since 1970 by our clock; after it nobody waits for the answer. */
  readonly deadlineAtMs: number
  /** Milliseconds that are left until then, whatever becomes of the time of day; 0 or less once it has passed. */
  readonly remainingMs: number
  /** Aborted at the deadline, and when the bus is closed. */
  readonly signal: AbortSignal
  /**
   * The request is acknowledged once this has settled, too, however it does: for what it brings about beside the answer,
   * which waits for none of it.
   */
  acknowledgeAfter(done: Promise<unknown>): void
}

/** Disposing of it stops. */
export interface ServedContract extends AsyncDisposable {
  /** Takes no more requests and resolves when those already taken are answered. */
  stop(): Promise<void>
}

export interface ErrorContext {
  /** A stable word; the error's `code` unless given. */
  readonly kind?: string | undefined
  readonly topic?: string | undefined
  readonly correlationId?: string | undefined
}
