import { urlFact } from '@jamey/calls'
import { SEPARATOR } from './result-text.js'

/**
 * Tells whether a value stands in a text that vouches for it. Nothing is made alike here that a tool would take for
 * something else: only the case of ASCII letters, runs of white space, and blanks or hyphens within a long number.
 */

/** A text made ready to be looked through. */
export interface StandingText {
  /** White space is one blank. */
  readonly plain: string
  /** The same with ASCII letters in lower case. */
  readonly lower: string
}

export function standingText(text: string): StandingText {
  const plain = text.replace(/\s+/g, ' ').trim()
  return { plain, lower: lowerAscii(plain) }
}

/** Other letters stay, for some of them have plain ones as their lower case: the Kelvin sign's is k. */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** Longer ones are no targets, and would take long. */
const MAXIMUM_VALUE = 20_000

/** Values that stand there as a whole, and not as a part of a longer one. */
export function standsIn(text: StandingText, value: string): boolean {
  if (value.length > MAXIMUM_VALUE) return false
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value.trim())) return linkStandsIn(text, value.trim())
  const sought = standingText(value).lower
  if (sought === '') return false
  const needsMark = sought.length < 3 || /^\d{1,4}$/.test(sought)
  for (let at = text.lower.indexOf(sought); at >= 0; at = text.lower.indexOf(sought, at + 1)) {
    const end = at + sought.length
    if (isWhole(text.lower, at, end) && (!needsMark || isMarked(text.lower, at, end))) return true
  }
  return numberStandsIn(text, sought)
}

const JOINING = /[\p{L}\p{N}\p{M}\p{Cf}_]/u
const CONNECTING = /[.@\-+/:%&=~#'’\\?]/

/** Neither side goes on: `example.org` does not stand in `ann@example.org`, nor 10 in 10.50. */
function isWhole(text: string, start: number, end: number): boolean {
  return isEdge(text[start - 1], text[start - 2]) && isEdge(text[end], text[end + 1])
}

function isEdge(next: string | undefined, beyond: string | undefined): boolean {
  if (next === undefined) return true
  if (JOINING.test(next) || /[\uD800-\uDFFF]/.test(next)) return false
  return !CONNECTING.test(next) || beyond === undefined || !JOINING.test(beyond)
}

/** A value so short that it stands anywhere counts where it is all, is quoted, or said to be a number or identifier. */
function isMarked(text: string, start: number, end: number): boolean {
  const isEnd = (character: string | undefined): boolean => character === undefined || character === SEPARATOR
  if (isEnd(text[start - 1]) && isEnd(text[end])) return true
  const before = text.slice(Math.max(0, start - 12), start)
  if (/["'`“‘«]$/.test(before) && /^["'`”’»]/.test(text.slice(end, end + 1))) return true
  return /(?:^|[^\p{L}\p{N}])(?:#|(?:ids?|no|nr|number|nummer|numéro|número)[:.#]? ?)$/u.test(before)
}

/** `DE89 3704 0044 0532 0130 00` is what `DE89370400440532013000` is; so are cards and telephone numbers. */
function numberStandsIn({ lower }: StandingText, sought: string): boolean {
  const compact = sought.replace(/[ -]/g, '')
  if (!/^\+?[a-z0-9]{10,40}$/.test(compact) || (compact.match(/\d/g)?.length ?? 0) < 6) return false
  const pattern = Array.from(compact.replace('+', '\\+').match(/\\?./g) ?? []).join('[ -]?')
  for (const { index, 0: found } of lower.matchAll(new RegExp(pattern, 'g'))) {
    if (isWhole(lower, index, index + found.length)) return true
  }
  return false
}

/** `readme.md` is a host as well: whoever says the name of a file names none. */
const FILE = /^[^.]+\.(?:md|py|rs|sh|pl|ps|zip|mov|cc|ml|pm|am|ac)$/i
const LINKS = /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s<>"'`\\^{}|]+/gi

/**
 * A link stands where it was written so, below one that was, or where its host was named alone. Below means: the same
 * host, and all of the other's path in front; what is asked for beside may tell something, so it is only taken as it
 * was written, or where the whole host was named.
 */
function linkStandsIn({ plain, lower }: StandingText, value: string): boolean {
  const link = parsed(value)
  const fact = urlFact(value)
  if (link === undefined || fact === undefined || fact.hasUserInfo || fact.isInternational) return false
  for (const [match] of plain.matchAll(LINKS)) {
    const named = parsed(match.replace(/[.,;:!?)\]]+$/, ''))
    if (named === undefined || named.origin !== link.origin) continue
    if (named.href === link.href || (named.pathname === '/' && named.search === '')) return true
    const folder = named.pathname.endsWith('/') ? named.pathname : `${named.pathname}/`
    if (named.search === '' && link.search === '' && `${link.pathname}/`.startsWith(folder)) return true
  }
  const isCommon = /^(?:https?|wss?):$/.test(link.protocol) && link.port === ''
  return isCommon && fact.host.includes('.') && !FILE.test(fact.host) && standsIn({ plain, lower }, fact.host)
}

function parsed(text: string): URL | undefined {
  try {
    const url = new URL(text)
    return url.origin === 'null' ? undefined : url
  } catch {
    return undefined
  }
}

/** Every number in a text, for those that are compared as such: `1,200.50` is 1200.5. */
export function numbersIn(text: string): Set<number> {
  const found = new Set<number>()
  for (const [match] of text.matchAll(/\d{1,15}(?:[.,']\d{1,15}){0,10}/g)) {
    found.add(Number(match.replace(/[,']/g, '')))
    // A comma may part whole from decimal as well.
    found.add(Number(match.replace(/[.']/g, '').replace(',', '.')))
  }
  return found
}
