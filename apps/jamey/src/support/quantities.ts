const UNITS = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

/** `3 days ago`, `in 2 hours`, `just now`. */
export function formatAge(iso: string, now: Date): string {
  const difference = (now.getTime() - Date.parse(iso)) / 1000
  // A time that was to last a day when it was sent is not told as 23 hours because it travelled for a moment.
  const seconds = difference < 0 ? difference - 30 : difference
  const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length)
  if (unit === undefined) return 'just now'
  const [name, length] = unit
  const count = plural(Math.floor(Math.abs(seconds) / length), name, `${name}s`)
  return seconds < 0 ? `in ${count}` : `${count} ago`
}

export function plural(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`
}
