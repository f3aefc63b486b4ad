import { InvalidArgumentError } from 'commander'

/** Parsers of option and argument values; each refusal says what was expected. */

export function parseQos(value: string): 0 | 1 | 2 {
  if (value === '0' || value === '1' || value === '2') return Number(value) as 0 | 1 | 2
  throw new InvalidArgumentError('Expected 0, 1 or 2.')
}

export function parsePort(value: string): number {
  return parseWhole(value, 0, 65_535)
}

export function parseCount(value: string): number {
  return parseWhole(value, 1, Number.MAX_SAFE_INTEGER)
}

/** The number of a message: 0 or more. */
export function parseNumber(value: string): number {
  return parseWhole(value, 0, Number.MAX_SAFE_INTEGER)
}

export function parseLimit(value: string): number {
  return parseWhole(value, 1, 100)
}

export function parseLifetime(value: string): number {
  return parseWhole(value, 1, 3600)
}

export function parseAttestationSeconds(value: string): number {
  return parseWhole(value, 1, 86_400)
}

/** Seconds, fractions allowed, as milliseconds; at most a day, far below what a timer can count. */
export function parseTimeoutMs(value: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN
  if (seconds > 0 && seconds <= 86_400) return Math.ceil(seconds * 1000)
  throw new InvalidArgumentError('Expected seconds, more than 0 and at most 86400.')
}

export function parseImportance(value: string): number {
  const importance = /^(\d+(\.\d*)?|\.\d+)$/.test(value) ? Number(value) : Number.NaN
  if (importance >= 0 && importance <= 1) return importance
  throw new InvalidArgumentError('Expected a number from 0 to 1.')
}

/** Whether it begins with a day that the calendar has: `Date` takes 30 February for 2 March. */
function hasDate(value: string): boolean {
  const [, year = 0, month = 0, day = 0] = /^(\d{4})-(\d{2})-(\d{2})/.exec(value)?.map(Number) ?? []
  return day > 0 && new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day
}

/** A date or a moment, read in the local time zone where none is given, as ISO 8601 in UTC. */
export function parseMoment(value: string): string {
  const isDateOnly = /^\d{4}-\d{2}-\d{2}$/.test(value)
  const moment = hasDate(value) ? new Date(isDateOnly ? `${value}T00:00:00` : value) : new Date(Number.NaN)
  if (Number.isNaN(moment.getTime())) {
    throw new InvalidArgumentError('Expected a date or time such as 2026-05-31 or 2026-05-31T14:00:00Z.')
  }
  return moment.toISOString()
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A number and its unit, up to ten years, in milliseconds. */
export function parseDurationMs(value: string): number {
  const [, number, unit = ''] = /^(\d{1,6})([smhd])$/.exec(value) ?? []
  const durationMs = Number(number) * (UNIT_MS[unit] ?? Number.NaN)
  if (durationMs > 0 && durationMs <= 3_660 * 86_400_000) return durationMs
  throw new InvalidArgumentError('Expected a number and s, m, h or d, such as 30m, 2h or 7d.')
}

/** Collects an option that may be given several times; what stood before its `--no-` form is no part of it, and that is false. */
export function collect(value: string, previous: readonly string[] | false = []): string[] {
  return [...(previous === false ? [] : previous), value]
}

function parseWhole(value: string, least: number, most: number): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (number >= least && number <= most) return number
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`
  throw new InvalidArgumentError(`Expected a whole number, ${range}.`)
}
