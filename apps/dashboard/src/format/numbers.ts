/** Numbers for people, each with its unit. */

const whole = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 })
const large = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 2, minimumFractionDigits: 2 })

/** From so many days on, hours no longer matter. */
const MANY_DAYS = 10

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** Three significant digits: `0.43`, `4.31`, `43.1`, `431`. */
export function formatFigure(value: number): string {
  if (value === 0) return '0'
  const magnitude = Math.abs(value)
  if (magnitude >= 100) return whole.format(value)
  if (magnitude >= 10) return value.toFixed(1)
  return value.toFixed(2)
}

/** A count: in full up to 999,999, from there in millions. */
export function formatCount(count: number): string {
  if (Math.abs(count) < 1e6) return whole.format(count)
  if (Math.abs(count) < 1e9) return `${large.format(count / 1e6)} M`
  return `${large.format(count / 1e9)} G`
}

/** A count and what is counted: `1 client`, `2 clients`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** Binary units, as operating systems count memory and files. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (Math.abs(value) >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? whole.format(value) : formatFigure(value)} ${BYTE_UNITS[unit]}`
}

export function formatMilliseconds(ms: number): string {
  if (ms >= 1000) return `${formatFigure(ms / 1000)} s`
  return `${formatFigure(ms)} ms`
}

/** The two largest units that say something: `3 d 4 h`, `5 min 2 s`, `12 s`. */
export function formatSeconds(seconds: number): string {
  const total = Math.max(0, Math.floor(seconds))
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(total / 86_400), 'd'],
    [Math.floor(total / 3600) % 24, 'h'],
    [Math.floor(total / 60) % 60, 'min'],
    [total % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  if (first === -1) return '0 s'
  const [days = 0] = parts[0] ?? []
  return parts
    .slice(first, first + (days >= MANY_DAYS ? 1 : 2))
    .filter(([count], i) => i === 0 || count > 0)
    .map(([count, unit]) => `${whole.format(count)} ${unit}`)
    .join(' ')
}
