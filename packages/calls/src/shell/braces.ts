/** The words that a shell makes of one with braces, without quotes; `isKnown` where these are all of them. */
export interface Braced {
  readonly texts: readonly string[]
  readonly isKnown: boolean
}

export const MOST_WORDS = 32
const RANGE = /^(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.(-?\d+))?$/
const DEEPEST = 8
const LONGEST = 2000

/** `{a,b}`, `a{b,{c,d}}`, `{1..3}`; what stands in quotes stays as it is, and so do `{}` and `{a}`. */
export function expanded(text: string, depth = 0): Braced {
  if (depth > DEEPEST || text.length > LONGEST) return { texts: [unquoted(text)], isKnown: false }
  for (let from = next(text, 0); from < text.length; from = next(text, from + 1)) {
    if (text[from] !== '{') continue
    const found = group(text, from)
    if (found === undefined) continue
    const inner = choices(found.members, depth)
    if (inner === undefined) continue
    const before = { texts: [unquoted(text.slice(0, from))], isKnown: true }
    return combined([before, inner, expanded(text.slice(found.end + 1), depth + 1)])
  }
  return { texts: [unquoted(text)], isKnown: true }
}

/** Each of the first with each of the second, and so on; no more than `MOST_WORDS`. */
export function combined(parts: readonly Braced[]): Braced {
  let texts: readonly string[] = ['']
  let isKnown = true
  for (const part of parts) {
    const all = texts.flatMap((text) => part.texts.map((more) => `${text}${more}`))
    texts = all.slice(0, MOST_WORDS)
    isKnown &&= part.isKnown && all.length <= MOST_WORDS
  }
  return { texts, isKnown }
}

function choices(members: readonly string[], depth: number): Braced | undefined {
  if (members.length === 1) return range(members[0] as string)
  const all = members.slice(0, MOST_WORDS).map((member) => expanded(member, depth + 1))
  const texts = all.flatMap((member) => member.texts)
  return {
    texts: texts.slice(0, MOST_WORDS),
    isKnown:
      members.length <= MOST_WORDS && texts.length <= MOST_WORDS && all.every(({ isKnown }) => isKnown),
  }
}

/** Of a long one of numbers its ends, as those between them are named alike. */
function range(text: string): Braced | undefined {
  if (!text.includes('..')) return undefined
  const [, first = '', last = '', step = '1'] = RANGE.exec(text) ?? []
  const isOfNumbers = /\d/.test(first)
  // Shells differ in what they make of such a one.
  if (first === '' || isOfNumbers !== /\d/.test(last)) return { texts: [`{${text}}`], isKnown: false }
  const [a, b] = isOfNumbers ? [Number(first), Number(last)] : [first.charCodeAt(0), last.charCodeAt(0)]
  const by = Math.abs(Number(step)) || 1
  const count = Math.floor(Math.abs(b - a) / by) + 1
  if (count > MOST_WORDS) return { texts: [first, last], isKnown: isOfNumbers }
  const isPadded = isOfNumbers && /^-?0\d/.test(first)
  const texts = Array.from({ length: count }, (_, i) => {
    const value = a + (b < a ? -i : i) * by
    if (!isOfNumbers) return String.fromCharCode(value)
    return isPadded ? String(value).padStart(first.length, '0') : String(value)
  })
  return { texts, isKnown: true }
}

/** What stands between the brace here and the one that ends it, parted at its commas. */
function group(text: string, from: number): { members: readonly string[]; end: number } | undefined {
  const members: string[] = []
  let depth = 0
  let start = from + 1
  for (let at = from; at < text.length; at = next(text, at + 1)) {
    const letter = text[at]
    if (letter === '{') depth++
    else if (letter === ',' && depth === 1) {
      members.push(text.slice(start, at))
      start = at + 1
    } else if (letter === '}' && --depth === 0)
      return { members: [...members, text.slice(start, at)], end: at }
  }
  return undefined
}

/** The next letter, from here on, that is not quoted. */
function next(text: string, from: number): number {
  const quoted = /(?:\\[\s\S]|'[^']*'|"(?:[^"\\]|\\[\s\S])*")*/y
  quoted.lastIndex = from
  return from + (quoted.exec(text)?.[0].length ?? 0)
}

function unquoted(text: string): string {
  return text.replace(/\\([\s\S])|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"/g, (_, letter, single, double) =>
    letter !== undefined ? letter : (single ?? String(double).replace(/\\(["\\$`])/g, '$1')),
  )
}
