import type { MemoryIndex } from './memory-index.js'
import { rarityAmong, type WeightedTerm } from './scoring.js'
import { tellingWords } from './stop-words.js'
import { wordsOf } from './words.js'

/** Words beyond this many do not narrow a search any further and only cost time. */
const MOST_WORDS = 64
/** Terms that one word may stand for where no text has it itself. */
export const MOST_MEANT = 50
/** What a term counts that a word may have been meant for. */
const MEANT_WEIGHT = 0.8

/** How soon a word that a question has once more counts no more (k3 of BM25). */
const REPEATED = 3

/** The distinct words of what a user typed that tell something; none where it holds nothing that could be looked for. */
export function searchWords(text: string): string[] {
  return tellingWords([...new Set(wordsOf(text))]).slice(0, MOST_WORDS)
}

/** A word of a question with the terms that it is looked for by. */
export interface AskedWord {
  readonly word: string
  readonly terms: readonly WeightedTerm[]
}

/**
 * The terms of a question. A word that no text has is taken for the beginning of one, or for one with a letter wrong.
 */
export function askedWords(index: MemoryIndex, text: string): AskedWord[] {
  const asked: AskedWord[] = []
  const seen = new Set<number>()
  const times = new Map<number, number>()
  for (const word of wordsOf(text)) {
    const term = index.vocabulary.find(word)
    if (term !== undefined) times.set(term, (times.get(term) ?? 0) + 1)
  }
  for (const word of searchWords(text)) {
    const found = termsFor(index, word)
      .filter(({ term }) => !seen.has(term))
      .map(({ term, weight }) => ({ term, weight: weight * askedWeight(times.get(term) ?? 1) }))
    for (const { term } of found) seen.add(term)
    if (found.length > 0) asked.push({ word, terms: found })
  }
  return asked
}

/** What a word counts that a question has so often, as BM25 has it: less and less more. */
function askedWeight(times: number): number {
  return ((REPEATED + 1) * times) / (REPEATED + times)
}

function termsFor(index: MemoryIndex, word: string): WeightedTerm[] {
  const { vocabulary, size } = index
  const term = vocabulary.find(word)
  if (term !== undefined && index.having(term) > 0) return [{ term, weight: 1 }]
  const begun = vocabulary.beginningWith(word, MOST_MEANT)
  const found = begun.length > 0 ? begun : vocabulary.mistyped(word)
  const meant = found.slice(0, MOST_MEANT).map((one) => ({ term: one, having: index.having(one) }))
  const together = meantRarity(
    size,
    meant.map(({ having }) => having),
  )
  return meant.map(({ term: one, having }) => ({ term: one, weight: together / rarityAmong(size, having) }))
}

/**
 * What each of the terms tells that one word was meant for, with which so many texts are: as if they were one term. Each
 * by itself would count the more the rarer it is, and so the less likely that it was meant.
 */
export function meantRarity(all: number, having: readonly number[]): number {
  const sum = having.reduce((whole, count) => whole + count, 0)
  return MEANT_WEIGHT * rarityAmong(all, sum)
}
