import { PUBLISH_IDENTIFIERS } from '../model/settings.js'
import type { Publication } from './publication.js'

/**
 * The packet identifier is a function of the sequence number, so a store need not record it, and within the window
 * no two messages share one. 0 is not a legal identifier. [MQTT-2.2.1-3]
 */
function identifierOf(sequence: number): number {
  return 1 + (sequence % PUBLISH_IDENTIFIERS)
}

/** Bytes of topics and payloads; beyond it no message is begun. */
const MAXIMUM_BYTES = 67_108_864

/** Unacknowledged messages, by packet identifier. */
export class InFlight {
  readonly #byIdentifier: (Publication | undefined)[] = []
  #count = 0
  #bytes = 0
  #onWire = 0
  /** All sequence numbers below have been sent at least once. */
  #sentUpTo = 0
  /** The oldest sequence number that may still be unacknowledged. */
  #oldest = 0
  /** The next sequence number to look at for repeating on a new connection. */
  #cursor = 0

  /** Messages that were sent and not acknowledged, on whatever connection. */
  get count(): number {
    return this.#count
  }

  /** Messages that were sent on this connection and not acknowledged. */
  get onWire(): number {
    return this.#onWire
  }

  /** True where some message of an earlier connection may still have to be sent again. */
  get hasRepeats(): boolean {
    return this.#cursor < this.#sentUpTo
  }

  get(identifier: number): Publication | undefined {
    return this.#byIdentifier[identifier]
  }

  has(sequence: number): boolean {
    return this.#byIdentifier[identifierOf(sequence)]?.sequence === sequence
  }

  /**
   * True where there is memory, and its identifier is free: all that are older by a window must have been acknowledged.
   */
  hasRoomFor({ sequence }: Publication): boolean {
    if (this.#bytes >= MAXIMUM_BYTES) return false
    if (this.#count === 0 || sequence - this.#oldest < PUBLISH_IDENTIFIERS) return true
    this.#advanceOldest()
    return sequence - this.#oldest < PUBLISH_IDENTIFIERS
  }

  add(publication: Publication): void {
    const identifier = identifierOf(publication.sequence)
    publication.packetIdentifier = identifier
    if (this.#count === 0) this.#oldest = publication.sequence
    this.#byIdentifier[identifier] = publication
    this.#count++
    this.#bytes += publication.bytes
    // New messages are only begun when there is nothing left to repeat, so the cursor moves along.
    if (!this.hasRepeats) this.#cursor = publication.sequence + 1
    this.#sentUpTo = publication.sequence + 1
  }

  /** Counts one message more on the wire of this connection. */
  sent(): void {
    this.#onWire++
  }

  acknowledged(publication: Publication): void {
    // An answer may overtake the repetition of what it answers.
    if (publication.sequence < this.#cursor) this.#onWire--
    this.remove(publication)
  }

  remove(publication: Publication): void {
    this.#byIdentifier[publication.packetIdentifier] = undefined
    this.#count--
    this.#bytes -= publication.bytes
  }

  /** A new connection: everything unacknowledged is due again, in order. */
  restart(): void {
    this.#onWire = 0
    this.#advanceOldest()
    this.#cursor = this.#oldest
  }

  nextToRepeat(): Publication | undefined {
    while (this.#cursor < this.#sentUpTo) {
      const sequence = this.#cursor++
      const publication = this.#byIdentifier[identifierOf(sequence)]
      if (publication?.sequence === sequence) return publication
    }
    return undefined
  }

  /** The first that was sent and not acknowledged. */
  get oldest(): Publication | undefined {
    this.#advanceOldest()
    return this.#count === 0 ? undefined : this.#byIdentifier[identifierOf(this.#oldest)]
  }

  /** All messages in order of sequence. */
  *all(): Iterable<Publication> {
    this.#advanceOldest()
    for (let sequence = this.#oldest; sequence < this.#sentUpTo && this.#count > 0; sequence++) {
      const publication = this.#byIdentifier[identifierOf(sequence)]
      if (publication?.sequence === sequence) yield publication
    }
  }

  #advanceOldest(): void {
    if (this.#count === 0) this.#oldest = this.#sentUpTo
    while (this.#oldest < this.#sentUpTo) {
      const publication = this.#byIdentifier[identifierOf(this.#oldest)]
      if (publication?.sequence === this.#oldest) return
      this.#oldest++
    }
  }

  clear(): void {
    this.#byIdentifier.length = 0
    this.#count = this.#bytes = this.#onWire = 0
    this.#cursor = this.#sentUpTo
  }
}
