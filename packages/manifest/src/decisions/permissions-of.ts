import { Permissions } from '@jamey/auth'
import type { Manifest, ManifestClient } from '../model/manifest.js'

/** A manifest is never changed, so each has its clients found once. */
const INDEXES = new WeakMap<Manifest, ReadonlyMap<string, ManifestClient>>()
const PERMISSIONS = new WeakMap<ManifestClient, Permissions>()

/** The client of this identifier; undefined: it is not in the manifest, and may not connect. */
export function clientOf(manifest: Manifest, clientId: string): ManifestClient | undefined {
  let index = INDEXES.get(manifest)
  if (index === undefined) {
    index = new Map(manifest.clients.map((client) => [client.clientId, client]))
    INDEXES.set(manifest, index)
  }
  return index.get(clientId)
}

/**
 * The permissions of a client; undefined: it is not in the manifest, and may not connect. The same object for each
 * call.
 */
export function permissionsOf(manifest: Manifest, clientId: string): Permissions | undefined {
  const client = clientOf(manifest, clientId)
  if (client === undefined) return undefined
  const known = PERMISSIONS.get(client)
  if (known !== undefined) return known
  const permissions = new Permissions(client.permissions, client)
  PERMISSIONS.set(client, permissions)
  return permissions
}
