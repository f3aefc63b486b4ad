import { Permissions } from '@jamey/auth'
import type { Manifest, ManifestClient } from '@jamey/manifest'

/** A manifest, asked by client: what it lists bounds what any token may say. */
export class Ceiling {
  readonly #clients: ReadonlyMap<string, ManifestClient>
  readonly #permissions = new Map<string, Permissions>()

  /** Throws `PermissionListError` for a manifest whose permissions cannot be read. */
  constructor({ clients }: Manifest) {
    this.#clients = new Map(clients.map((client) => [client.clientId, client]))
    for (const { clientId, permissions } of clients) {
      this.#permissions.set(clientId, new Permissions(permissions, { clientId }))
    }
  }

  permissionsOf(clientId: string): Permissions | undefined {
    return this.#permissions.get(clientId)
  }

  takesTokensOf(clientId: string): boolean {
    const proofs = this.#clients.get(clientId)?.proofs ?? []
    return proofs.includes('token') || proofs.includes('secret')
  }

  takesCertificatesOf(clientId: string): boolean {
    return this.#clients.get(clientId)?.proofs.includes('certificate') ?? false
  }
}
