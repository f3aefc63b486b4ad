import { RequestError } from '@jamey/bus'

/** A place in a list as a text that is handed back for the page behind it. */
export function cursorAt(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/** The parts of such a place, unchecked; none where the text is no cursor. */
export function placeAt(cursor: string): readonly unknown[] {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return Array.isArray(place) ? place : []
  } catch {
    return []
  }
}

/** A cursor that is none of ours. */
export function unknownCursor(): RequestError {
  return new RequestError(
    'invalid-request',
    'cursor: must be next_cursor of the page before, of the same list',
  )
}
