import type { StoredAmount, StoredPublish, StoredReason } from '@jamey/mqtt'
import { Batch } from '../lmdb/batch.js'
import type { RecordWriter } from '../lmdb/record-writer.js'
import {
  bytesOf,
  deadLetterValue,
  givenUpValue,
  LEDGER_KEY,
  type Ledger,
  ledgerValue,
  publishValue,
  SessionKey,
  sessionKey,
} from './records.js'

interface Removal {
  readonly bytes: number
  /** True where its PUBREC is recorded. */
  readonly isReleased: boolean
}

/** Changes that a session staged since its last commit: of several changes of one thing only the last. */
export class SessionChanges {
  readonly #appended = new Map<number, StoredPublish>()
  readonly #released = new Set<number>()
  readonly #removed = new Map<number, Removal>()
  readonly #deadLetters = new Map<number, { publish: StoredPublish; reason: StoredReason }>()
  /** Bytes by sequence. */
  readonly #deadLettersRemoved = new Map<number, number>()
  /** Reasons by sequence; undefined where one is forgotten. */
  readonly #givenUp = new Map<number, StoredReason | undefined>()
  /** Digests by packet identifier; undefined: no longer. */
  readonly #received = new Map<number, number | undefined>()
  /** One above the last sequence that was appended, which may be gone already. */
  #nextSequence = 0

  get isEmpty(): boolean {
    const ofPublishes = this.#appended.size + this.#released.size + this.#removed.size
    const ofOthers = this.#deadLetters.size + this.#deadLettersRemoved.size + this.#givenUp.size
    return ofPublishes + ofOthers + this.#received.size === 0 && this.#nextSequence === 0
  }

  append(publish: StoredPublish): void {
    this.#appended.set(publish.sequence, publish)
    this.#nextSequence = publish.sequence + 1
  }

  release(sequence: number): void {
    this.#released.add(sequence)
  }

  remove(sequence: number, removal: Removal): void {
    this.#released.delete(sequence)
    // A message that came and went since the last commit was never there.
    if (!this.#appended.delete(sequence)) this.#removed.set(sequence, removal)
  }

  addDeadLetter(publish: StoredPublish, reason: StoredReason, isReleased: boolean): void {
    this.remove(publish.sequence, { bytes: bytesOf(publish), isReleased })
    this.#deadLetters.set(publish.sequence, { publish, reason })
  }

  removeDeadLetter(sequence: number, bytes: number): void {
    if (!this.#deadLetters.delete(sequence)) this.#deadLettersRemoved.set(sequence, bytes)
  }

  giveUp(sequence: number, reason: StoredReason | undefined): void {
    this.#givenUp.set(sequence, reason)
  }

  setReceived(packetIdentifier: number, digest: number | undefined): void {
    this.#received.set(packetIdentifier, digest)
  }

  /** The ledger once this is committed on top of `before`. */
  ledgerAfter(before: Ledger): Ledger {
    return {
      identifier: before.identifier,
      nextSequence: Math.max(before.nextSequence, this.#nextSequence),
      waiting: changed(
        before.waiting,
        [...this.#appended.values()].map(bytesOf),
        [...this.#removed.values()].map(({ bytes }) => bytes),
      ),
      deadLetters: changed(
        before.deadLetters,
        [...this.#deadLetters.values()].map(({ publish }) => bytesOf(publish)),
        [...this.#deadLettersRemoved.values()],
      ),
    }
  }

  /** The changes as they are written. Payloads are copied here, once. */
  toBatch(writer: RecordWriter, ledger: Ledger, nowMs: number): Batch {
    const batch = new Batch()
    for (const [sequence, { isReleased }] of this.#removed) {
      batch.remove(sessionKey(writer, SessionKey.publish, sequence))
      if (isReleased) batch.remove(sessionKey(writer, SessionKey.released, sequence))
    }
    for (const sequence of this.#deadLettersRemoved.keys()) {
      batch.remove(sessionKey(writer, SessionKey.deadLetter, sequence))
    }
    for (const [sequence, publish] of this.#appended) {
      batch.put(sessionKey(writer, SessionKey.publish, sequence), publishValue(writer, publish, nowMs))
    }
    for (const sequence of this.#released) {
      batch.put(sessionKey(writer, SessionKey.released, sequence), writer.endValue())
    }
    for (const [sequence, { publish, reason }] of this.#deadLetters) {
      const key = sessionKey(writer, SessionKey.deadLetter, sequence)
      batch.put(key, deadLetterValue(writer, publish, reason, nowMs))
    }
    for (const [sequence, reason] of this.#givenUp) {
      const key = sessionKey(writer, SessionKey.givenUp, sequence)
      if (reason === undefined) batch.remove(key)
      else batch.put(key, givenUpValue(writer, reason))
    }
    for (const [packetIdentifier, digest] of this.#received) {
      const key = sessionKey(writer, SessionKey.received, packetIdentifier)
      if (digest === undefined) batch.remove(key)
      else batch.put(key, writer.varint(digest).endValue())
    }
    batch.put(LEDGER_KEY, ledgerValue(writer, ledger))
    return batch
  }

  /**
   * Takes back what did not commit, for the next time; `this` came after it. Two things are forgotten: appended
   * publishes, because who published them was told that they failed, so they must not be sent after a restart; and
   * that a dead letter is no more, because it may have been appended anew in the same turn.
   */
  takeBack(failed: SessionChanges): void {
    for (const [sequence, removal] of failed.#removed) this.#removed.set(sequence, removal)
    for (const sequence of failed.#appended.keys()) this.#removed.delete(sequence)
    const isOver = (sequence: number): boolean =>
      this.#removed.has(sequence) || failed.#appended.has(sequence)
    for (const sequence of failed.#released) if (!isOver(sequence)) this.#released.add(sequence)
    for (const [sequence, deadLetters] of failed.#deadLetters) {
      if (!this.#deadLettersRemoved.delete(sequence)) this.#deadLetters.set(sequence, deadLetters)
    }
    for (const [sequence, reason] of failed.#givenUp) {
      if (!this.#givenUp.has(sequence) && !failed.#deadLettersRemoved.has(sequence))
        this.#givenUp.set(sequence, reason)
    }
    for (const [packetIdentifier, digest] of failed.#received) {
      if (!this.#received.has(packetIdentifier)) this.#received.set(packetIdentifier, digest)
    }
  }
}

/** Damaged records, whose size nobody knows, must not make it negative. */
function changed(
  { messages, bytes }: StoredAmount,
  added: readonly number[],
  removed: readonly number[],
): StoredAmount {
  const sum = (list: readonly number[]): number => list.reduce((total, one) => total + one, 0)
  return {
    messages: Math.max(0, messages + added.length - removed.length),
    bytes: Math.max(0, bytes + sum(added) - sum(removed)),
  }
}
