import type { StoredPublish } from '@jamey/mqtt'
import { Batch } from './batch.js'
import type { RecordWriter } from './record-writer.js'
import { publishValue, SessionKey, sessionKey } from './session-records.js'

/** What a session staged since its last commit: of several changes of one thing only the last. */
export class SessionChanges {
  readonly #appended = new Map<number, StoredPublish>()
  readonly #released = new Set<number>()
  /** Removed sequences, and whether their release is in the store as well. */
  readonly #removed = new Map<number, boolean>()
  readonly #received = new Map<number, boolean>()

  get isEmpty(): boolean {
    return this.#appended.size + this.#released.size + this.#removed.size + this.#received.size === 0
  }

  append(publish: StoredPublish): void {
    this.#appended.set(publish.sequence, publish)
    this.#removed.delete(publish.sequence)
  }

  release(sequence: number): void {
    this.#released.add(sequence)
  }

  remove(sequence: number, isReleased: boolean): void {
    this.#appended.delete(sequence)
    this.#released.delete(sequence)
    this.#removed.set(sequence, isReleased)
  }

  setReceived(packetIdentifier: number, isReceived: boolean): void {
    this.#received.set(packetIdentifier, isReceived)
  }

  /** The changes as they are written. Payloads are copied here, once. */
  toBatch(writer: RecordWriter): Batch {
    const batch = new Batch()
    for (const [sequence, isReleased] of this.#removed) {
      batch.remove(sessionKey(writer, SessionKey.publish, sequence))
      if (isReleased) batch.remove(sessionKey(writer, SessionKey.released, sequence))
    }
    for (const [sequence, publish] of this.#appended) {
      batch.put(sessionKey(writer, SessionKey.publish, sequence), publishValue(writer, publish))
    }
    for (const sequence of this.#released) {
      batch.put(sessionKey(writer, SessionKey.released, sequence), writer.endValue())
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
   * published them was told that they failed, so they must not be sent after a restart.
   */
  takeBack(failed: SessionChanges): void {
    for (const [sequence, isReleased] of failed.#removed) this.#removed.set(sequence, isReleased)
    for (const sequence of failed.#released) {
      const isOver = this.#removed.has(sequence) || failed.#appended.has(sequence)
      if (!isOver) this.#released.add(sequence)
    }
    for (const [packetIdentifier, isReceived] of failed.#received) {
      if (!this.#received.has(packetIdentifier)) this.#received.set(packetIdentifier, isReceived)
    }
  }
}
