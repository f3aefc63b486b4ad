export const BROKERS = ['emqx', 'vernemq', 'rabbitmq'] as const
export type BrokerName = (typeof BROKERS)[number]

/** The proof of a client when it connected: enough to decide about all that it does on this connection. */
export interface Grant {
  readonly broker: BrokerName
  /** VerneMQ's mountpoint; '' elsewhere. */
  readonly scope: string
  readonly clientId: string
  /** Permissions of its token; undefined where a certificate was the proof: then the manifest alone says them. */
  readonly permissions: readonly string[] | undefined
  /** Milliseconds since 1970; undefined where a certificate was the proof. */
  readonly expiresAtMs: number | undefined
  /** The token's `jti`, where it has one. */
  readonly tokenId: string | undefined
}
