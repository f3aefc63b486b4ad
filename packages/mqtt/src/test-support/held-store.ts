import type {
  DeadLetter,
  SessionStore,
  StoredOutcome,
  StoredPage,
  StoredPublish,
  StoredRange,
  StoredReason,
  StoredSession,
  WaitingPublish,
} from '../index.js'

/** A store whose commits a test lets through one by one, and which another client may open afterwards. */
export class HeldStore implements SessionStore {
  readonly commits = true
  readonly publishes = new Map<number, WaitingPublish>()
  readonly deadLetters = new Map<number, DeadLetter>()
  readonly givenUp = new Map<number, StoredReason>()
  readonly received = new Map<number, number>()
  nextSequence = 0
  commitsAsked = 0
  reads = 0
  isHeld = false
  #pending: { resolve(): void; reject(error: Error): void }[] = []

  async open(): Promise<StoredSession> {
    return {
      identifier: 'abc',
      nextSequence: this.nextSequence,
      waiting: amountOf([...this.publishes.values()]),
      deadLetters: amountOf([...this.deadLetters.values()]),
      received: [...this.received].map(([packetIdentifier, digest]) => ({ packetIdentifier, digest })),
    }
  }
  async read(range: StoredRange): Promise<StoredPage> {
    this.reads++
    return pageOf(this.publishes.values(), range)
  }
  async readDeadLetters(range: StoredRange): Promise<StoredPage<DeadLetter>> {
    return pageOf(this.deadLetters.values(), range)
  }
  async find(sequence: number): Promise<StoredOutcome | undefined> {
    if (this.publishes.has(sequence)) return { state: 'waiting' }
    const deadLetter = this.deadLetters.get(sequence)
    if (deadLetter !== undefined) return { state: 'dead-letter', reason: deadLetter.reason }
    const reason = this.givenUp.get(sequence)
    return reason === undefined ? undefined : { state: 'given-up', reason }
  }
  append(publish: StoredPublish): void {
    this.publishes.set(publish.sequence, { ...copyOf(publish), isReleased: false, ageMs: 0 })
    this.nextSequence = publish.sequence + 1
  }
  release(sequence: number): void {
    const record = this.publishes.get(sequence)
    if (record !== undefined) this.publishes.set(sequence, { ...record, isReleased: true })
  }
  remove(sequence: number): void {
    this.publishes.delete(sequence)
  }
  addDeadLetter(publish: StoredPublish, reason: StoredReason): void {
    this.publishes.delete(publish.sequence)
    this.deadLetters.set(publish.sequence, { ...copyOf(publish), reason })
  }
  removeDeadLetter(sequence: number): void {
    this.deadLetters.delete(sequence)
  }
  giveUp(sequence: number, reason: StoredReason): void {
    this.givenUp.set(sequence, reason)
  }
  receive(packetIdentifier: number, digest: number): void {
    this.received.set(packetIdentifier, digest)
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

function copyOf({ sequence, topic, payload, qos, retain, properties }: StoredPublish): StoredPublish {
  return { sequence, topic, payload: payload.slice(), qos, retain, properties }
}

function bytesOf({ topic, payload }: StoredPublish): number {
  return topic.length + payload.length
}

function amountOf(publishes: readonly StoredPublish[]) {
  return { messages: publishes.length, bytes: publishes.reduce((sum, one) => sum + bytesOf(one), 0) }
}

function pageOf<P extends StoredPublish>(all: Iterable<P>, range: StoredRange): StoredPage<P> {
  const sorted = [...all].sort((a, b) => a.sequence - b.sequence)
  const wanted = sorted.filter(({ sequence }) => sequence > range.after && sequence <= range.upTo)
  const publishes: P[] = []
  let bytes = 0
  for (const one of wanted) {
    bytes += bytesOf(one)
    const isFull = publishes.length >= range.maximumMessages || bytes > range.maximumBytes
    if (isFull && publishes.length > 0) return { publishes, damaged: [], upTo: one.sequence - 1 }
    publishes.push(one)
  }
  return { publishes, damaged: [], upTo: range.upTo }
}
