import { randomBytes } from 'node:crypto'
import { link, open, rename, unlink } from 'node:fs/promises'
import { OwnershipError } from '../support/errors.js'
import { isOpenSecret, ownPath } from './own-files.js'

/** More bytes than any key, certificate or secret takes. */
const MAXIMUM_BYTES = 65_536

/** The file at a path, as it was found. `exposed`: others than the owner have rights on it, `mode` tells which. */
export type FileFinding =
  | { readonly status: 'read'; readonly text: string }
  | { readonly status: 'missing' }
  | { readonly status: 'exposed'; readonly mode: string }
  | { readonly status: 'unreadable'; readonly fault: string }

/**
 * Reads a small text file that only this user or root can have put there; with `isSecret` only one that its owner alone
 * can read. Throws `OwnershipError`.
 */
export async function readSmallFile(
  path: string,
  { isSecret, maximumBytes = MAXIMUM_BYTES }: { isSecret: boolean; maximumBytes?: number },
): Promise<FileFinding> {
  try {
    const file = await open(ownPath(path, { kind: isSecret ? 'secret' : 'file' }), 'r')
    try {
      // The opened file is asked, not the path, which could be another file a moment later.
      const stats = await file.stat()
      const { mode, size } = stats
      if (isSecret && isOpenSecret(stats)) return { status: 'exposed', mode: octal(mode) }
      if (size > maximumBytes) return { status: 'unreadable', fault: `it has ${size} bytes` }
      return { status: 'read', text: await file.readFile('utf8') }
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof OwnershipError) throw error
    const code = codeOf(error)
    return code === 'ENOENT' ? { status: 'missing' } : { status: 'unreadable', fault: code }
  }
}

/**
 * Writes a file that is there with all its content or not at all, with `mode` from its first moment. With `isNew` an
 * existing file is left alone and false returned: whoever comes second takes what the first one wrote.
 */
export async function writeWhole(
  path: string,
  text: string,
  { mode, isNew = false }: { mode: number; isNew?: boolean },
): Promise<boolean> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(draft, 'wx', mode)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    if (!isNew) await rename(draft, path)
    else await link(draft, path)
    return true
  } catch (error) {
    if (isNew && codeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    await unlink(draft).catch(() => undefined)
  }
}

export function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0')
}

/** The system's error code, such as `EACCES`. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
