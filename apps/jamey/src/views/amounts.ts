const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const
const COUNT_UNITS = ['', 'k', 'M', 'G', 'T'] as const
const TIME_UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const

/** `812 B`, `1.5 KiB`, `12 MiB`. */
export function amountOfBytes(bytes: number): string {
  return scaled(bytes, 1024, BYTE_UNITS, ' ')
}

/** At most four digits and a letter: `12`, `0.4`, `1.2k`, `340k`, `12M`. */
export function compact(count: number): string {
  if (count > 0 && count < 10 && !Number.isInteger(count)) return count.toFixed(1)
  return scaled(count, 1000, COUNT_UNITS, '')
}

/** The two largest units: `3 d 4 h`, `12 min 5 s`, `8 s`. */
export function duration(seconds: number): string {
  const at = TIME_UNITS.findIndex(([, length]) => seconds >= length)
  const [largest, second] = TIME_UNITS.slice(at < 0 ? TIME_UNITS.length - 1 : at)
  if (largest === undefined) return '0 s'
  const [name, length] = largest
  const count = Math.floor(seconds / length)
  const rest = second === undefined ? 0 : Math.floor((seconds - count * length) / second[1])
  return rest === 0 || second === undefined ? `${count} ${name}` : `${count} ${name} ${rest} ${second[0]}`
}

function scaled(value: number, step: number, units: readonly string[], space: string): string {
  let scale = 0
  let left = value
  while (left >= step - 0.5 && scale < units.length - 1) {
    left /= step
    scale++
  }
  const digits = scale > 0 && left < 9.95 ? left.toFixed(1) : String(Math.round(left))
  return `${digits}${space}${units[scale]}`
}
