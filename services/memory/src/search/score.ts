/**
 * The score of a memory that a search found, in (0, 1]:
 *
 *     relevance * (1 + 0.05 * recency + 0.05 * importance) / 1.1
 *
 * - relevance in (0, 1]: how well its text fits the words, and that of its neighbours in the session, beside the best
 *   that this search found.
 * - recency in (0, 1]: 30 days / (30 days + age), so 1 now, one half after 30 days, never 0. Age counts from
 *   `occurred_at`; what lies in the future counts as now.
 * - importance in [0, 1]: as the sender gave it.
 *
 * The words decide; recency and importance order what fits about equally well, and never make up for more than a
 * twentieth each. Listing without words takes relevance as 1 and orders by time alone.
 */
export const SCORE_WEIGHTS = { recency: 0.05, importance: 0.05 } as const

export const RECENCY_HALF_LIFE_MS = 30 * 24 * 3600 * 1000

/** The factor of recency and importance, from 1 to `MOST_BOOST`. */
export function boost(importance: number, ageMs: number): number {
  const recency = RECENCY_HALF_LIFE_MS / (RECENCY_HALF_LIFE_MS + Math.max(0, ageMs))
  return 1 + SCORE_WEIGHTS.recency * recency + SCORE_WEIGHTS.importance * importance
}

export const MOST_BOOST = 1 + SCORE_WEIGHTS.recency + SCORE_WEIGHTS.importance

/** Scores one memory by the formula of the query, for callers who want to explain a ranking. */
export function score(facts: { relevance: number; importance: number; ageMs: number }): number {
  return (facts.relevance * boost(facts.importance, facts.ageMs)) / MOST_BOOST
}
