import { fold, hiddenSpellings } from './folding.js'
import { PARTICLES, UNJOINABLE } from './grammar.js'
import { formsOf, lookupForm } from './word-forms.js'

/** One word of an action. `forms` holds everything it may stand for, in dictionary form. */
export interface Word {
  readonly text: string
  readonly forms: Set<string>
  /** "the user's": not the thing acted on, but its owner. */
  readonly isPossessive: boolean
  /** Written like a name: a capital and then small letters, and not at the start of a sentence. */
  readonly isName: boolean
  /** What stood between this word and the one before. */
  readonly gap: 'none' | 'space' | 'wide' | 'soft' | 'hard'
}

const HARD = /[;!?|&\n\r]|\.(?=\s)|\.{2,}|…/
const SOFT = /[,:()—–[\]{}]/

function gapOf(between: string): Word['gap'] {
  if (HARD.test(between)) return 'hard'
  if (SOFT.test(between)) return 'soft'
  if (/\s{2,}/.test(between)) return 'wide'
  return /\s/.test(between) ? 'space' : 'none'
}

/** `deleteRecords` is two words. */
function splitCamel(text: string): string {
  return text.replace(/(?<=\p{Ll}{2})(?=\p{Lu}\p{Ll})/gu, ' ')
}

function hiddenAt(text: string): Map<number, readonly string[]> {
  const found = new Map<number, readonly string[]>()
  for (const chunk of text.matchAll(/\S+/g)) {
    const spellings = hiddenSpellings(chunk[0])
    if (spellings.length === 0) continue
    const first = chunk[0].search(/[\p{L}\p{N}]/u)
    found.set(chunk.index + first, spellings)
  }
  return found
}

/** Words spelt out letter by letter or cut in two are added to the forms of their first piece. */
function joinPieces(words: readonly Word[]): void {
  let index = 0
  while (index < words.length) {
    let end = index
    while (words[end]?.text.length === 1 && (end === index || isNear(words[end]))) end++
    if (end - index >= 3) {
      addForms(
        words[index],
        words
          .slice(index, end)
          .map((word) => word.text)
          .join(''),
      )
      index = end
      continue
    }
    const [first, second] = [words[index], words[index + 1]]
    if (first && second && isNear(second) && !UNJOINABLE.has(first.text) && !UNJOINABLE.has(second.text)) {
      addForms(first, first.text + second.text)
    }
    index++
  }
}

function isNear(word: Word | undefined): boolean {
  return word?.gap === 'none' || word?.gap === 'space'
}

function addForms(word: Word | undefined, spelling: string): void {
  for (const form of formsOf(spelling)) word?.forms.add(form)
}

/** One character can unfold to 18; text that grows beyond this is refused rather than read in part. */
const MAXIMUM_FOLDED_CHARACTERS = 20_000

/** A path of signs alone is a word too, as in `rm -rf build /`. */
const WORD = /[\p{L}\p{N}]+(?:'\p{L}+)*|(?<=\s)(?:[/~.]*[/~*][/~.*]*|\.\.)(?=\s|$)/gu

/** Splits text into its words, seen through disguises. Throws an Error where it unfolds beyond measure. */
export function wordsOf(raw: string): Word[] {
  const folded = fold(raw)
  if (folded.length > Math.max(MAXIMUM_FOLDED_CHARACTERS, raw.length))
    throw new Error('the text unfolds beyond measure')
  const text = splitCamel(folded)
  const hidden = hiddenAt(text)
  const words: Word[] = []
  let end = 0
  for (const match of text.matchAll(WORD)) {
    const written = match[0].toLowerCase()
    const after = match.index + match[0].length
    const word: Word = {
      text: written,
      forms: formsOf(written),
      isPossessive: written.endsWith("'s") || (written.endsWith('s') && text[after] === "'"),
      isName: /^\p{Lu}\p{Ll}/u.test(match[0]) && words.length > 0,
      gap: gapOf(text.slice(end, match.index)),
    }
    for (const spelling of hidden.get(match.index) ?? []) addForms(word, spelling)
    words.push(word)
    end = after
  }
  joinPieces(words)
  return words
}

/** The words of a term, in the form they are looked up by. */
function termWords(written: string): readonly string[] {
  return (
    fold(written)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+(?:'\p{L}+)*/gu) ?? []
  ).map(lookupForm)
}

/**
 * Terms of a rule (each one or more words in dictionary form), arranged for lookup by their first word. A term
 * that begins with `-` takes back: `[log, -log in]` finds "log it" and not "log in".
 */
export class TermList {
  readonly #byFirst = new Map<string, { words: readonly string[]; isTakenBack: boolean }[]>()

  constructor(written: readonly string[]) {
    for (const text of written) {
      const term = { words: termWords(text), isTakenBack: text.startsWith('-') }
      const first = term.words[0]
      if (first === undefined) continue
      const others = this.#byFirst.get(first)
      if (others === undefined) this.#byFirst.set(first, [term])
      else others.push(term)
    }
  }

  /** How many words its terms begin with. */
  get size(): number {
    return this.#byFirst.size
  }

  firsts(): Iterable<string> {
    return this.#byFirst.keys()
  }

  hasFirst(form: string): boolean {
    return this.#byFirst.has(form)
  }

  /** Number of words of the longest term at this place, 0 for none; `isSeparable` lets "turn … off" stand apart. */
  lengthAt(words: readonly Word[], index: number, end: number, isSeparable = false): number {
    let longest = 0
    for (const form of words[index]?.forms ?? []) {
      for (const { words: term, isTakenBack } of this.#byFirst.get(form) ?? []) {
        if (!isTakenBack && term.length <= longest) continue
        if (term.every((part, offset) => index + offset < end && words[index + offset]?.forms.has(part))) {
          if (isTakenBack) return 0
          longest = term.length
        } else if (isSeparable && longest === 0 && isApart(term, words, index, end)) longest = 1
      }
    }
    return longest
  }
}

const PARTICLE_REACH = 6

function isApart(term: readonly string[], words: readonly Word[], index: number, end: number): boolean {
  const particle = term[1]
  if (term.length !== 2 || particle === undefined || !PARTICLES.has(particle)) return false
  for (let at = index + 2; at < Math.min(end, index + PARTICLE_REACH); at++) {
    if (words[at]?.text === particle) return true
  }
  return false
}

const lists = new WeakMap<readonly string[], TermList>()
const listsByContent = new Map<string, TermList>()
const MAXIMUM_REMEMBERED_LISTS = 500

/**
 * The compiled form of a list. A rule file's lists are remembered as themselves, those written or joined within a
 * condition, which come as new arrays each time, by what they hold.
 */
export function termList(written: readonly string[]): TermList {
  const known = lists.get(written)
  if (known !== undefined) return known
  const content = written.join('\n')
  const list = listsByContent.get(content) ?? new TermList(written)
  if (listsByContent.size < MAXIMUM_REMEMBERED_LISTS) listsByContent.set(content, list)
  lists.set(written, list)
  return list
}
