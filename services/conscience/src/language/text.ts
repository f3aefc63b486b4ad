import { type TermList, type Word, wordsOf } from './words.js'

/**
 * The words of a text, and where each of their forms stands. A rule file has more than a hundred lists and a text few
 * different words, so a list is asked for its own words rather than every word of the text for all lists.
 */
export class Text {
  readonly words: readonly Word[]
  readonly #places = new Map<string, number[]>()
  readonly #starts = new Map<TermList, readonly number[]>()

  /** Throws an Error where the text unfolds beyond measure. */
  constructor(raw: string) {
    this.words = wordsOf(raw)
    for (const [index, { forms }] of this.words.entries()) {
      for (const form of forms) {
        const places = this.#places.get(form)
        if (places === undefined) this.#places.set(form, [index])
        else places.push(index)
      }
    }
  }

  /** Where a term of the list may begin, from `from` on to before `end`, in order. */
  *startsOf(list: TermList, from: number, end: number): Generator<number> {
    const starts = this.#startsOf(list)
    for (let at = lowerBound(starts, from); at < starts.length; at++) {
      const start = starts[at] ?? end
      if (start >= end) return
      yield start
    }
  }

  #startsOf(list: TermList): readonly number[] {
    let starts = this.#starts.get(list)
    if (starts === undefined) {
      starts = this.#findStarts(list)
      this.#starts.set(list, starts)
    }
    return starts
  }

  #findStarts(list: TermList): readonly number[] {
    const found: number[] = []
    const add = (places: readonly number[]): void => {
      for (const place of places) found.push(place)
    }
    if (list.size < this.#places.size) {
      for (const first of list.firsts()) add(this.#places.get(first) ?? [])
    } else {
      for (const [form, places] of this.#places) if (list.hasFirst(form)) add(places)
    }
    // A word may stand there by several of its forms.
    return found.sort((a, b) => a - b).filter((place, at) => place !== found[at - 1])
  }
}

/** The first index whose value is not below `from`. */
function lowerBound(values: readonly number[], from: number): number {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((values[middle] ?? from) < from) low = middle + 1
    else high = middle
  }
  return low
}
