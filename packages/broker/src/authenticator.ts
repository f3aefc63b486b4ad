import type { ProtocolVersion } from '@jamey/protocol'

/** What a client showed of itself in CONNECT, or in AUTH when it renews. */
export interface AuthenticationRequest {
  /** Never empty: the assigned one where the client sent none. */
  clientId: string
  username?: string | undefined
  password?: Uint8Array | undefined
  /** MQTT 5.0 enhanced authentication, section 4.12. */
  authenticationMethod?: string | undefined
  authenticationData?: Uint8Array | undefined
  /** Present only where the client showed a certificate that the listener's `ca` vouches for. */
  certificate?: { commonName: string } | undefined
  remoteAddress: string
  protocolVersion: ProtocolVersion
  /** The connection stands already and renews its identity by AUTH. [MQTT-4.12.1-1] */
  isRenewal?: boolean
}

/** Who a connection is and what it may do. The three functions must be quick and must not throw. */
export interface Identity {
  username: string
  /** Milliseconds since 1970 at which the connection ends unless AUTH renewed it; absent: never. */
  expiresAtMs?: number | undefined
  mayPublish(topic: string): boolean
  /** `filter` without its `$share/<group>/`. */
  maySubscribe(filter: string): boolean
  /** Asked once for a topic and identity, then remembered until subscriptions or identities change. */
  mayReceive(topic: string): boolean
}

export interface Authenticator {
  /** Rejects to refuse: with `AuthenticationRefused`, or any error that carries a `reasonCode` of CONNACK. */
  authenticate(request: AuthenticationRequest): Promise<Identity>
}

/** Lets everybody do everything. For conformance suites and load tests; never where others can connect. */
export function insecureAuthenticator(): Authenticator {
  return {
    authenticate: async ({ username, clientId }) => ({
      username: username ?? clientId,
      mayPublish: () => true,
      maySubscribe: () => true,
      mayReceive: () => true,
    }),
  }
}
