import type { RankingSettings } from '../settings.js'
import type { Vocabulary } from '../vocabulary.js'
import { wordsOf } from '../words.js'

/** Of a text as much is looked through. */
export const CHARACTERS = 8000
/** Words apart at which two follow each other as in the question. */
const PAIR_APART = 2

/** What the words of a question are known by: the place in it of each term, and how rare the word at each place is. */
export interface AskedPlaces {
  readonly places: ReadonlyMap<number, number>
  readonly rarities: readonly number[]
  readonly settings: RankingSettings
}

/**
 * What it is worth that words of a question follow each other in a text, after the sequential dependence model
 * (Metzler and Croft 2005): each pair of words counts once, by the less rare of the two.
 */
export function proximity(
  text: string,
  vocabulary: Vocabulary,
  { places, rarities, settings }: AskedPlaces,
): number {
  const pairs = new Set<number>()
  let last = -1
  let lastAt = 0
  for (const [at, word] of wordsOf(text.slice(0, CHARACTERS)).entries()) {
    const term = vocabulary.find(word)
    const place = term === undefined ? undefined : places.get(term)
    if (place === undefined) continue
    if (last >= 0 && place === last + 1 && at - lastAt <= PAIR_APART) pairs.add(last)
    last = place
    lastAt = at
  }
  let sum = 0
  for (const first of pairs) sum += Math.min(rarities[first] as number, rarities[first + 1] as number)
  return sum * settings.pairWeight
}
