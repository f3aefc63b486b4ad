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
  throw new MemoryInputError('cursor', 'must be next_cursor of the page before, of the same question')
}
