import { COORDINATORS, PREPOSITIONS } from './grammar.js'
import type { Text } from './text.js'
import { termList, type Word } from './words.js'

/** words[start, end). */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Noun phrases between two places: cut at prepositions, "and", and commas. */
export function phrasesOf(words: readonly Word[], start: number, end: number): Span[] {
  const spans: Span[] = []
  let from = start
  for (let index = start; index < end; index++) {
    const word = words[index]
    if (word === undefined) break
    const cuts = PREPOSITIONS.has(word.text) || COORDINATORS.has(word.text)
    if (cuts || (index > start && word.gap === 'soft')) {
      spans.push({ start: from, end: index })
      from = cuts ? index + 1 : index
    }
  }
  spans.push({ start: from, end })
  return spans.filter((span) => span.end > span.start)
}

/** The first of the terms within the span; `isOwnerExcluded` passes over "the user's" for what the user owns. */
export function findTerm(
  text: Text,
  span: Span,
  terms: readonly string[],
  isOwnerExcluded = false,
): Span | undefined {
  const list = termList(terms)
  for (const start of text.startsOf(list, span.start, span.end)) {
    const length = list.lengthAt(text.words, start, span.end)
    if (length === 0) continue
    const end = start + length
    if (isOwnerExcluded && text.words[end - 1]?.isPossessive === true) continue
    return { start, end }
  }
  return undefined
}
