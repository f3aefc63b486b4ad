import { type Connect, ReasonCode } from '@jamey/protocol'
import { decideAlike, type Identity } from '../ports/authenticator.js'
import { ConnectionFault } from '../support/errors.js'
import type { ClientLink } from './client-link.js'
import { NEVER_EXPIRES, Session, type SessionContext } from './session.js'
import type { Wills } from './wills.js'

/** The ways in which a connection ends; they decide about its will. */
export type Ending = 'normal' | 'abnormal' | 'shutdown'

interface SessionsContext extends SessionContext {
  readonly wills: Wills
}

/** All sessions by client identifier, and the rules for connections that come and go. */
export class SessionRegistry {
  readonly #context: SessionsContext
  readonly #sessions = new Map<string, Session>()
  #connected = 0

  constructor(context: SessionsContext) {
    this.#context = context
  }

  get size(): number {
    return this.#sessions.size
  }

  get connected(): number {
    return this.#connected
  }

  values(): IterableIterator<Session> {
    return this.#sessions.values()
  }

  get(clientId: string): Session | undefined {
    return this.#sessions.get(clientId)
  }

  /** Gives the connection its session, taking over or discarding the one that was there. */
  attach(
    connection: ClientLink,
    connect: Connect,
    clientId: string,
    identity: Identity,
    expirySeconds: number,
  ): { session: Session; isPresent: boolean } {
    const { counters, limits, persistence } = this.#context
    const other = this.#sessions.get(clientId)
    if (other !== undefined && other.username !== identity.username) {
      // Otherwise one user could end, or read, the session of another.
      throw new ConnectionFault(
        ReasonCode.clientIdentifierNotValid,
        'the client identifier belongs to another user',
      )
    }
    if (other?.connection !== undefined) {
      counters.sessionsTakenOver++
      other.connection.end(ReasonCode.sessionTakenOver, 'the same client identifier connected again')
    }
    // The take-over ended a session that was not to outlive its connection.
    const existing = this.#sessions.get(clientId)
    if (existing !== undefined && connect.cleanStart) this.end(existing)
    const isPresent = existing !== undefined && !connect.cleanStart
    if (!isPresent && this.#sessions.size >= limits.sessions) {
      throw new ConnectionFault(ReasonCode.quotaExceeded, 'the server holds as many sessions as it may')
    }
    const session = isPresent
      ? existing
      : new Session(this.#context, clientId, identity.username, connect.protocolVersion)
    this.#sessions.set(clientId, session)
    session.expiry.clear()
    session.willDelay.clear()
    session.version = connect.protocolVersion
    session.expirySeconds = expirySeconds
    session.disconnectedAtMs = undefined
    session.takenBefore = session.incoming.size > 0 ? new Set(session.incoming) : undefined
    session.will = connect.will && { ...connect.will, payload: Buffer.from(connect.will.payload) }
    this.#identify(session, identity)
    session.connection = connection
    session.isResumed = isPresent
    session.outgoing.capacity.onConnection()
    session.outgoing.quota = Math.min(connect.properties?.receiveMaximum ?? 65_535, limits.inFlight)
    this.#connected++
    counters.connectionsPassed++
    if (this.#connected > counters.connectionsMaximum) counters.connectionsMaximum = this.#connected
    persistence.putSession(session)
    return { session, isPresent }
  }

  /** The identity was renewed in place. */
  renew(session: Session, identity: Identity): void {
    if (this.#identify(session, identity)) session.outgoing.dropDenied()
  }

  /**
   * Gives the session an identity; true where what it may receive can be another than before, and must be found out
   * anew.
   */
  #identify(session: Session, identity: Identity): boolean {
    const isNews = !decideAlike(session.identity, identity)
    session.identity = identity
    if (isNews && session.subscriptions.size > 0) this.#context.router.routes.forgetAll()
    return isNews
  }

  /** The connection has ended; the session goes with it, or waits. */
  detach(session: Session, ending: Ending): void {
    session.connection = undefined
    session.outgoing.capacity.onConnection()
    this.#connected--
    // At a shutdown, the next start of the broker publishes the will of a session that is stored.
    if (ending === 'normal' || (ending === 'shutdown' && !session.isStored)) session.will = undefined
    const now = this.#context.clock.now()
    session.disconnectedAtMs = now
    if (ending !== 'shutdown' && session.will !== undefined) {
      const delaySeconds = session.will.properties?.willDelayInterval ?? 0
      if (delaySeconds === 0 || session.expirySeconds === 0) this.#context.wills.publish(session)
      else session.willDelay.set(now + delaySeconds * 1000)
    }
    if (session.expirySeconds === 0 && (ending !== 'shutdown' || !session.isStored)) return this.end(session)
    if (session.expirySeconds !== NEVER_EXPIRES) session.expiry.set(now + session.expirySeconds * 1000)
    this.#context.persistence.putSession(session)
    if (session.isStored) session.outgoing.unload()
    // Connected members of its groups are sent what they may have. [MQTT-4.8.2-4]
    this.#context.sharedRedelivery.start(session)
  }

  expire(session: Session): void {
    this.#context.counters.sessionsExpired++
    this.end(session)
  }

  /** The will is published, and the store forgets it in the same commit: it is published once. [MQTT-3.1.2-10] */
  endWillDelay(session: Session): void {
    this.#context.wills.publish(session)
    this.#context.persistence.putSession(session)
  }

  /** The session is over: a waiting will is due, subscriptions go, shared messages go to other members. */
  end(session: Session): void {
    session.expiry.clear()
    if (this.#sessions.get(session.clientId) === session) this.#sessions.delete(session.clientId)
    this.#context.wills.publish(session)
    this.#context.router.removeAll(session)
    if (session.isStored) session.outgoing.unload()
    session.isOver = true
    // Where the next start of the broker still finds it in the store, it ends at once.
    session.expirySeconds = 0
    this.#context.sharedRedelivery.start(session)
  }

  /** Nothing of a session that is over is left to do. */
  forget(session: Session): void {
    session.subscriptions.clear()
    session.outgoing.discard()
    this.#context.expirySweep.forget(session.outgoing)
    this.#context.persistence.removeSession(session)
  }

  /** Takes up a session of an earlier life of the broker. */
  restore(session: Session): void {
    this.#sessions.set(session.clientId, session)
    const { disconnectedAtMs = this.#context.clock.now() } = session
    if (session.expirySeconds !== NEVER_EXPIRES) {
      session.expiry.set(disconnectedAtMs + session.expirySeconds * 1000)
    }
    const delaySeconds = session.will?.properties?.willDelayInterval ?? 0
    if (session.will !== undefined) session.willDelay.set(disconnectedAtMs + delaySeconds * 1000)
  }

  /** Stops every timer; nothing is published or forgotten. */
  stop(): void {
    this.#context.expirySweep.stop()
    for (const session of this.#sessions.values()) {
      session.expiry.clear()
      session.willDelay.clear()
    }
  }
}
