import type { Exchange, SessionStore, StoredPublish, StoredReason } from '@jamey/mqtt'

interface Change {
  readonly apply: (store: SessionStore) => void
  /** It is a copy, which is forgotten where it cannot be stored: who published it is told so. */
  readonly isCopy: boolean
  /** The QoS 2 message that it is the copy of. */
  readonly exchange?: Exchange | undefined
}

/**
 * The store of one direction. It holds what waits to be published on the far side, and which QoS 2 messages of the near
 * side have been received; so a copy and the note that its original is here are one transaction, and after a crash there
 * are both or neither.
 *
 * Two clients write to it, and each learns what became of its own changes: their commits come one after the other, and
 * none takes the changes of the other client along.
 */
export class CrossingStore {
  readonly store: SessionStore
  /** Originals of copies that are on their way into the store, by the properties of these. */
  readonly #originals = new WeakMap<object, Exchange>()
  /** Those whose copies are in the store: digests by packet identifier, until the exchange is over. */
  readonly #taken = new Map<number, number>()
  #ofPublisher: Change[] = []
  #ofReceiver: Change[] = []
  #committing: Promise<void> = Promise.resolve()

  constructor(store: SessionStore) {
    this.store = store
  }

  /** Whether the copy of this message is in the store: it came again, and is to be acknowledged only. */
  has({ packetIdentifier, digest }: Exchange): boolean {
    return this.#taken.get(packetIdentifier) === digest
  }

  /** The message that is published with these properties is the copy of one that was received so. */
  link(properties: object, exchange: Exchange): void {
    this.#originals.set(properties, exchange)
  }

  /** Of the client that publishes on the far side. */
  append(publish: StoredPublish): void {
    const exchange = publish.properties && this.#originals.get(publish.properties)
    const apply = (store: SessionStore): void => {
      store.append(publish)
      if (exchange !== undefined) store.receive(exchange.packetIdentifier, exchange.digest)
    }
    this.#ofPublisher.push({ apply, isCopy: true, exchange })
  }

  /** Any other change of the client that publishes. */
  publisherChanges(apply: Change['apply']): void {
    this.#ofPublisher.push({ apply, isCopy: false })
  }

  /** Of the client that receives on the near side. */
  receive(packetIdentifier: number, digest: number): void {
    this.#receiverChanges((store) => store.receive(packetIdentifier, digest))
  }

  complete(packetIdentifier: number): void {
    this.#taken.delete(packetIdentifier)
    this.#receiverChanges((store) => store.complete(packetIdentifier))
  }

  forgetReceived(): void {
    this.#taken.clear()
    this.#receiverChanges((store) => store.forgetReceived())
  }

  /** Takes what the client that publishes has staged; it is stored by `commit`, or goes back by `putBack`. */
  takeOfPublisher(): readonly Change[] {
    const changes = this.#ofPublisher
    this.#ofPublisher = []
    return changes
  }

  /** The same of the client that receives. */
  takeOfReceiver(): readonly Change[] {
    const changes = this.#ofReceiver
    this.#ofReceiver = []
    return changes
  }

  /** What was taken of the publisher's changes is not stored now: copies never, the rest with the next commit. */
  putBack(changes: readonly Change[]): void {
    this.#ofPublisher.unshift(...changes.filter(({ isCopy }) => !isCopy))
  }

  commit(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return this.#committing
    const committed = this.#committing.then(() => this.#commit(changes))
    this.#committing = committed.catch(() => {})
    return committed
  }

  /** After both clients. */
  async close(): Promise<void> {
    await this.#committing
    await this.store.close()
  }

  async #commit(changes: readonly Change[]): Promise<void> {
    const exchanges = changes.flatMap(({ exchange }) => (exchange === undefined ? [] : [exchange]))
    for (const { apply } of changes) apply(this.store)
    try {
      await this.store.commit()
    } catch (error) {
      // The store has forgotten the copies, and must not keep the notes that they are there.
      for (const { packetIdentifier } of exchanges) this.store.complete(packetIdentifier)
      throw error
    }
    for (const { packetIdentifier, digest } of exchanges) this.#taken.set(packetIdentifier, digest)
  }

  #receiverChanges(apply: Change['apply']): void {
    this.#ofReceiver.push({ apply, isCopy: false })
  }
}

/**
 * The session store of the client on one side: what it publishes lies in the store of the direction that leads here,
 * what it has received in that of the direction that leads away.
 */
export function sessionStoreOf(here: CrossingStore, away: CrossingStore): SessionStore {
  return {
    commits: true,
    open: async () => ({ ...(await here.store.open()), received: (await away.store.open()).received }),
    read: (range) => here.store.read(range),
    readDeadLetters: (range) => here.store.readDeadLetters(range),
    find: (sequence) => here.store.find(sequence),
    append: (publish) => here.append(publish),
    release: (sequence) => here.publisherChanges((store) => store.release(sequence)),
    remove: (sequence, bytes) => here.publisherChanges((store) => store.remove(sequence, bytes)),
    addDeadLetter: (publish: StoredPublish, reason: StoredReason) =>
      here.publisherChanges((store) => store.addDeadLetter(publish, reason)),
    removeDeadLetter: (sequence, bytes) =>
      here.publisherChanges((store) => store.removeDeadLetter(sequence, bytes)),
    giveUp: (sequence, reason) => here.publisherChanges((store) => store.giveUp(sequence, reason)),
    receive: (packetIdentifier, digest) => away.receive(packetIdentifier, digest),
    complete: (packetIdentifier) => away.complete(packetIdentifier),
    forgetReceived: () => away.forgetReceived(),
    commit: async () => {
      // What this call is for was staged before it; what comes meanwhile is the next one's.
      const received = away.takeOfReceiver()
      const published = here.takeOfPublisher()
      try {
        await away.commit(received)
      } catch (error) {
        here.putBack(published)
        throw error
      }
      await here.commit(published)
    },
    // Each of the two belongs to both clients.
    close: async () => {},
  }
}
