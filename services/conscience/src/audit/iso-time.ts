let lastMs = Number.NaN
let last = ''

/** ISO 8601 of a time in milliseconds since 1970. What happens in one millisecond has one text, so the last one is kept. */
export function isoTime(ms: number): string {
  if (ms !== lastMs) {
    last = new Date(ms).toISOString()
    lastMs = ms
  }
  return last
}
