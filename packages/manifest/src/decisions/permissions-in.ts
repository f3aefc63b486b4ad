import { readManifestFile } from '../reading/manifest-file.js'
import { permissionsOf } from './permissions-of.js'

/**
 * What the manifest in this file lists for a client, for a program that checks itself before it sends; undefined: it is
 * not in there, and may not connect. Throws `ManifestError` where the file cannot be used.
 */
export function permissionsIn(path: string, clientId: string): readonly string[] | undefined {
  return permissionsOf(readManifestFile(path), clientId)?.list
}
