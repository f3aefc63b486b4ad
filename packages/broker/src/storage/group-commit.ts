import type { Packet } from '@jamey/protocol'
import type { Context } from '../support/context.js'
import type { WriteBatcher } from '../support/write-batcher.js'
import type { Persistence } from './persistence.js'
import { StoreHealth } from './store-health.js'

export type AcknowledgementType = 'puback' | 'pubrec' | 'pubrel' | 'pubcomp'

/** SUBSCRIBE and UNSUBSCRIBE of a connection that wait while the store fails. */
const MAXIMUM_ASKED = 100

/** A connection, as far as it is told what was committed. */
export interface AcknowledgementTarget {
  readonly isOpen: boolean
  /** PUBACKs that wait. */
  heldPubacks: number
  writeAcknowledgement(type: AcknowledgementType, packetIdentifier: number, reasonCode: number): void
  write(packet: Packet): void
  end(reasonCode: number, reasonString: string): void
}

interface Held {
  target: AcknowledgementTarget
  /** SUBACK and UNSUBACK travel whole; the frequent ones as their parts. */
  packet: Packet | undefined
  after: (() => void) | undefined
  type: AcknowledgementType
  packetIdentifier: number
  reasonCode: number
}

/**
 * Holds acknowledgements back until what they promise is on disk. Everything of one turn of the event loop is one
 * commit; what arrives meanwhile is the next. So many clients share the price of one `fsync`.
 */
export class GroupCommit {
  readonly health: StoreHealth
  readonly #persistence: Persistence
  readonly #onHeld: () => void
  #held: Held[] = []
  #afterCommit: (() => void)[] = []
  #committing: Promise<void> | undefined

  constructor(context: Context, persistence: Persistence, writeBatcher: WriteBatcher) {
    this.#persistence = persistence
    this.#onHeld = () => writeBatcher.request()
    this.health = new StoreHealth(context, persistence, () => this.#begin())
  }

  hold(
    target: AcknowledgementTarget,
    type: AcknowledgementType,
    packetIdentifier: number,
    reasonCode: number,
  ): void {
    if (type === 'puback') target.heldPubacks++
    this.#held.push({ target, packet: undefined, after: undefined, type, packetIdentifier, reasonCode })
    this.#onHeld()
  }

  /** `after` runs when the packet was sent. */
  holdPacket(target: AcknowledgementTarget, packet: Packet, after: () => void): void {
    this.#held.push({ target, packet, after, type: 'pubcomp', packetIdentifier: 0, reasonCode: 0 })
    this.#onHeld()
  }

  /** Calls back, once and in a later turn, when everything that is staged by now is durable. */
  afterCommit(callback: () => void): void {
    this.#afterCommit.push(callback)
    this.#onHeld()
  }

  /** Commits at the end of each turn. While the store fails, everything waits for its next try. */
  endTurn(): void {
    if (this.#committing !== undefined || this.health.isFailing) return
    if (this.#persistence.isDirty) return this.#begin()
    this.#release(this.#take())
    this.#callBack(this.#takeWaiting())
  }

  /** Resolves when nothing is left to commit, or what is left cannot be. */
  async drain(): Promise<void> {
    this.endTurn()
    if (this.#committing === undefined && this.health.isFailing) this.#begin()
    while (this.#committing !== undefined) await this.#committing
  }

  #begin(): void {
    this.#committing ??= this.#commit()
  }

  async #commit(): Promise<void> {
    const held = this.#take()
    const waiting = this.#takeWaiting()
    try {
      await this.#persistence.commit()
      this.health.onCommitted()
      this.#release(held)
    } catch (error) {
      // The store still has what was staged: the next commit takes it along, and acknowledgements wait for that.
      this.#held = [...held, ...this.#held]
      this.#afterCommit = [...waiting, ...this.#afterCommit]
      this.health.onFailed(error)
    }
    this.#committing = undefined
    if (this.health.isFailing) return this.#refuse()
    this.#callBack(waiting)
    if (this.#held.length > 0 || this.#persistence.isDirty) this.endTurn()
  }

  /**
   * Sends those away who have published and waited long enough. Their sessions stay, and what they sent, which may come
   * again. Who only subscribed would come back to do so again, ever more seldom: those wait, some packets of each.
   */
  #refuse(): void {
    const { refusal } = this.health
    if (refusal === undefined) return
    const { disconnectCode, reasonString } = refusal
    const held = this.#take()
    const asked = new Map<AcknowledgementTarget, number>()
    for (const { target, packet } of held) {
      const packets = (asked.get(target) ?? 0) + 1
      asked.set(target, packets)
      if (packet === undefined || packets > MAXIMUM_ASKED) target.end(disconnectCode, reasonString)
    }
    this.#held = held.filter(({ target }) => target.isOpen)
  }

  #take(): Held[] {
    const held = this.#held
    // The array goes even when it is empty: what is held from now on waits for another commit than this.
    this.#held = []
    return held
  }

  #takeWaiting(): (() => void)[] {
    const waiting = this.#afterCommit
    this.#afterCommit = []
    return waiting
  }

  #callBack(waiting: readonly (() => void)[]): void {
    for (const callback of waiting) callback()
  }

  #release(held: readonly Held[]): void {
    for (const { target, packet, after, type, packetIdentifier, reasonCode } of held) {
      if (type === 'puback') target.heldPubacks--
      if (packet === undefined) target.writeAcknowledgement(type, packetIdentifier, reasonCode)
      else {
        target.write(packet)
        after?.()
      }
    }
  }
}
