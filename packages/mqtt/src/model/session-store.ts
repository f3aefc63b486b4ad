import type { PublishProperties } from '@jamey/protocol'

/** A QoS 1 or 2 message this client has promised to publish. */
export interface StoredPublish {
  /** Ascends in the order of publishing and is never reused within a store. */
  readonly sequence: number
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
}

/** A message as it comes back from the store. */
export interface WaitingPublish extends StoredPublish {
  /** PUBREC had arrived, so that only PUBREL is due. */
  readonly isReleased: boolean
  /** Milliseconds since it was published, by the wall clock: the process that did it may be gone. */
  readonly ageMs: number
}

/** The reason for which the server does not get a message. */
export interface StoredReason {
  /** A code of `PublishError`. */
  readonly code: string
  readonly message: string
  /** Reason code of the server's acknowledgement, where it refused the message itself. */
  readonly reasonCode: number | undefined
}

/** The reason of a message that somebody dropped. */
export const DROPPED_BY_HAND: StoredReason = Object.freeze({
  code: 'dropped',
  message: 'dropped by hand',
  reasonCode: undefined,
})

/** The reason of a dead letter under its old number, once it was retried. */
export function publishedAnew({ code, message, reasonCode }: StoredReason, receipt: string): StoredReason {
  return { code, message: `${message}; published anew with the receipt ${receipt}`, reasonCode }
}

/** A message that the server does not take, and why. */
export interface DeadLetter extends StoredPublish {
  readonly reason: StoredReason
}

export interface StoredAmount {
  readonly messages: number
  /** Sum of topics (in characters) and payloads (in bytes). */
  readonly bytes: number
}

/** A QoS 2 message was received. */
export interface StoredIncoming {
  readonly packetIdentifier: number
  /** A 32-bit number that tells it from other messages under its identifier; undefined where it was not kept. */
  readonly digest: number | undefined
}

/** The state that an earlier process left, without its messages: `read` gives those. */
export interface StoredSession {
  /** Names this store among others; part of every receipt. */
  readonly identifier: string
  /** A number above every sequence number that was ever used in this store. */
  readonly nextSequence: number
  readonly waiting: StoredAmount
  readonly deadLetters: StoredAmount
  /** QoS 2 messages whose PUBREL is still to come. */
  readonly received: readonly StoredIncoming[]
}

/** Messages with `after < sequence <= upTo`, ascending, until either bound is reached; at least one where there is one. */
export interface StoredRange {
  readonly after: number
  readonly upTo: number
  readonly maximumMessages: number
  readonly maximumBytes: number
}

export interface StoredPage<Publish extends StoredPublish = WaitingPublish> {
  readonly publishes: readonly Publish[]
  /** Records of the range that cannot be read; they stay where they are. */
  readonly damaged: readonly { readonly sequence: number; readonly error: Error }[]
  /** The page tells of everything up to here: the `upTo` of the range where it reached its end. */
  readonly upTo: number
}

/** The outcome of a message, as far as the store knows; nothing is kept of those that were acknowledged. */
export type StoredOutcome =
  | { readonly state: 'waiting' }
  | { readonly state: 'dead-letter' | 'given-up'; readonly reason: StoredReason }

/**
 * The write-ahead memory of one session, a port.
 *
 * The changing methods return at once. A store that writes to disk gathers them and makes all of them durable in one
 * transaction per `commit()`, which the client calls once per turn of the event loop; nothing that depends on a
 * change goes out before its commit. A store that keeps no promise beyond the process has `commits: false`: the client
 * itself holds what waits, and asks it for dead letters and given-up messages only.
 */
export interface SessionStore {
  readonly commits: boolean
  /** Called before everything else. Must not need memory for waiting messages. */
  open(): Promise<StoredSession>
  /** Committed messages that wait; a range is only read below what was committed. */
  read(range: StoredRange): Promise<StoredPage>
  readDeadLetters(range: StoredRange): Promise<StoredPage<DeadLetter>>
  /**
   * Finds out about a sequence number that was used, by the changes before the last commit; undefined: acknowledged.
   */
  find(sequence: number): Promise<StoredOutcome | undefined>
  /** Called before the first PUBLISH. The payload must be copied or written before `commit` settles. */
  append(publish: StoredPublish): void
  /** PUBREC arrived: from now on PUBREL is repeated instead of PUBLISH. [MQTT-4.3.3-6] */
  release(sequence: number): void
  /** The message is acknowledged, or its publisher was told that it failed. `bytes` as in `StoredAmount`. */
  remove(sequence: number, bytes: number): void
  /** The server does not take the message; it waits no more, but is kept. */
  addDeadLetter(publish: StoredPublish, reason: StoredReason): void
  removeDeadLetter(sequence: number, bytes: number): void
  /**
   * Remembers that a message, removed before, was never acknowledged, since its receipt may still be asked for. How
   * many of them a store remembers is its own affair, as long as there is a bound.
   */
  giveUp(sequence: number, reason: StoredReason): void
  /** A QoS 2 message arrived and must not be delivered twice. [MQTT-4.3.3-10] */
  receive(packetIdentifier: number, digest: number): void
  /** PUBREL arrived: the identifier is free again. */
  complete(packetIdentifier: number): void
  /** The server lost the session: no received identifier means anything any more. */
  forgetReceived(): void
  /** Everything told so far is durable once this resolves. */
  commit(): Promise<void>
  close(): Promise<void>
}
