import type { StoredPublish, StoredReason } from '@jamey/mqtt'
import { Batch } from './batch.js'
import type { RecordWriter } from './record-writer.js'
import { publishValue, reasonValue, SessionKey, sessionKey } from './session-records.js'

/** What the store has of a sequence besides its publish. */
export interface SequenceMarks {
  readonly isReleased: boolean
  readonly isSetAside: boolean
}

/** What a session staged since its last commit: of several changes of one thing only the last. */
export class SessionChanges {
  readonly #appended = new Map<number, StoredPublish>()
  readonly #released = new Set<number>()
  readonly #setAside = new Map<number, StoredReason>()
  readonly #removed = new Map<number, SequenceMarks>()
  readonly #received = new Map<number, boolean>()

  get isEmpty(): boolean {
    const ofSequences = this.#appended.size + this.#released.size + this.#setAside.size + this.#removed.size
    return ofSequences + this.#received.size === 0
  }

  append(publish: StoredPublish): void {
    this.#appended.set(publish.sequence, publish)
    this.#removed.delete(publish.sequence)
  }

  release(sequence: number): void {
    this.#released.add(sequence)
  }

  setAside(sequence: number, reason: StoredReason): void {
    this.#setAside.set(sequence, reason)
  }

  remove(sequence: number, marks: SequenceMarks): void {
    this.#appended.delete(sequence)
    this.#released.delete(sequence)
    this.#setAside.delete(sequence)
    this.#removed.set(sequence, marks)
  }

  setReceived(packetIdentifier: number, isReceived: boolean): void {
    this.#received.set(packetIdentifier, isReceived)
  }

  /** The changes as they are written. Payloads are copied here, once. */
  toBatch(writer: RecordWriter): Batch {
    const batch = new Batch()
    for (const [sequence, { isReleased, isSetAside }] of this.#removed) {
      batch.remove(sessionKey(writer, SessionKey.publish, sequence))
      if (isReleased) batch.remove(sessionKey(writer, SessionKey.released, sequence))
      if (isSetAside) batch.remove(sessionKey(writer, SessionKey.setAside, sequence))
    }
    for (const [sequence, publish] of this.#appended) {
      batch.put(sessionKey(writer, SessionKey.publish, sequence), publishValue(writer, publish))
    }
    for (const sequence of this.#released) {
      batch.put(sessionKey(writer, SessionKey.released, sequence), writer.endValue())
    }
    for (const [sequence, reason] of this.#setAside) {
      batch.put(sessionKey(writer, SessionKey.setAside, sequence), reasonValue(writer, reason))
    }
    for (const [packetIdentifier, isReceived] of this.#received) {
      const key = sessionKey(writer, SessionKey.received, packetIdentifier)
      if (isReceived) batch.put(key, writer.endValue())
      else batch.remove(key)
    }
    return batch
  }

  /**
   * Takes back what did not commit, for the next time; `this` came after it. Appended publishes are forgotten: who
   * published them was told that they failed, so they must not be sent after a restart. So is the removal of what was
   * set aside, since it may have been appended anew in the same turn; gives the sequences that stay set aside.
   */
  takeBack(failed: SessionChanges): number[] {
    const staying: number[] = []
    for (const [sequence, marks] of failed.#removed) {
      if (marks.isSetAside) staying.push(sequence)
      else this.#removed.set(sequence, marks)
    }
    const isOver = (sequence: number): boolean =>
      this.#removed.has(sequence) || failed.#appended.has(sequence)
    for (const sequence of failed.#released) if (!isOver(sequence)) this.#released.add(sequence)
    for (const [sequence, reason] of failed.#setAside) {
      if (!isOver(sequence) && !this.#setAside.has(sequence)) this.#setAside.set(sequence, reason)
    }
    for (const [packetIdentifier, isReceived] of failed.#received) {
      if (!this.#received.has(packetIdentifier)) this.#received.set(packetIdentifier, isReceived)
    }
    return staying
  }
}
