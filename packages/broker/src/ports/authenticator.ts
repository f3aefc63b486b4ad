import { type ProtocolVersion, ReasonCode } from '@jamey/protocol'
import { AuthenticationRefused } from '../support/errors.js'
import type { Limits } from '../support/limits.js'

/** Facts of a certificate that was verified. */
export interface ClientCertificate {
  readonly commonName: string
  /** The whole of it, DER. */
  readonly raw?: Uint8Array | undefined
}

/** The proofs that a client gave in CONNECT, or in AUTH when it renews. */
export interface AuthenticationRequest {
  /** Never empty: the assigned identifier where the client sent none. */
  clientId: string
  username?: string | undefined
  password?: Uint8Array | undefined
  /** MQTT 5.0 enhanced authentication, section 4.12. */
  authenticationMethod?: string | undefined
  authenticationData?: Uint8Array | undefined
  /** Present only where the client showed a certificate that the listener's `ca` vouches for. */
  certificate?: ClientCertificate | undefined
  remoteAddress: string
  protocolVersion: ProtocolVersion
  /** The connection stands already and renews its identity by AUTH. [MQTT-4.12.1-1] */
  isRenewal?: boolean
}

/**
 * Who a connection is and what it may do. The three functions must be quick and must not throw.
 *
 * A PUBLISH, or a will, that names a Response Topic needs `mayPublish` for its topic, and both `mayReceive` and
 * `maySubscribe` for the Response Topic: one can ask only for answers that one could get. Otherwise whoever answers
 * would lend its permissions to whoever asks.
 *
 * A will is allowed or refused with its CONNECT, and again when it is published if AUTH changed the identity in
 * between. It is published even when the credentials have expired by then, as the standard wants of every will that
 * no DISCONNECT and no new connection has deleted [MQTT-3.1.2-8]: it was said while they were valid, like a message
 * that waits in a queue, and for most clients it says that they are gone.
 */
export interface Identity {
  username: string
  /** Milliseconds since 1970 at which the connection ends unless AUTH renewed it; absent: never. */
  expiresAtMs?: number | undefined
  /**
   * What the three functions decide by. Where the entries are the same after a renewal or a reconnect, the functions
   * decide as before, and nothing that was remembered about them is forgotten.
   */
  permissions?: { readonly list: readonly string[] } | undefined
  /** The last word to a client that named an authentication method, in CONNACK or AUTH. */
  authenticationData?: Uint8Array | undefined
  /** Clients whose requests it may pass on in their name: client identifiers, `+` for anybody. Absent: nobody's. */
  actsFor?: readonly string[] | undefined
  /**
   * Whose messages it may relay, as a bridge from another broker does: client identifiers, `+` for anybody's. Where one
   * of those is named as its `jamey-sender`, a message is that one's. Absent: nobody's.
   */
  relays?: readonly string[] | undefined
  /** Rates at which it may publish, in the place of the limits of these names that bound everybody; 0: no bound. */
  limits?: Partial<Pick<Limits, 'publishesPerSecond' | 'publishBytesPerSecond'>> | undefined
  mayPublish(topic: string): boolean
  /** `filter` as sent: to be in a share group, `$share/<group>/<filter>`, is a right of its own. */
  maySubscribe(filter: string): boolean
  /** Asked once for a topic and identity, then remembered until subscriptions or identities change. */
  mayReceive(topic: string): boolean
}

/** True where both are known to decide alike. */
export function decideAlike(one: Identity | undefined, other: Identity): boolean {
  if (one === other) return true
  const before = one?.permissions?.list
  const after = other.permissions?.list
  if (before === undefined || after === undefined || before.length !== after.length) return false
  return one?.username === other.username && before.every((entry, i) => entry === after[i])
}

/** One more step before there is an identity, for clients that named an authentication method. */
export interface Challenge {
  /** Bytes for the client, sent with the method of its CONNECT. */
  readonly authenticationData?: Uint8Array | undefined
  /**
   * Gets the same request, now with the `authenticationData` that the client answered. Refuses as `authenticate` does.
   */
  answer(request: AuthenticationRequest): Promise<Identity | Challenge>
}

export interface Authenticator {
  /**
   * Rejects to refuse: with `AuthenticationRefused`, or any error that carries a `reasonCode` of CONNACK. A method
   * that it does not know is to be refused with 0x8C. [MQTT-4.12.0-1]
   */
  authenticate(request: AuthenticationRequest): Promise<Identity | Challenge>
}

/** Lets everybody do everything. For conformance suites and load tests; never where others can connect. */
export function insecureAuthenticator(): Authenticator {
  return {
    authenticate: async ({ username, clientId, authenticationMethod }) => {
      // It has none, and the code says all there is to say. [MQTT-4.12.0-1]
      if (authenticationMethod !== undefined)
        throw new AuthenticationRefused('', ReasonCode.badAuthenticationMethod)
      return {
        username: username ?? clientId,
        actsFor: ['+'],
        mayPublish: () => true,
        maySubscribe: () => true,
        mayReceive: () => true,
      }
    },
  }
}
