import type { ComponentName } from '@jamey/contracts'

/**
 * How a client proves who it is. `token`: a JWT that somebody who may signs. `secret`: one that the gateway issues for a
 * client secret. `certificate`: a client certificate whose common name is the client identifier.
 */
export type Proof = 'token' | 'secret' | 'certificate'

/** How much a client may do; absent: what the broker lets everybody do. */
export interface ClientLimits {
  readonly publishesPerSecond?: number
  readonly publishBytesPerSecond?: number
}

/** One who may connect. */
export interface ManifestClient {
  readonly clientId: string
  /** Of which component of ours it is an instance; absent for a client of the user's. */
  readonly component: ComponentName | undefined
  readonly proofs: readonly Proof[]
  /** As `Permissions` of `@jamey/auth` reads them, its own and those of its roles; `%c` is left as it is. */
  readonly permissions: readonly string[]
  readonly limits: ClientLimits
}

/** Who may connect, and what each may do. Whoever is not in it may nothing. */
export interface Manifest {
  /** In the order of the file: our components first. */
  readonly clients: readonly ManifestClient[]
}
