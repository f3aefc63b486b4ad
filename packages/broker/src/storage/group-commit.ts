import { LatencyHistogram, type Packet } from '@jamey/protocol'
import type { Context } from '../support/context.js'
import { Deadline } from '../support/deadline.js'
import type { WriteBatcher } from '../support/write-batcher.js'
import type { Persistence } from './persistence.js'
import { StoreHealth } from './store-health.js'

export type AcknowledgementType = 'puback' | 'pubrec' | 'pubrel' | 'pubcomp'

/** The turn of what waits for no commit. */
export const NO_TURN = 0
/** For so long what nobody waits for may stay off the disk, unless a commit comes that takes it along. */
const LATEST_MS = 100

/** SUBSCRIBE and UNSUBSCRIBE of a connection that wait while the store fails. */
const MAXIMUM_ASKED = 100

/** A connection, as far as it is told what was committed. */
export interface AcknowledgementTarget {
  readonly isOpen: boolean
  /** PUBACKs that wait. */
  heldPubacks: number
  /** Acknowledgements that wait for a commit: none may overtake another. [MQTT-4.6.0-2] [MQTT-4.6.0-3] */
  committing: number
  writeAcknowledgement(type: AcknowledgementType, packetIdentifier: number, reasonCode: number): void
  write(packet: Packet): void
  end(reasonCode: number, reasonString: string): void
}

/** An acknowledgement that may leave before a commit, if its message is acknowledged by all who got it. */
export interface EarlyAcknowledgement {
  /** It waits for its commit no longer, or for that alone. */
  release(): void
}

interface Held {
  target: AcknowledgementTarget
  /** SUBACK and UNSUBACK travel whole; the frequent ones as their parts. */
  packet: Packet | undefined
  after: (() => void) | undefined
  type: AcknowledgementType
  packetIdentifier: number
  reasonCode: number
  /** The commit that it waits for. */
  turn: number
}

/**
 * Holds acknowledgements back until what they promise is on disk. Everything of one turn of the event loop is one
 * commit; what arrives meanwhile is the next. So many clients share the price of one `fsync`.
 *
 * Requests and answers that are on their way are not hurried to the disk: nobody waits for their acknowledgements, and
 * what all receivers have acknowledged by the next commit need not be written.
 */
export class GroupCommit {
  readonly health: StoreHealth
  /** How long commits took that came to their end. */
  readonly durations = new LatencyHistogram()
  readonly #clock: Context['clock']
  readonly #persistence: Persistence
  readonly #onHeld: () => void
  #held: Held[] = []
  #afterCommit: (() => void)[] = []
  #early: EarlyAcknowledgement[] = []
  /** Somebody waits for what is staged. */
  #isAwaited = false
  /** The number of the commit that takes along what is staged now. */
  #turn = 1
  /** That of the last one that is on the disk. */
  #durable = 0
  #committing: Promise<void> | undefined
  readonly #latest: Deadline

