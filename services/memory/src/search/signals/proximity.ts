import type { Vocabulary } from '../vocabulary.js'
import { wordsOf } from '../words.js'

/** Of a text as much is looked through. */
export const CHARACTERS = 8000
/** Words apart at which two of a question still belong together. */
const NEAR = 8
const NEAR_WEIGHT = 0.1
/** What counts beside that where they follow each other as in the question. */
const PAIR_WEIGHT = 0.2
const PAIR_APART = 2

/** What the words of a question are known by: the place in it of each term, and how rare the word at each place is. */
export interface AskedPlaces {
  readonly places: ReadonlyMap<number, number>
  readonly rarities: readonly number[]
}

/**
 * What it is worth that words of a question stand near each other in a text, after the sequential dependence model
 * (Metzler and Croft 2005): each pair of words counts once, by the less rare of the two.
 */
export function proximity(text: string, vocabulary: Vocabulary, { places, rarities }: AskedPlaces): number {
  const worths = new Map<number, number>()
  let last = -1
  let lastAt = 0
  for (const [at, word] of wordsOf(text.slice(0, CHARACTERS)).entries()) {
    const term = vocabulary.find(word)
    const place = term === undefined ? undefined : places.get(term)
    if (place === undefined) continue
    if (last >= 0 && place !== last && at - lastAt <= NEAR) {
      const isPair = place === last + 1 && at - lastAt <= PAIR_APART
      const weight = NEAR_WEIGHT + (isPair ? PAIR_WEIGHT : 0)
      const worth = weight * Math.min(rarities[last] as number, rarities[place] as number)
      const pair = Math.min(last, place) * rarities.length + Math.max(last, place)
      worths.set(pair, Math.max(worth, worths.get(pair) ?? 0))
    }
    last = place
    lastAt = at
  }
  return [...worths.values()].reduce((sum, worth) => sum + worth, 0)
}
