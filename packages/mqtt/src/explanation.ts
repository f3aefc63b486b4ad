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

/** The first thing that holds messages up, from the connection inwards. */
export function because(
  facts: Omit<Explanation, 'because'>,
  isClosed: boolean,
  isWindowFull: boolean,
): string {
  if (isClosed) return 'The client is closed.'
  return becauseOfConnection(facts) ?? becauseOfSending(facts, isWindowFull) ?? becauseOfReceiving(facts)
}

function becauseOfConnection(facts: Omit<Explanation, 'because'>): string | undefined {
  const { state, cause, attempt, nextAttemptMs, breaker, endpoint } = facts
  const why = cause === undefined ? '' : `: ${cause.message}`
  switch (state) {
    case 'connected':
      return undefined
    case 'disconnected':
      return cause === undefined ? 'connect() was not called.' : `There is no connection${why}.`
    case 'connecting':
      return `Connecting to ${endpoint} (attempt ${attempt})${cause === undefined ? '' : ` after a failure${why}`}.`
    case 'reconnecting':
      return `Attempt ${attempt} follows in ${Math.ceil(nextAttemptMs ?? 0)} ms${why}.`
    default:
      if (breaker.isOpen) return `The breaker is open, and reset() closes it${why}.`
      return `The client has stopped, and reset() makes it try again${why}.`
  }
}

function becauseOfSending(facts: Omit<Explanation, 'because'>, isWindowFull: boolean): string | undefined {
  const { sending, queue, socket, server } = facts
  if (queue.storing > 0) return `${queue.storing} messages wait for the store to commit them.`
  if (!socket.isWritable) return `The network takes no more: ${socket.bufferedBytes} bytes wait for it.`
  if (queue.messages > 0) {
    if (sending.onWire >= sending.quota) {
      const whose =
        server !== undefined && server.receiveMaximum <= sending.quota
          ? "the server's Receive Maximum"
          : 'the option maximumInFlight'
      return `${queue.messages} messages wait for acknowledgements: ${whose} is ${sending.quota}, and as many are unacknowledged.`
    }
    if (isWindowFull) {
      return `${queue.messages} messages wait: the unacknowledged ones take all packet identifiers or memory.`
    }
    if (sending.messagesPerSecond !== undefined) {
      return `${queue.messages} messages wait: the server asked for less, so ${Math.round(sending.messagesPerSecond)} a second leave.`
    }
  }
  // QoS 0 has no queue: whoever publishes it waits, too.
  if (sending.messagesPerSecond === undefined) return undefined
  return `The server asked for less, so ${Math.round(sending.messagesPerSecond)} messages a second leave at the most.`
}

function becauseOfReceiving({ receiving, sending }: Omit<Explanation, 'because'>): string {
  if (receiving.unacknowledged >= receiving.receiveMaximum) {
    return `The server may send no more: ${receiving.unacknowledged} messages, our Receive Maximum, are with their handlers, the oldest for ${receiving.oldestAgeMs ?? 0} ms.`
  }
  if (sending.onWire > 0) return `${sending.onWire} messages were sent and are not acknowledged yet.`
  if (receiving.unacknowledged > 0) {
    return `${receiving.unacknowledged} messages are with their handlers, the oldest for ${receiving.oldestAgeMs ?? 0} ms.`
  }
  if (receiving.handlersRunning > 0) {
    return `${receiving.handlersRunning} handlers are at work on messages of QoS 0.`
  }
  if (sending.setAside > 0) return `${sending.setAside} messages were set aside: the server refuses them.`
  return 'Nothing is held up.'
}
