import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { readTree } from './data-file.js'

/** Longer files are left as they are: to read them takes too long for a rest. */
const MAXIMUM_BYTES = 256 * 1024 * 1024
/** Time for which the event loop is held at once. */
const STEP_MS = 2
const CHUNK_BYTES = 256 * 1024
/** Two pages are the head of the file. */
const FIRST_PAGE = 2
const NOTHING = Buffer.alloc(CHUNK_BYTES)

/**
 * Writes zeros over every byte of an LMDB file that no record of its last commit takes: LMDB leaves what was removed
 * where it lay, on pages that have become free, in the gap of a page, behind the end of a long value. Whoever takes its
 * steps owns the file, begins no commit between them and knows of no reader of an earlier commit; it may leave off after
 * each. A crash at any step leaves a sound file, since nothing refers to these bytes.
 */
export function* eraseUnused(file: string): Generator<void, void> {
  const descriptor = openSync(file, 'r+')
  try {
    const { size } = fstatSync(descriptor)
    const tree = readTree(descriptor)
    if (tree === undefined || size > MAXIMUM_BYTES) return
    const { pageBytes } = tree
    const pages = Math.ceil(size / pageBytes)
    // What holds nothing lies between these offsets; the whole of a page that is not in use.
    const from = new Uint32Array(pages)
    const to = new Uint32Array(pages).fill(pageBytes)
    let endsAtMs = performance.now() + STEP_MS
    for (const unused of tree.inUse()) {
      from[unused.page] = unused.from
      to[unused.page] = unused.to
      if (performance.now() < endsAtMs) continue
      yield
      endsAtMs = performance.now() + STEP_MS
    }
    // Nothing may be taken for unused that could not be looked at.
    if (tree.damaged.length > 0) return
    const chunk = Buffer.alloc(CHUNK_BYTES)
    const pagesAtOnce = CHUNK_BYTES / pageBytes
    for (let first = FIRST_PAGE; first < pages; first += pagesAtOnce) {
      yield
      const bytes = readSync(descriptor, chunk, 0, CHUNK_BYTES, first * pageBytes)
      for (let at = 0, page = first; at < bytes; at += pageBytes, page++) {
        const begin = at + (from[page] as number)
        const end = Math.min(at + (to[page] as number), bytes)
        if (begin >= end || chunk.compare(NOTHING, 0, end - begin, begin, end) === 0) continue
        writeSync(descriptor, NOTHING, 0, end - begin, first * pageBytes + begin)
      }
    }
  } finally {
    closeSync(descriptor)
  }
}
