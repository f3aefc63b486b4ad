import { termOf } from './words.js'

/** Words that are remembered with their terms, so that nearly none is cut to its stem twice. */
const REMEMBERED = 100_000
/** New terms that are looked through one by one before they are sorted in among the others. */
const UNSORTED = 4096
/** Shorter words have too many neighbours to guess which was meant. */
const SHORTEST_MISTYPED = 5
export const SHORTEST_BEGINNING = 2
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz'

/** All terms of an index by their numbers, and which of them somebody may have meant. */
export class Vocabulary {
  readonly #numbers = new Map<string, number>()
  readonly #names: string[] = []
  /** Terms of words that came last, and of those that came before these. */
  #ofWord = new Map<string, number>()
  #ofOlderWord = new Map<string, number>()
  /** The oldest terms in the order of their letters; the others are not sorted yet. */
  #sorted: string[] = []
  #characters = 0

  get size(): number {
    return this.#names.length
  }

  /** About what it takes: each term once as text, and its entry. */
  get bytes(): number {
    return this.#characters + this.#names.length * 90
  }

  nameOf(term: number): string {
    return this.#names[term] ?? ''
  }

  /** The number of a term, which it gets where it has none. */
  number(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    const number = this.#names.push(name) - 1
    this.#numbers.set(name, number)
    this.#characters += name.length
    return number
  }

  /** The term of a word of a text that is added. */
  ofWord(word: string): number {
    const known = this.#ofWord.get(word)
    if (known !== undefined) return known
    const number = this.#ofOlderWord.get(word) ?? this.number(termOf(word))
    if (this.#ofWord.size >= REMEMBERED) {
      this.#ofOlderWord = this.#ofWord
      this.#ofWord = new Map()
    }
    this.#ofWord.set(word, number)
    return number
  }

  /** The term of a word that is asked for, where there is one. */
  find(word: string): number | undefined {
    return this.#ofWord.get(word) ?? this.#numbers.get(termOf(word))
  }

  get(name: string): number | undefined {
    return this.#numbers.get(name)
  }

  /** Terms that begin with `beginning`, or with all but its last letters, which a stem may lack. */
  beginningWith(beginning: string, limit: number): number[] {
    if (beginning.length < SHORTEST_BEGINNING) return []
    const found = this.#startingWith(beginning, limit)
    if (found.length > 0) return found
    const stem = cutEnds(beginning).find((name) => this.#numbers.has(name))
    return stem === undefined ? [] : [this.#numbers.get(stem) as number]
  }

  /** Terms of words that differ from this one by one letter: another, none, one more, or two that changed places. */
  mistyped(word: string): number[] {
    const found = new Set<number>()
    for (const spelling of nearSpellings(word)) {
      const number = this.#numbers.get(termOf(spelling))
      if (number !== undefined) found.add(number)
    }
    return [...found]
  }

  #startingWith(start: string, limit: number): number[] {
    this.#sort()
    const found: number[] = []
    for (let i = this.#place(start); i < this.#sorted.length && found.length < limit; i++) {
      const name = this.#sorted[i] as string
      if (!name.startsWith(start)) break
      found.push(this.#numbers.get(name) as number)
    }
    for (let i = this.#sorted.length; i < this.#names.length && found.length < limit; i++) {
      if ((this.#names[i] as string).startsWith(start)) found.push(i)
    }
    return found
  }

  /** The first place in the order at which `start` could stand. */
  #place(start: string): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#sorted[middle] as string) < start) low = middle + 1
      else high = middle
    }
    return low
  }

  #sort(): void {
    const old = this.#sorted
    if (this.#names.length - old.length <= UNSORTED) return
    const added = this.#names.slice(old.length).sort()
    const all = new Array<string>(this.#names.length)
    let a = 0
    let b = 0
    for (let i = 0; i < all.length; i++) {
      const isOld = b >= added.length || (a < old.length && (old[a] as string) < (added[b] as string))
      all[i] = (isOld ? old[a++] : added[b++]) as string
    }
    this.#sorted = all
  }
}

/** A word without its last letters, which a stem may lack; the longest first. */
export function cutEnds(word: string): string[] {
  return [1, 2, 3].map((cut) => word.slice(0, -cut)).filter((name) => name.length >= SHORTEST_MISTYPED - 1)
}

/** What somebody may have meant by a word that is not known, short ones apart; it begins with the same letter, or two change places. */
export function* nearSpellings(word: string): Generator<string> {
  if (word.length < SHORTEST_MISTYPED) return
  const letters = new Set([...ALPHABET, ...word])
  // The first letter is hardly ever wrong; with another, what is found is another word.
  yield `${word[1]}${word[0]}${word.slice(2)}`
  for (let i = 1; i <= word.length; i++) {
    const before = word.slice(0, i)
    const after = word.slice(i + 1)
    if (i < word.length) {
      yield before + after
      if (i + 1 < word.length) yield before + word[i + 1] + word[i] + word.slice(i + 2)
    }
    for (const letter of letters) {
      if (i < word.length) yield before + letter + after
      yield before + letter + word.slice(i)
    }
  }
}
