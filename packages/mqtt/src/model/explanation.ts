import type { ServerInformation } from './server-information.js'
import type { StateChange, StateName } from './state.js'

/** A failure the server told, and how long ago. */
export interface ToldReason {
  readonly reasonCode: number
  readonly reasonString: string | undefined
  /** The reason code's name in the standard. */
  readonly description: string
  readonly agoMs: number
}

/** Says why messages flow, or do not. Plain data without secrets, to be logged as it is. Ages are in milliseconds. */
export interface Explanation {
  /** The first thing that holds messages up, in one sentence. */
  readonly because: string
  readonly state: StateName
  /** The reason for which the connection ended or the attempt failed. */
  readonly cause:
    | { name: string; code: string | undefined; reasonCode: number | undefined; message: string }
    | undefined
  readonly attempt: number | undefined
  /** Milliseconds until the next attempt; `reconnecting` only. */
  readonly nextAttemptMs: number | undefined
  readonly breaker: { isOpen: boolean; failures: number; failuresBeforeOpen: number }
  /** The URL in use or tried last, without user, password and query. */
  readonly endpoint: string | undefined
  /** The facts that the last CONNACK told. */
  readonly server: ServerInformation | undefined
  readonly sending: {
    /**
     * Number of messages that may be unacknowledged on this connection: the smaller of the server's and our own bound.
     */
    readonly quota: number
    /** Number of messages that were sent on this connection and are not acknowledged. */
    readonly onWire: number
    /** Number of messages that were sent on any connection and are not acknowledged. */
    readonly inFlight: number
    /** The rate the server's complaints have led to; undefined without a limit. */
    readonly messagesPerSecond: number | undefined
    readonly deadLetters: number
  }
  readonly queue: {
    readonly messages: number
    /** Number of messages on their way into the SessionStore. */
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
    /** Age of the QoS 1 or 2 message whose handler has been at work for the longest time. */
    readonly oldestAgeMs: number | undefined
    /** QoS 1 and 2 messages without their acknowledgement. */
    readonly unacknowledged: number
    readonly receiveMaximum: number
  }
  /** The last failure of each kind that the server told. */
  readonly lastFailures: {
    readonly connack: ToldReason | undefined
    readonly disconnect: ToldReason | undefined
    /** The last failure in PUBACK, PUBREC or PUBCOMP. */
    readonly publish: ToldReason | undefined
    readonly subscribe: ToldReason | undefined
  }
}

/** The facts that a connection knows of itself. */
export interface ConnectionFacts {
  readonly status: StateChange
  /** Moment of the next attempt; `reconnecting` only. */
  readonly dueAtMs: number | undefined
  /** Number of failures in a row. */
  readonly failures: number
  /** URL of the server in use or tried last, without secrets. */
  readonly endpoint: string | undefined
}

export type FailureKind = keyof Explanation['lastFailures']

/** A failure the server told, as it is remembered. */
export interface Told {
  readonly reasonCode: number
  readonly reasonString: string | undefined
  readonly atMs: number
}
