import type { JsonFault } from './text-faults.js'

/** Strings, numbers and what structures them; what is between is white space, or `true`, `false` and `null`. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[{}[\],]/g
const MAXIMUM_NAME = 80

/** An object, or an array where it has no names, that is being read. */
interface Level {
  readonly names: Set<string> | undefined
  /** Name of the member that is being read, or its index. */
  at: string | number
  expectsName: boolean
}

/**
 * The first place where JSON says something that JSON.parse does not tell: a member that comes twice, of which it takes
 * the last, and a number that it takes for another (RFC 8259 sections 4 and 6, RFC 7493). Two readers would see two
 * things in it, and two texts would have one digest. `text` is JSON, `read` what JSON.parse made of it: what is written
 * as it was read has neither, and that is told in a tenth of the time. With `numbersBelow` numbers count in that member
 * alone.
 */
export function inexactIn(text: string, read: unknown, numbersBelow?: string): JsonFault | undefined {
  return isWrittenAs(text, read) ? undefined : inexactTokenIn(text, numbersBelow)
}

function isWrittenAs(text: string, read: unknown): boolean {
  try {
    return JSON.stringify(read) === text
  } catch {
    // Thousands of levels, which are read and not written.
    return false
  }
}

/** The same for any JSON, also with white space or numbers that are written in other ways. */
export function inexactTokenIn(text: string, numbersBelow?: string): JsonFault | undefined {
  const levels: Level[] = []
  for (const [token] of text.matchAll(TOKEN)) {
    const level = levels.at(-1)
    const first = token[0]
    let expected: string | undefined
    if (first === '{') levels.push({ names: new Set(), at: '', expectsName: true })
    else if (first === '[') levels.push({ names: undefined, at: 0, expectsName: false })
    else if (first === '}' || first === ']') levels.pop()
    else if (first === ',') goOn(level)
    else if (first !== '"') expected = isCounted(levels, numbersBelow) ? faultOfNumber(token) : undefined
    else if (level?.expectsName === true) expected = faultOfName(level, token)
    if (expected !== undefined) return { path: levels.map(({ at }) => at), expected }
  }
  return undefined
}

function goOn(level: Level | undefined): void {
  if (level === undefined) return
  if (typeof level.at === 'number') level.at++
  else level.expectsName = true
}

function isCounted(levels: readonly Level[], numbersBelow: string | undefined): boolean {
  return numbersBelow === undefined || levels[0]?.at === numbersBelow
}

function faultOfName(level: Level, token: string): string | undefined {
  const name = JSON.parse(token) as string
  level.at = name
  level.expectsName = false
  if (level.names?.has(name)) return 'must not be there twice'
  level.names?.add(name)
  return undefined
}

function faultOfNumber(token: string): string | undefined {
  const value = Number(token)
  const isInteger = /^-?\d+$/.test(token)
  const isOther = isInteger && !Number.isSafeInteger(value) && String(value) !== token
  const isLost = value === 0 && /[1-9]/.test(token.replace(/[eE].*/, ''))
  if (Number.isFinite(value) && !isOther && !isLost) return undefined
  return `must be a number that a double holds; it is ${token.slice(0, MAXIMUM_NAME)}, which would be read as ${value}`
}
