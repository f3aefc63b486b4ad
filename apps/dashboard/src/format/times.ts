/** Times where the reader is, with UTC beside them. */

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const dayOfYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const minute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })

/** `19:16:28` today, `29 Nov 19:16` this year, `29 Nov 2025 19:16` in another. */
export function formatTime(at: number, now: number): string {
  const [then, today] = [new Date(at), new Date(now)]
  if (then.toDateString() === today.toDateString()) return clock.format(then)
  const date = then.getFullYear() === today.getFullYear() ? day.format(then) : dayOfYear.format(then)
  return `${date} ${minute.format(then)}`
}

/** `2026-11-30 19:16:28 UTC`. */
export function formatUtc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
