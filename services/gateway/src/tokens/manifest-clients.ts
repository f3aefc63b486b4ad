import type { ClientEntry } from '@jamey/auth'
import { clientOf, type LiveManifest, type Proof } from '@jamey/manifest'
import type { TokenClients } from './token-issuer.js'

/**
 * Clients that get what a manifest says: one that it names, by a proof that it has the client use. Secrets stand where
 * they always stand, and a certificate is enough without an entry there.
 */
export class ManifestClients implements TokenClients {
  readonly #manifest: Pick<LiveManifest, 'current'>
  readonly #clients: TokenClients | undefined

  constructor(manifest: Pick<LiveManifest, 'current'>, clients: TokenClients | undefined) {
    this.#manifest = manifest
    this.#clients = clients
  }

  async authenticate(clientId: string, secret: string): Promise<ClientEntry | undefined> {
    const entry = await this.#clients?.authenticate(clientId, secret)
    return entry && this.#withPermissions(entry, 'secret')
  }

  async certified(clientId: string): Promise<ClientEntry | undefined> {
    const entry = await this.#clients?.certified(clientId)
    return this.#withPermissions(
      entry ?? { clientId, permissions: [], lifetimeSeconds: undefined, secrets: [] },
      'certificate',
    )
  }

  #withPermissions(entry: ClientEntry, proof: Proof): ClientEntry | undefined {
    const client = clientOf(this.#manifest.current, entry.clientId)
    return client?.proofs.includes(proof) ? { ...entry, permissions: client.permissions } : undefined
  }
}
