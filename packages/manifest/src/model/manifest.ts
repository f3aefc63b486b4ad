import type { ComponentName } from '@jamey/contracts'

/**
 * How a client proves who it is. `token`: a JWT that somebody who may signs. `secret`: one that the gateway issues for a
 * client secret. `certificate`: a client certificate whose common name is the client identifier.
 */
export type Proof = 'token' | 'secret' | 'certificate'

/** In the order in which they are told. */
export const PROOFS: readonly Proof[] = ['token', 'secret', 'certificate']

/** How much a client may do; absent: what the broker lets everybody do. */
export interface ClientLimits {
  readonly publishesPerSecond?: number
  readonly publishBytesPerSecond?: number
}

/** In the order in which they are told. */
export const CLIENT_LIMITS: readonly (keyof ClientLimits)[] = ['publishesPerSecond', 'publishBytesPerSecond']

/** Where a permission of a client comes from. */
export interface PermissionOrigin {
  /** The client's own list, that of a role, or what the component may of which the client is an instance. */
  readonly kind: 'client' | 'role' | 'component'
  /** Of the client, role or component. */
  readonly name: string
  /** In the file, from 1; undefined for a component that the file does not name. */
  readonly line: number | undefined
}

/** One who may connect. */
export interface ManifestClient {
  readonly clientId: string
  /** Of which component of ours it is an instance; absent for a client of the user's. */
  readonly component: ComponentName | undefined
  /** One of these is enough. */
  readonly proofs: readonly Proof[]
  /** As `Permissions` of `@jamey/auth` reads them, its own and those of its roles, each once; `%c` is left as it is. */
  readonly permissions: readonly string[]
  /** For each of `permissions`, where it stands first; absent where no file was read. */
  readonly origins?: readonly PermissionOrigin[]
  readonly limits: ClientLimits
}

/** Who may connect, and what each may do. Whoever is not in it may nothing. */
export interface Manifest {
  /** As it was named; absent where none was. */
  readonly fileName?: string
  /** In the order of the file: our components first. */
  readonly clients: readonly ManifestClient[]
}
