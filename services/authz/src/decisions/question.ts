import type { BrokerName, Grant } from './grant.js'

/** The connection that a question is about, as the broker tells it. */
export interface Asker {
  readonly broker: BrokerName
  /** Name that keeps equal client identifiers of one broker apart: VerneMQ's mountpoint; '' elsewhere. */
  readonly scope: string
  readonly clientId: string | undefined
  readonly username: string | undefined
}

/** A client wants to connect, or brings its next token. */
export interface ConnectQuestion extends Asker {
  readonly kind: 'connect'
  readonly token: string | undefined
  /** The common name of the client certificate that the broker verified. */
  readonly certificateName: string | undefined
  /** The client's, for the limit of failures; undefined where the broker does not tell it. */
  readonly address: string | undefined
  /** The user name may be missing, since the token comes by the authentication method. */
  readonly isByMethod: boolean
}

interface ConnectedAsker extends Asker {
  /** The grant that the broker was given when the client connected and brings back; undefined where it carries none. */
  readonly sealedGrant?: string | undefined
}

export interface PublishQuestion extends ConnectedAsker {
  readonly kind: 'publish'
  readonly topic: string
}

/** The whole of a SUBSCRIBE: it is allowed as a whole or not at all. */
export interface SubscribeQuestion extends ConnectedAsker {
  readonly kind: 'subscribe'
  readonly filters: readonly string[]
}

/** Asks whether the client is connected, and may still be. */
export interface PresenceQuestion extends ConnectedAsker {
  readonly kind: 'presence'
}

export type Question = ConnectQuestion | PublishQuestion | SubscribeQuestion | PresenceQuestion

/**
 * Why a decision was made. They are labels of a metric, so there are few, and no word of a client is among them.
 * `unknown-connection`: nothing is known of the connection, so that the client has to connect again.
 * `foreign-inbox`: the filter also selects answers to other clients, which the broker would deliver.
 */
export const REASONS = [
  'granted',
  'client-id',
  'user-name',
  'certificate-name',
  'token-missing',
  'token-invalid',
  'token-expired',
  'token-of-another',
  'keys-unavailable',
  'denied',
  'not-in-manifest',
  'proof',
  'too-many-failures',
  'unknown-connection',
  'topic',
  'foreign-inbox',
  'resource',
  'malformed',
  'overloaded',
  'internal',
] as const
export type Reason = (typeof REASONS)[number]

interface Allowed {
  readonly isAllowed: true
  readonly reason: 'granted'
  readonly grant: Grant
}

export interface Refused {
  readonly isAllowed: false
  readonly reason: Exclude<Reason, 'granted'>
  /** A sentence for the log, without anything secret. */
  readonly message: string
}

export type Decision = Allowed | Refused

export function refused(reason: Refused['reason'], message: string): Refused {
  return { isAllowed: false, reason, message }
}
