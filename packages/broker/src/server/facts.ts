import type { ProtocolVersion, QoS } from '@jamey/protocol'
import { NEVER_EXPIRES, type Session } from '../sessions/session.js'
import type { DropCounts } from '../support/drop-counts.js'
import type { Core } from './core.js'

/** A client that is connected, as things stood when it was asked for. */
export interface ClientFacts {
  readonly clientId: string
  readonly username: string
  readonly remoteAddress: string
  /** 3 is MQTT 3.1, 4 is MQTT 3.1.1, 5 is MQTT 5.0. */
  readonly protocolVersion: ProtocolVersion
  /** Milliseconds since 1970. */
  readonly connectedAtMs: number
  /** The Keep Alive that holds: the client's own, or the one it was told in its place; 0 for none. */
  readonly keepAliveSeconds: number
  /** Messages of QoS 1 and 2 that it was sent and has not acknowledged. */
  readonly inFlight: number
  /** Number of messages that wait to be sent. */
  readonly queued: number
}

/** The connection of a session. */
export interface ConnectionFacts {
  readonly remoteAddress: string
  /** Milliseconds since 1970. */
  readonly connectedAtMs: number
  /** 0 for none. */
  readonly keepAliveSeconds: number
  /** PUBLISH packets that came from it, and that it was sent. */
  readonly publishesReceived: number
  readonly publishesSent: number
  /** Of both directions, since somebody asked before; the first time since it connected. */
  readonly publishesPerSecond: number
}

/** A session as it is kept for a client identifier, connected or not. */
export interface SessionFacts {
  readonly clientId: string
  readonly username: string
  /** Version of its last connection. */
  readonly protocolVersion: ProtocolVersion
  readonly isConnected: boolean
  /** Undefined while it is not connected. */
  readonly connection: ConnectionFacts | undefined
  /** Milliseconds since 1970; undefined while it is connected. */
  readonly disconnectedAtMs: number | undefined
  /** Seconds that it stays without a connection; infinity for ever. */
  readonly sessionExpirySeconds: number
  /** The filter as it was sent, `$share/<group>/` included. */
  readonly subscriptions: readonly { readonly filter: string; readonly qos: QoS }[]
  /** What its last identity decides by; undefined where nobody told, or after a restart until it is back. */
  readonly permissions: readonly string[] | undefined
  /** Milliseconds since 1970 at which its identity ends; undefined where that is never, or not known. */
  readonly expiresAtMs: number | undefined
  readonly inFlight: number
  readonly queued: number
  /** Bytes of messages queued and in flight, an estimate of their memory if all of it were there. */
  readonly queuedBytes: number
  /** Milliseconds since 1970 from which on something has waited without a break; undefined while nothing does. */
  readonly waitingSinceMs: number | undefined
  /** Messages that it was to get and did not, by reason as `BrokerHooks.onDropped` has it. */
  readonly drops: DropCounts
}

/** Facts are made one by one; clients that come or go meanwhile may be among them or not. */
export function* clientsOf({ connections }: Core): Generator<ClientFacts, void, undefined> {
  for (const { session, remoteAddress, version, connectedAtMs, keepAliveSeconds } of connections) {
    if (session === undefined) continue
    const { clientId, username, outgoing } = session
    const { inFlight, queued } = outgoing
    yield {
      clientId,
      username,
      remoteAddress,
      protocolVersion: version,
      connectedAtMs,
      keepAliveSeconds,
      inFlight,
      queued,
    }
  }
}

/** Facts about sessions, made one by one as in `clientsOf`. Nothing is read from the store. */
export function* sessionsOf(core: Core): Generator<SessionFacts, void, undefined> {
  for (const session of core.sessions.values()) yield sessionFactsOf(core, session)
}

/** Facts about one session. */
export function sessionFactsOf({ clock }: Pick<Core, 'clock'>, session: Session): SessionFacts {
  const { clientId, username, version, disconnectedAtMs, expirySeconds, outgoing, identity, drops } = session
  const { inFlight, queued, bytes, isWaiting, waitingSinceMs } = outgoing
  const dated = (atMs: number | undefined): number | undefined =>
    atMs === undefined ? undefined : clock.timeOfDay() - (clock.now() - atMs)
  return {
    clientId,
    username,
    protocolVersion: version,
    isConnected: session.connection !== undefined,
    connection: connectionFactsOf(session),
    disconnectedAtMs: dated(disconnectedAtMs),
    sessionExpirySeconds: expirySeconds === NEVER_EXPIRES ? Number.POSITIVE_INFINITY : expirySeconds,
    subscriptions: [...session.subscriptions.values()].map(({ filter, qos }) => ({ filter, qos })),
    permissions: identity?.permissions?.list,
    expiresAtMs: identity?.expiresAtMs,
    inFlight,
    queued,
    queuedBytes: bytes,
    waitingSinceMs: dated(isWaiting ? waitingSinceMs : undefined),
    drops: { ...drops },
  }
}

function connectionFactsOf({ connection }: Session): ConnectionFacts | undefined {
  if (connection === undefined) return undefined
  const { remoteAddress, connectedAtMs, keepAliveSeconds, publishesReceived } = connection.facts
  const { publishesSent } = connection
  const publishesPerSecond = connection.publishesPerSecond()
  return {
    remoteAddress,
    connectedAtMs,
    keepAliveSeconds,
    publishesReceived,
    publishesSent,
    publishesPerSecond,
  }
}
