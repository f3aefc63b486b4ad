import type { ComponentName } from '@jamey/contracts'

/**
 * How a client proves who it is. `token`: a JWT that somebody who may signs. `secret`: one that the gateway issues for a
 * client secret. `certificate`: a client certificate whose common name is the client identifier.
 */
export type Proof = 'token' | 'secret' | 'certificate'

/** Proofs in the order in which they are told. */
export const PROOFS: readonly Proof[] = ['token', 'secret', 'certificate']

/** Bounds for one client; absent ones are those that the broker sets for everybody. */
export interface ClientLimits {
  readonly publishesPerSecond?: number
  readonly publishBytesPerSecond?: number
}

/** Limits in the order in which they are told. */
export const CLIENT_LIMITS: readonly (keyof ClientLimits)[] = ['publishesPerSecond', 'publishBytesPerSecond']

/** The source of a permission of a client. */
export interface PermissionOrigin {
  /** The client's own list, that of a role, or what the component may of which the client is an instance. */
  readonly kind: 'client' | 'role' | 'component'
  /** Name of the client, role or component. */
  readonly name: string
  /** Line in the file, from 1; undefined for a component that the file does not name. */
  readonly line: number | undefined
}

/** A client that may connect. */
export interface ManifestClient {
  readonly clientId: string
  /** The component of ours of which it is an instance; absent for a client of the user's. */
  readonly component: ComponentName | undefined
  /** Proofs, of which one is enough. */
  readonly proofs: readonly Proof[]
  /**
   * Entries as `Permissions` of `@jamey/auth` reads them, its own and those of its roles, each once; `%c` is left as it
   * is.
   */
  readonly permissions: readonly string[]
  /** The first place of each of `permissions`; absent where no file was read. */
  readonly origins?: readonly PermissionOrigin[]
  readonly limits: ClientLimits
}

/** All clients that may connect, and what each may do. A client that is not in it may do nothing. */
export interface Manifest {
  /** Name under which it was read; absent where there was none. */
  readonly fileName?: string
  /** Clients in the order of the file, our components first. */
  readonly clients: readonly ManifestClient[]
}
