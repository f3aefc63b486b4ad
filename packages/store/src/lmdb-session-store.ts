import type { SessionStore, StoredPublish, StoredReason, StoredSession } from '@jamey/mqtt'
import type { Environment } from './environment.js'
import { RecordWriter } from './record-writer.js'
import { SessionChanges } from './session-changes.js'
import { numberOf, readPublish, readReason, SessionKey } from './session-records.js'

/** A SessionStore in LMDB; see `openSessionStore`. */
export class LmdbSessionStore implements SessionStore {
  readonly commits = true
  readonly #environment: Environment
  readonly #writer = new RecordWriter()
  #changes = new SessionChanges()
  /** What is in the store once everything staged is: sequences released, sequences set aside, identifiers received. */
  readonly #released: Set<number>
  readonly #setAside: Set<number>
  readonly #received: Set<number>
  #committing: Promise<void> = Promise.resolve()

  constructor(environment: Environment) {
    this.#environment = environment
    const numbers = (kind: number): number[] => [...environment.keys([kind])].map(numberOf)
    this.#released = new Set(numbers(SessionKey.released))
    this.#setAside = new Set(numbers(SessionKey.setAside))
    this.#received = new Set(numbers(SessionKey.received))
  }

  async load(): Promise<StoredSession> {
    const reasons = new Map<number, StoredReason>()
    for (const { key, reader } of this.#environment.records([SessionKey.setAside])) {
      reasons.set(numberOf(key), readReason(reader))
    }
    const publishes = []
    for (const { key, reader } of this.#environment.records([SessionKey.publish])) {
      const sequence = numberOf(key)
      const publish = readPublish(sequence, reader)
      publishes.push({ publish, released: this.#released.has(sequence), setAside: reasons.get(sequence) })
    }
    return { publishes, received: [...this.#received] }
  }

  append(publish: StoredPublish): void {
    this.#changes.append(publish)
  }

  release(sequence: number): void {
    this.#released.add(sequence)
    this.#changes.release(sequence)
  }

  setAside(sequence: number, reason: StoredReason): void {
    this.#setAside.add(sequence)
    this.#changes.setAside(sequence, reason)
  }

  remove(sequence: number): void {
    const isReleased = this.#released.delete(sequence)
    this.#changes.remove(sequence, { isReleased, isSetAside: this.#setAside.delete(sequence) })
  }

  receive(packetIdentifier: number): void {
    this.#received.add(packetIdentifier)
    this.#changes.setReceived(packetIdentifier, true)
  }

  complete(packetIdentifier: number): void {
    this.#received.delete(packetIdentifier)
    this.#changes.setReceived(packetIdentifier, false)
  }

  forgetReceived(): void {
    for (const packetIdentifier of this.#received) this.#changes.setReceived(packetIdentifier, false)
    this.#received.clear()
  }

  commit(): Promise<void> {
    const committed = this.#committing.then(() => this.#commit())
    this.#committing = committed.catch(() => {})
    return committed
  }

  async close(): Promise<void> {
    await this.#committing
    await this.#environment.close()
  }

  async #commit(): Promise<void> {
    await this.#environment.recover()
    if (this.#changes.isEmpty) return
    const changes = this.#changes
    this.#changes = new SessionChanges()
    try {
      await this.#environment.commit(changes.toBatch(this.#writer))
    } catch (error) {
      for (const sequence of this.#changes.takeBack(changes)) this.#setAside.add(sequence)
      throw error
    } finally {
      this.#writer.reset()
    }
  }
}
