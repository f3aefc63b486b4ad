import type { SessionStore, StoredPublish, StoredReason, StoredSession } from '../index.js'

interface Record {
  publish: StoredPublish
  released: boolean
  setAside?: StoredReason
}

/** A store whose commits a test lets through one by one, and which another client may open afterwards. */
export class HeldStore implements SessionStore {
  readonly commits = true
  readonly publishes = new Map<number, Record>()
  readonly received = new Set<number>()
  commitsAsked = 0
  isHeld = false
  #pending: { resolve(): void; reject(error: Error): void }[] = []

  async load(): Promise<StoredSession> {
    return { publishes: [...this.publishes.values()], received: [...this.received] }
  }
  append(publish: StoredPublish): void {
    const { sequence, topic, payload, qos, retain, properties } = publish
    const copy = { sequence, topic, payload: payload.slice(), qos, retain, properties }
    this.publishes.set(sequence, { publish: copy, released: false })
  }
  release(sequence: number): void {
    const record = this.publishes.get(sequence)
    if (record !== undefined) record.released = true
  }
  setAside(sequence: number, reason: StoredReason): void {
    const record = this.publishes.get(sequence)
    if (record !== undefined) record.setAside = reason
  }
  remove(sequence: number): void {
    this.publishes.delete(sequence)
  }
  receive(packetIdentifier: number): void {
    this.received.add(packetIdentifier)
  }
  complete(packetIdentifier: number): void {
    this.received.delete(packetIdentifier)
  }
  forgetReceived(): void {
    this.received.clear()
  }
  commit(): Promise<void> {
    this.commitsAsked++
    if (!this.isHeld) return Promise.resolve()
    return new Promise((resolve, reject) => this.#pending.push({ resolve, reject }))
  }
  async close(): Promise<void> {}
  /** Ends the oldest commit under way. */
  end(error?: Error): void {
    const commit = this.#pending.shift()
    if (error === undefined) commit?.resolve()
    else commit?.reject(error)
  }
}
