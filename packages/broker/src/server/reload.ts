import { ReasonCode } from '@jamey/protocol'
import type { Listener } from '../listeners/listener.js'
import type { ListenerTls } from '../listeners/listener-tls.js'
import type { Authenticator, Identity } from '../ports/authenticator.js'
import type { Refusal } from '../ports/hooks.js'
import type { Revise } from '../ports/revise.js'
import type { Session } from '../sessions/session.js'
import { BrokerError } from '../support/errors.js'
import { type Limits, resolveLimits } from '../support/limits.js'
import type { Core } from './core.js'

/** The options that can change while the broker runs; those that are absent stay. */
export interface ReloadOptions {
  /**
   * All of them: a limit that is not among these has its default. They bound what comes from now on and end nothing
   * that is there. A connection keeps what its CONNACK announced (`receiveMaximum`, `packetBytes`, `topicAliases`,
   * `keepAliveSeconds`), and `controlPacketBytes`, `inFlight` and `sessionExpirySeconds` as they were when it came.
   */
  readonly limits?: Partial<Limits> | undefined
  /**
   * Certificates, keys and authorities for the handshakes to come, one per listener in their order; `undefined` leaves
   * a listener as it is. Whether client certificates are asked for cannot change.
   */
  readonly tls?: readonly (ListenerTls | undefined)[] | undefined
  /** Asked from now on, at CONNECT and at renewals. */
  readonly authenticator?: Authenticator | undefined
  /**
   * Asked at once about everybody whose identity is known, connected or not, and later about those whose authentication
   * is under way. A refusal ends the connection with its reason code.
   */
  readonly revise?: Revise | undefined
}

/** Changes everything, or throws `BrokerError` and has changed nothing. */
export function reload(core: Core, listeners: readonly Listener[], options: ReloadOptions): void {
  const { tls = [], authenticator, revise } = options
  const limits = options.limits === undefined ? core.limits : resolveLimits(options.limits)
  if (tls.length > listeners.length) {
    const found = `got ${tls.length} entries; expected one per listener, of which there are ${listeners.length}`
    throw new BrokerError('reload-invalid', `reload tls: ${found}`)
  }
  const contexts = tls.map((entry, i) => entry && (listeners[i] as Listener).contextOf(entry))
  const revisions = revise === undefined ? [] : revisionsOf(core, revise)
  core.limits = options.limits === undefined ? limits : core.fitted(limits)
  core.connectionLimiter.limits = core.limits
  core.router.routes.maximum = limits.routedTopics
  for (const [i, listener] of listeners.entries()) listener.reload(contexts[i])
  if (authenticator !== undefined) core.authenticator = authenticator
  if (revise !== undefined) core.revise = revise
  for (const [session, outcome] of revisions) apply(core, session, outcome)
  for (const connection of core.connections) {
    const identity = connection.session?.identity
    // The limit of topic levels is remembered with the permissions, so they are asked anew.
    if (identity !== undefined) connection.useIdentity(identity)
  }
}

function revisionsOf(core: Core, revise: Revise): (readonly [Session, Identity | Refusal])[] {
  return [...core.sessions.values()].flatMap((session) => {
    if (session.identity === undefined) return []
    const outcome = revise(session.identity, session.clientId)
    return outcome === session.identity ? [] : [[session, outcome] as const]
  })
}

function apply(core: Core, session: Session, outcome: Identity | Refusal): void {
  if (!('refuse' in outcome)) return core.sessions.renew(session, outcome)
  // Messages that wait for it are kept from it until it is somebody again.
  core.sessions.renew(session, nobody(session.username))
  const reasonCode = outcome.refuse >= 0x80 ? outcome.refuse : ReasonCode.notAuthorized
  session.connection?.end(reasonCode, outcome.reason ?? 'not allowed any more')
}

function nobody(username: string): Identity {
  const no = (): boolean => false
  // An identity without a list of permissions is like no other, so all is asked anew when the client is back.
  return { username, mayPublish: no, maySubscribe: no, mayReceive: no }
}
