import { fold } from '@jamey/calls'

/**
 * Tells whether a value is in a text in whatever form: other letters that look alike, other signs between, encoded, or
 * as a run of words. For finding out where something came from, never for vouching for it.
 */

const RUN_WORDS = 5
/** Shorter ones are in any text. */
const MINIMUM_LETTERS = 6

export class Likeness {
  readonly #text: string
  #forms: readonly string[] | undefined
  #letters: string | undefined
  #runs: Set<number> | undefined

  constructor(text: string) {
    this.#text = text
  }

  has(value: string): boolean {
    return formsOf(value).some((form) => this.#hasLetters(form) || this.#hasRun(form))
  }

  #hasLetters(value: string): boolean {
    const letters = lettersOf(value)
    if (letters.length < MINIMUM_LETTERS) return false
    this.#forms ??= formsOf(this.#text)
    this.#letters ??= this.#forms.map(lettersOf).join('\n')
    return this.#letters.includes(letters)
  }

  #hasRun(value: string): boolean {
    const runs = runsOf(value)
    if (runs.size === 0) return false
    this.#forms ??= formsOf(this.#text)
    this.#runs ??= new Set(this.#forms.flatMap((form) => [...runsOf(form)]))
    for (const run of runs) if (this.#runs.has(run)) return true
    return false
  }
}

function lettersOf(text: string): string {
  return fold(text)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '')
}

/** Each run of five words as a number; two that are not the same have the same number once in 2^52. */
function runsOf(text: string): Set<number> {
  const words = fold(text)
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu)
  const runs = new Set<number>()
  if (words === null) return runs
  for (let i = 0; i + RUN_WORDS <= words.length; i++)
    runs.add(hashOf(words.slice(i, i + RUN_WORDS).join(' ')))
  return runs
}

/** FNV-1a, twice from different beginnings. */
function hashOf(text: string): number {
  let low = 0x811c9dc5
  let high = 0x01000193
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul(high ^ code, 0x85ebca6b)
  }
  return (high >>> 12) * 0x1_0000_0000 + (low >>> 0)
}

/** The text, and all that can be decoded in it. */
function formsOf(text: string): string[] {
  const forms = [text]
  if (/%[0-9a-f]{2}/i.test(text)) forms.push(text.replace(/(?:%[0-9a-f]{2})+/gi, percentDecoded))
  for (const [match] of text.matchAll(/[A-Za-z0-9+/_-]{8,}={0,2}/g)) {
    const decoded = printable(Buffer.from(match, 'base64url'))
    if (decoded !== undefined) forms.push(decoded)
  }
  for (const [match] of text.matchAll(/\b(?:[0-9a-f]{2}){6,}\b/gi)) {
    const decoded = printable(Buffer.from(match, 'hex'))
    if (decoded !== undefined) forms.push(decoded)
  }
  return forms
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Undefined for bytes that are no text. */
function printable(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8')
  return bytes.length >= MINIMUM_LETTERS && /^[\P{C}\s]+$/u.test(text) && !text.includes('\uFFFD')
    ? text
    : undefined
}
