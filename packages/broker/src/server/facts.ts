import type { ProtocolVersion, QoS } from '@jamey/protocol'
import { NEVER_EXPIRES } from '../sessions/session.js'
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

/** A session as it is kept for a client identifier, connected or not. */
export interface SessionFacts {
  readonly clientId: string
  readonly username: string
  /** Version of its last connection. */
  readonly protocolVersion: ProtocolVersion
  readonly isConnected: boolean
  /** Milliseconds since 1970; undefined while it is connected. */
  readonly disconnectedAtMs: number | undefined
  /** Seconds that it stays without a connection; infinity for ever. */
  readonly sessionExpirySeconds: number
  readonly subscriptions: readonly { readonly filter: string; readonly qos: QoS }[]
  readonly inFlight: number
  readonly queued: number
  /** Bytes of messages queued and in flight, an estimate of their memory if all of it were there. */
  readonly queuedBytes: number
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
export function* sessionsOf({ sessions, clock }: Core): Generator<SessionFacts, void, undefined> {
  for (const session of sessions.values()) {
    const { clientId, username, version, disconnectedAtMs, expirySeconds, outgoing } = session
    const { inFlight, queued, bytes } = outgoing
    yield {
      clientId,
      username,
      protocolVersion: version,
      isConnected: session.connection !== undefined,
      disconnectedAtMs:
        disconnectedAtMs === undefined ? undefined : clock.timeOfDay() - (clock.now() - disconnectedAtMs),
      sessionExpirySeconds: expirySeconds === NEVER_EXPIRES ? Number.POSITIVE_INFINITY : expirySeconds,
      subscriptions: [...session.subscriptions.values()].map(({ filter, qos }) => ({ filter, qos })),
      inFlight,
      queued,
      queuedBytes: bytes,
    }
  }
}
