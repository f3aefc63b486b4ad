import { describeReasonCode } from '@jamey/protocol'
import type { ServerInformation } from './server-information.js'
import type { StateName } from './state.js'

/** A failure the server told, and how long ago. */
export interface ToldReason {
  readonly reasonCode: number
  readonly reasonString: string | undefined
  /** The reason code's name in the standard. */
  readonly description: string
  readonly agoMs: number
}

/** Why messages are, or are not, flowing. Plain data without secrets, to be logged as it is. Ages in milliseconds. */
export interface Explanation {
  /** The first thing that holds messages up, in one sentence. */
  readonly because: string
  readonly state: StateName
  /** Why the connection ended or the attempt failed. */
  readonly cause:
    | { name: string; code: string | undefined; reasonCode: number | undefined; message: string }
    | undefined
  readonly attempt: number | undefined
  /** Until the next attempt; `reconnecting` only. */
  readonly nextAttemptMs: number | undefined
  readonly breaker: { isOpen: boolean; failures: number; failuresBeforeOpen: number }
  /** The URL in use or tried last, without user, password and query. */
  readonly endpoint: string | undefined
  /** What the last CONNACK told. */
  readonly server: ServerInformation | undefined
  readonly sending: {
    /** How many messages may be unacknowledged on this connection: the smaller of the server's and our own bound. */
    readonly quota: number
    /** Sent on this connection and not acknowledged. */
    readonly onWire: number
    /** Sent on whatever connection and not acknowledged. */
    readonly inFlight: number
    /** The rate the server's complaints have led to; undefined without a limit. */
    readonly messagesPerSecond: number | undefined
    readonly setAside: number
  }
  readonly queue: {
    readonly messages: number
    /** On their way into the SessionStore. */
    readonly storing: number
    readonly bytes: number
    readonly oldestAgeMs: number | undefined
    readonly maximumMessages: number
    readonly maximumBytes: number
  }
  /** Bytes handed over and not taken by the network yet. */
  readonly socket: { readonly bufferedBytes: number; readonly isWritable: boolean }
  readonly receiving: {
    readonly handlersRunning: number
    /** Of the QoS 1 or 2 message whose handler has been at work for the longest time. */
    readonly oldestAgeMs: number | undefined
    /** QoS 1 and 2 messages without their acknowledgement. */
    readonly unacknowledged: number
    readonly receiveMaximum: number
  }
  /** The last failure of each kind that the server told. */
  readonly lastFailures: {
    readonly connack: ToldReason | undefined
    readonly disconnect: ToldReason | undefined
    /** Of PUBACK, PUBREC and PUBCOMP. */
    readonly publish: ToldReason | undefined
    readonly subscribe: ToldReason | undefined
  }
}

/** The outgoing half. */
export interface OutgoingFacts {
  readonly quota: number
  readonly onWire: number
  readonly inFlight: number
  readonly messagesPerSecond: number | undefined
  readonly messages: number
  readonly storing: number
  readonly bytes: number
  readonly oldestAgeMs: number | undefined
  readonly isWindowFull: boolean
  readonly bufferedBytes: number
  readonly isWritable: boolean
}

/** The connection. */
export type ConnectionFacts = Pick<
  Explanation,
  'state' | 'attempt' | 'nextAttemptMs' | 'breaker' | 'endpoint'
> & { readonly cause: Error | undefined }

export type FailureKind = keyof Explanation['lastFailures']

/** Remembers the last failure of each kind. */
export class LastFailures {
  readonly #now: () => number
  readonly #told = new Map<
    FailureKind,
    { reasonCode: number; reasonString: string | undefined; atMs: number }
  >()

  constructor(now: () => number) {
    this.#now = now
  }

  tell(kind: FailureKind, reasonCode: number, reasonString: string | undefined): void {
    this.#told.set(kind, { reasonCode, reasonString, atMs: this.#now() })
  }

  get all(): Explanation['lastFailures'] {
    const of = (kind: FailureKind): ToldReason | undefined => {
      const told = this.#told.get(kind)
      if (told === undefined) return undefined
      const { reasonCode, reasonString, atMs } = told
      const agoMs = this.#now() - atMs
      return { reasonCode, reasonString, description: describeReasonCode(reasonCode), agoMs }
    }
    return {
      connack: of('connack'),
      disconnect: of('disconnect'),
      publish: of('publish'),
      subscribe: of('subscribe'),
    }
  }
}
