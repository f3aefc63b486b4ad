import { OwnershipError, readOwnFile } from '@jamey/auth'
import type { Manifest } from '../model/manifest.js'
import { ManifestError } from './manifest-error.js'
import { MAXIMUM_MANIFEST_CHARACTERS, readManifest } from './read-manifest.js'

/** Bytes of a character in UTF-8, at the most. */
const MAXIMUM_BYTES_PER_CHARACTER = 3

/**
 * The manifest in a file that nobody else can have written; `fileName` is what faults call it. Throws `ManifestError`,
 * of the code 'manifest-unreadable' where the file itself is at fault.
 */
export function readManifestFile(path: string, fileName = path): Manifest {
  return readManifest(readManifestText(path, fileName), fileName)
}

/** The text of such a file. Throws `ManifestError` 'manifest-unreadable'. */
export function readManifestText(path: string, fileName: string): string {
  try {
    return readOwnFile(path, { maximumBytes: MAXIMUM_MANIFEST_CHARACTERS * MAXIMUM_BYTES_PER_CHARACTER })
  } catch (error) {
    const expected = 'a manifest (permissions.yaml)'
    throw new ManifestError('manifest-unreadable', [
      { fileName, line: 1, column: 1, field: '', found: whyUnreadable(error), expected },
    ])
  }
}

function whyUnreadable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'no file'
  const isTold = error instanceof OwnershipError || code === 'EFBIG'
  return isTold ? message : `a file that cannot be read (${code ?? message})`
}
