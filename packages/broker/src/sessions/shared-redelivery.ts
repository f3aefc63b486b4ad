import type { Delivery } from '../messages/delivery.js'
import type { Router } from '../routing/router.js'
import type { GroupCommit } from '../storage/group-commit.js'
import type { Persistence } from '../storage/persistence.js'
import type { Context } from '../support/context.js'
import { BacklogCursor } from './backlog.js'
import type { Session } from './session.js'

/** Number of stored deliveries that are shown to other members in one turn, beside as many as came meanwhile. */
export const REDELIVERED_PER_TURN = 1000

interface RedeliveryContext extends Context {
  readonly isClosing: boolean
  readonly persistence: Persistence
  readonly router: Router
  readonly groupCommit: GroupCommit | undefined
  readonly sessions: { forget(session: Session): void }
}

interface Redelivery {
  readonly cursor: BacklogCursor
  /** The end of the queue when it was looked at last. */
  lastSequence: number
}

/**
 * Hands what waits in a session and came through shared subscriptions to other members. What lies in memory goes at
 * once. What lies in the store goes in pages: one a turn, and the next when the one before is durable. So neither a
 * turn nor a commit grows with the queue, and a message is always in exactly one of them. What is published meanwhile
 * waits behind: see `SharedGroup.redeliveredFrom`. Section 4.8.2
 */
export class SharedRedelivery {
  readonly #context: RedeliveryContext
  /** Sessions in the order in which they began; each is done before the next. */
  readonly #running = new Map<Session, Redelivery>()
  /** A page is being moved, or waits for the commit of the one before. */
  #isBusy = false
  /** Moves the next page, unless a shutdown has begun: then the rest is for the next start of the broker. */
  readonly #onDurable = (): void => {
    if (!this.#context.isClosing) this.#movePage()
  }

  constructor(context: RedeliveryContext) {
    this.#context = context
  }

  /** Sessions that are over and still have what others are to get. */
  *remains(): Generator<Session> {
    for (const session of this.#running.keys()) if (session.isOver) yield session
  }

  /** Begins, or begins anew. At the end, which may be now, a session that is over is forgotten. */
  start(from: Session): void {
    const { outgoing } = from
    this.#running.delete(from)
    const isGivenUp = outgoing.shareOut((delivery) => this.#handOn(delivery, from))
    if (isGivenUp) this.#putRecord(from)
    if (outgoing.sharedBacklog?.isEmpty !== false) return this.#finish(from)
    this.#running.set(from, { cursor: new BacklogCursor(), lastSequence: outgoing.lastSequence })
    if (!this.#isBusy) this.#movePage()
    if (!this.#running.has(from)) return
    if (from.isOver) this.#context.persistence.renameEnded(from)
    if (from.connection === undefined) for (const group of from.sharedGroups()) group.redeliveredFrom = from
  }

  #movePage(): void {
    this.#isBusy = true
    let left = REDELIVERED_PER_TURN
    for (const [from, redelivery] of this.#running) {
      if (left <= 0) break
      left -= this.#moveFrom(from, redelivery, left)
      // An overflow may have ended a connection meanwhile, and so begun it anew.
      if (redelivery.cursor.isAtEnd && this.#running.get(from) === redelivery) this.#finish(from)
    }
    this.#isBusy = this.#running.size > 0
    if (this.#isBusy) this.#context.groupCommit?.afterCommit(this.#onDurable)
  }

  /**
   * Moves a part, and says how much of the budget it took. Deliveries that came since the last page do not count, or
   * there might be no end.
   */
  #moveFrom(from: Session, redelivery: Redelivery, budget: number): number {
    const { outgoing } = from
    const { cursor } = redelivery
    const added = outgoing.lastSequence - redelivery.lastSequence
    redelivery.lastSequence = outgoing.lastSequence
    if (!from.hasOtherMembers) cursor.isAtEnd = true
    if (cursor.isAtEnd) return 0
    try {
      const isTaken = (delivery: Delivery): boolean => this.#handOn(delivery, from)
      const shownBefore = cursor.shown
      if (outgoing.sharedBacklog?.offer(cursor, budget + added, isTaken)) this.#putRecord(from)
      return Math.max(0, cursor.shown - shownBefore - added)
    } catch (error) {
      // It is left where it is, also where the session is over: the next start of the broker tries again.
      this.#running.delete(from)
      this.#endGroups(from)
      if (from.isOver) this.#context.persistence.renameEnded(from)
      outgoing.onUnreadable(error)
      return 0
    }
  }

  /**
   * Others may take what was never sent, and QoS 1 that was not acknowledged. QoS 2 stays with the session that may
   * have seen it. [MQTT-4.8.2-5] A connected session gives up only what it has not begun, of a group that it left.
   */
  #handOn(delivery: Delivery, from: Session): boolean {
    const { group, qos, wasSent } = delivery
    if (group === undefined || (wasSent && (qos === 2 || from.connection !== undefined))) return false
    const isLeft = from.isOver || from.leftGroups.has(group.filter)
    if (!isLeft && from.connection !== undefined) return false
    return this.#context.router.handOn(delivery, from, isLeft)
  }

  #finish(from: Session): void {
    this.#running.delete(from)
    this.#endGroups(from)
    if (from.isOver) this.#context.sessions.forget(from)
  }

  #endGroups(from: Session): void {
    from.leftGroups.clear()
    for (const group of from.sharedGroups())
      if (group.redeliveredFrom === from) group.redeliveredFrom = undefined
  }

  /** Stores how many of its deliveries were sent, which is part of the record of a session that is away. */
  #putRecord(from: Session): void {
    // A session that is over and empty is about to be forgotten.
    if (from.isStored && !(from.isOver && from.outgoing.record.messages === 0))
      this.#context.persistence.putSession(from)
  }
}