  constructor(context: Context, persistence: Persistence, writeBatcher: WriteBatcher) {
    this.#persistence = persistence
    this.#onHeld = () => writeBatcher.request()
    this.#clock = context.clock
    this.#latest = new Deadline(context.clock, () => this.#endTurn(true))
    this.health = new StoreHealth(context, persistence, () => this.#begin())
  }

  /** The commit that what is staged now waits for; see `hold`. */
  get turn(): number {
    return this.#turn
  }

  /**
   * `turn`: the commit that it waits for, `NO_TURN` where it promises nothing that has to be on the disk. Then it only
   * keeps its place behind those before it.
   */
  hold(
    target: AcknowledgementTarget,
    type: AcknowledgementType,
    packetIdentifier: number,
    reasonCode: number,
    turn = this.#turn,
  ): void {
    const isSafe = turn <= this.#durable
    if (isSafe && target.committing === 0) {
      return target.writeAcknowledgement(type, packetIdentifier, reasonCode)
    }
    target.committing++
    if (type === 'puback') target.heldPubacks++
    if (!isSafe) this.#isAwaited = true
    this.#held.push({ target, packet: undefined, after: undefined, type, packetIdentifier, reasonCode, turn })
    this.#onHeld()
  }

  /** Releases it when the next commit is over. */
  holdEarly(acknowledgement: EarlyAcknowledgement): void {
    this.#early.push(acknowledgement)
  }

  /** `after` runs when the packet was sent. */
  holdPacket(target: AcknowledgementTarget, packet: Packet, after: () => void): void {
    const turn = this.#turn
    this.#held.push({ target, packet, after, type: 'pubcomp', packetIdentifier: 0, reasonCode: 0, turn })
    this.#isAwaited = true
    this.#onHeld()
  }

  /** Calls back, once and in a later turn, when everything that is staged by now is durable. */
  afterCommit(callback: () => void): void {
    this.#afterCommit.push(callback)
    this.#isAwaited = true
    this.#onHeld()
  }

  /** Commits at the end of each turn. While the store fails, everything waits for its next try. */
  endTurn(): void {
    this.#endTurn(false)
  }

  /** Resolves when nothing is left to commit, or what is left cannot be. */
  async drain(): Promise<void> {
    this.#endTurn(true)
    if (this.#committing === undefined && this.health.isFailing) this.#begin()
    while (this.#committing !== undefined) {
      await this.#committing
      this.#endTurn(true)
    }
  }

  stop(): void {
    this.#latest.clear()
    this.health.stop()
  }

  #endTurn(isLatest: boolean): void {
    if (this.#committing !== undefined || this.health.isFailing) return
    const { isDirty, isUrgent } = this.#persistence
    if (isDirty && (isLatest || isUrgent || this.#isAwaited)) return this.#begin()
    this.#release(this.#take())
    this.#callBack(this.#takeWaiting())
    if (isDirty && !this.#latest.isSet) this.#latest.set(this.#clock.now() + LATEST_MS)
  }

  #begin(): void {
    if (this.#committing !== undefined) return
    this.#latest.clear()
    this.#committing = this.#commit()
  }

  async #commit(): Promise<void> {
    const held = this.#take()
    const waiting = this.#takeWaiting()
    const early = this.#early
    this.#early = []
    const turn = this.#turn++
    const sinceMs = this.#clock.now()
    try {
      await this.#persistence.commit()
      this.durations.observe(this.#clock.now() - sinceMs)
      this.#durable = turn
      this.health.onCommitted()
      this.#release(held)
    } catch (error) {
      // The store still has what was staged: the next commit takes it along, and acknowledgements wait for that.
      this.#held = [...held, ...this.#held]
      this.#afterCommit = [...waiting, ...this.#afterCommit]
      this.#isAwaited = true
      this.health.onFailed(error)
    }
    // Those of a commit that failed wait for the next as all others do.
    for (const acknowledgement of early) acknowledgement.release()
    this.#committing = undefined
    if (this.health.isFailing) return this.#refuse()
    this.#callBack(waiting)
    this.#releaseSafe()
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
    this.#isAwaited = false
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

  /** Those that only kept their place behind others, which have left now. */
  #releaseSafe(): void {
    const held = this.#held
    if (held.length === 0) return
    const blocked = new Set<AcknowledgementTarget>()
    const isSafe = ({ turn, target }: Held): boolean => {
      if (turn > this.#durable) blocked.add(target)
      return !blocked.has(target)
    }
    const safe: Held[] = []
    this.#held = []
    for (const one of held) (isSafe(one) ? safe : this.#held).push(one)
    this.#release(safe)
  }

  #release(held: readonly Held[]): void {
    for (const { target, packet, after, type, packetIdentifier, reasonCode } of held) {
      if (type === 'puback') target.heldPubacks--
      if (packet === undefined) {
        target.committing--
        target.writeAcknowledgement(type, packetIdentifier, reasonCode)
      } else {
        target.write(packet)
        after?.()
      }
    }
  }
}
