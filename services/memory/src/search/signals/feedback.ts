import type { MemoryIndex } from '../memory-index.js'
import type { Scoring, WeightedTerm } from '../scoring.js'
import type { RankingSettings } from '../settings.js'
import { wordsOf } from '../words.js'

/** Below this share widening a question is not worth the time. */
const LEAST_SHARE = 0.2
/** Terms that a larger share of all texts has would cost much and say little. */
const COMMON = 0.1

/** One of the texts that fit best so far. */
export interface FeedbackText {
  readonly text: string
  readonly score: number
  /** Words that tell something. */
  readonly length: number
}

/** How far texts of this length are believed, from 0 to 1; 0 where nothing is to be learnt from them. */
export function feedbackShare(
  lengths: readonly number[],
  { feedbackWeight, tellingLength }: RankingSettings,
): number {
  if (lengths.length === 0 || feedbackWeight === 0) return 0
  const average = lengths.reduce((sum, length) => sum + length, 0) / lengths.length
  const share = average ** 2 / (average ** 2 + tellingLength ** 2)
  return share < LEAST_SHARE ? 0 : share
}

/**
 * Terms that the best texts for a question have in common, weighted as in a relevance model (RM3; Lavrenko and Croft
 * 2001, Abdul-Jaleel and others 2004): texts about the same matter use them, whatever words were asked with.
 */
export function feedbackTerms(
  index: MemoryIndex,
  scoring: Scoring,
  texts: readonly FeedbackText[],
  { asked, settings }: { readonly asked: number; readonly settings: RankingSettings },
): WeightedTerm[] {
  const weights = new Map<number, number>()
  const whole = texts.reduce((sum, { score }) => sum + score, 0)
  for (const { text, score } of texts) {
    const counts = termCounts(index, text)
    const length = [...counts.values()].reduce((sum, count) => sum + count, 0)
    for (const [term, count] of counts) {
      weights.set(term, (weights.get(term) ?? 0) + ((score / whole) * count) / length)
    }
  }
  const most = index.size * COMMON
  const chosen = [...weights]
    .filter(([term]) => index.having(term) > 1 && index.having(term) <= most)
    .map(([term, weight]) => ({ term, weight, worth: weight * scoring.rarity(term) }))
    .sort((a, b) => b.worth - a.worth)
    .slice(0, settings.feedbackTerms)
  const sum = chosen.reduce((all, { weight }) => all + weight, 0)
  const lengths = texts.map(({ length }) => length)
  const factor = (feedbackShare(lengths, settings) * settings.feedbackWeight * asked) / sum
  return chosen.map(({ term, weight }) => ({ term, weight: weight * factor }))
}

function termCounts(index: MemoryIndex, text: string): Map<number, number> {
  const counts = new Map<number, number>()
  for (const word of wordsOf(text)) {
    const term = index.vocabulary.find(word)
    if (term !== undefined && !index.isStop(term)) counts.set(term, (counts.get(term) ?? 0) + 1)
  }
  return counts
}
