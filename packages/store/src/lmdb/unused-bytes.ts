import { open } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { readTree } from './data-file.js'

/** Longer files are left as they are: to read them takes too long for a rest. */
export const MAXIMUM_ERASED_BYTES = 256 * 1024 * 1024
/** Time for which the event loop is held at once. */
const SLICE_MS = 2
const CHUNK_BYTES = 256 * 1024
/** Two pages are the head of the file. */
const FIRST_PAGE = 2
const NOTHING = Buffer.alloc(CHUNK_BYTES)

/**
 * Writes zeros over every byte of an LMDB file that no record of its last commit takes: LMDB leaves what was removed
 * where it lay, on pages that have become free, in the gap of a page, behind the end of a long value. Whoever calls it
 * owns the file, commits nothing meanwhile and knows of no reader of an earlier commit. A crash at any step leaves a sound
 * file, since nothing refers to these bytes.
 *
 * Resolves with false where `mayGoOn` became false before the end, or the file is longer than `MAXIMUM_ERASED_BYTES`.
 */
export async function eraseUnused(file: string, mayGoOn: () => boolean): Promise<boolean> {
  const handle = await open(file, 'r+')
  try {
    const { size } = await handle.stat()
    const tree = readTree(handle.fd)
    if (tree === undefined || size > MAXIMUM_ERASED_BYTES) return false
    const { pageBytes } = tree
    const pages = Math.ceil(size / pageBytes)
    // What holds nothing lies between these offsets; the whole of a page that is not in use.
    const from = new Uint32Array(pages)
    const to = new Uint32Array(pages).fill(pageBytes)
    let sliceEndsAtMs = performance.now() + SLICE_MS
    for (const unused of tree.inUse()) {
      from[unused.page] = unused.from
      to[unused.page] = unused.to
      if (performance.now() < sliceEndsAtMs) continue
      await setImmediate()
      if (!mayGoOn()) return false
      sliceEndsAtMs = performance.now() + SLICE_MS
    }
    // Nothing may be taken for unused that could not be looked at.
    if (tree.damaged.length > 0) return false
    const chunk = Buffer.alloc(CHUNK_BYTES)
    const pagesAtOnce = CHUNK_BYTES / pageBytes
    for (let first = FIRST_PAGE; first < pages; first += pagesAtOnce) {
      if (!mayGoOn()) return false
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, first * pageBytes)
      if (!mayGoOn()) return false
      for (let at = 0, page = first; at < bytesRead; at += pageBytes, page++) {
        const begin = at + (from[page] as number)
        const end = Math.min(at + (to[page] as number), bytesRead)
        if (begin >= end || chunk.compare(NOTHING, 0, end - begin, begin, end) === 0) continue
        await handle.write(NOTHING, 0, end - begin, first * pageBytes + begin)
        if (!mayGoOn()) return false
      }
    }
    await handle.datasync()
    return true
  } finally {
    await handle.close()
  }
}
