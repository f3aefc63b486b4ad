import type { StoredAmount, StoredPublish, StoredReason } from '@jamey/mqtt'

export interface OutboxCounts {
  readonly waiting: StoredAmount
  readonly deadLetters: StoredAmount
  /** Age of the first message that waits and can be read; undefined where none does. */
  readonly oldestAgeMs: number | undefined
  /** The process that has the store open. */
  readonly owner: number | undefined
}

export type OutboxKind = 'waiting' | 'dead-letter'

export interface OutboxMessage extends StoredPublish {
  readonly kind: OutboxKind
  /** Milliseconds since it was published or, of a dead letter, since it became one. */
  readonly ageMs: number
  /** The reason for which it is a dead letter; absent where it waits. */
  readonly reason: StoredReason | undefined
  /** QoS 2: the server has received it, and only the end of the exchange is due. */
  readonly isReleased: boolean
}

/** A record that cannot be read. It stays where it is and holds up no other. */
export interface DamagedMessage {
  readonly kind: OutboxKind
  readonly sequence: number
  readonly error: Error
}

export interface OutboxPage {
  readonly messages: readonly OutboxMessage[]
  readonly damaged: readonly DamagedMessage[]
  /** Number after which the next page begins; undefined where this is the last one. */
  readonly next: number | undefined
}

export interface OutboxListOptions {
  readonly kind: OutboxKind
  /** Lists messages with a greater number only. */
  readonly after?: number | undefined
  /** 100 by default; of very large ones it may be fewer. */
  readonly maximumMessages?: number | undefined
}

/** `received`: the server has it already, and must be told so that its exchange can end: connect the client once. */
export type DropOutcome = 'dropped' | 'absent' | 'received'

export interface OutboxChanges {
  /**
   * A dead letter waits again, behind all others and under the number that this gives; undefined where none has this
   * number.
   */
  retry(sequence: number): Promise<number | undefined>
  /** Forgets a message that waits, is a dead letter or cannot be read; its receipt tells that it was dropped. */
  drop(sequence: number): Promise<DropOutcome>
}

/**
 * A session store as whoever looks after it sees it. Reading works while the client has the store open, and does not
 * disturb it. Changing needs the store to be nobody's, and is committed when it resolves. Everything rejects with
 * `StoreError`; 'in-use' names the process to stop.
 */
export interface Outbox extends OutboxChanges {
  readonly path: string
  counts(): Promise<OutboxCounts>
  /** Messages in the order of their numbers. */
  list(options: OutboxListOptions): Promise<OutboxPage>
  /** One message; undefined where nothing of this number is kept. */
  get(sequence: number): Promise<OutboxMessage | DamagedMessage | undefined>
  /** Several changes with the store opened once; no two at the same time. */
  change<Result>(work: (changes: OutboxChanges) => Promise<Result>): Promise<Result>
}
