import { CURSOR_CHARACTERS } from '@jamey/contracts'
import { MemoryInputError } from '../model/errors.js'

/** The place at which a page ends, as numbers that nobody needs to read. */
export function cursorAt(place: readonly number[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/** The numbers of a cursor, of which there have to be so many. Throws `MemoryInputError`. */
export function placeOf(cursor: string, count: number): number[] {
  try {
    const place = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown
    if (Array.isArray(place) && place.length === count && place.every(Number.isSafeInteger)) return place
  } catch {
    // Not ours; it is told below.
  }
  throw foreign()
}

function foreign(): MemoryInputError {
  return new MemoryInputError('cursor', 'must be next_cursor of the page before, of the same question')
}

/** No text begins so, and none of the other cursors. */
const NAMING = 0
const BITS = 128

/** Where the page of a question begins: behind so many, or with the best that was on none of the pages before. */
export interface Begin {
  readonly offset: number
  /** By their `seq`. */
  readonly shown: ReadonlySet<number>
}

/**
 * The end of a page of what words find, whose order changes with all that is stored: it names the memories of this page
 * and those before, so that each is on one page. Of more than a cursor has room for it has the number alone.
 */
export function cursorBehind(shown: Iterable<number>): string {
  const seqs = Float64Array.from(shown).sort()
  const bytes = [NAMING]
  let before = 0
  for (const seq of seqs) {
    let apart = seq - before
    for (; apart >= BITS; apart = Math.floor(apart / BITS)) bytes.push((apart % BITS) + BITS)
    bytes.push(apart)
    before = seq
  }
  const cursor = Buffer.from(bytes).toString('base64url')
  return cursor.length <= CURSOR_CHARACTERS ? cursor : cursorAt([seqs.length])
}

/** Throws `MemoryInputError`. */
export function beginOf(cursor: string | undefined, offset = 0): Begin {
  if (cursor === undefined) return { offset, shown: new Set() }
  const bytes = Buffer.from(cursor, 'base64url')
  if (bytes[0] !== NAMING) return { offset: placeOf(cursor, 1)[0] as number, shown: new Set() }
  const shown = new Set<number>()
  let before = 0
  let apart = 0
  let factor = 1
  for (const byte of bytes.subarray(1)) {
    apart += (byte % BITS) * factor
    factor *= BITS
    if (byte >= BITS) continue
    before += apart
    shown.add(before)
    apart = 0
    factor = 1
  }
  if (factor !== 1 || !Number.isSafeInteger(before)) throw foreign()
  return { offset: 0, shown }
}
