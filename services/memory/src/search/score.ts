/**
 * The score of a memory that a search found, in (0, 1]:
 *
 *     0.7 * relevance + 0.15 * recency + 0.15 * importance
 *
 * - relevance in (0, 1]: its BM25 divided by the best BM25 among everything this search found. BM25 itself
 *   depends on the size of the collection (and nears 0 in a small one), so only the ratio can be compared.
 * - recency in (0, 1]: 30 days / (30 days + age), so 1 now, one half after 30 days, never 0. Age counts from
 *   `occurred_at`; what lies in the future counts as now.
 * - importance in [0, 1]: as the sender gave it.
 *
 * The words decide; recency and importance order what fits about equally well. Listing without words takes
 * relevance as 1 and orders by time alone.
 */
export const SCORE_WEIGHTS = { relevance: 0.7, recency: 0.15, importance: 0.15 } as const

export const RECENCY_HALF_LIFE_MS = 30 * 24 * 3600 * 1000

/** Scores one memory by the formula of the query, for callers who want to explain a ranking. */
export function score(facts: { relevance: number; importance: number; ageMs: number }): number {
  const recency = RECENCY_HALF_LIFE_MS / (RECENCY_HALF_LIFE_MS + Math.max(0, facts.ageMs))
  const { relevance, recency: recencyWeight, importance } = SCORE_WEIGHTS
  return Math.min(1, relevance * facts.relevance + recencyWeight * recency + importance * facts.importance)
}

/**
 * The formula in SQL over the columns `importance` and `occurred_at`; `relevance` is an expression in (0, 1], and
 * the one parameter is the present in milliseconds.
 */
export function scoreSql(relevance: string): string {
  const weight = SCORE_WEIGHTS
  return `min(1.0, ${weight.relevance} * (${relevance})
    + ${weight.recency} * (${RECENCY_HALF_LIFE_MS}.0 / (${RECENCY_HALF_LIFE_MS}.0 + max(0.0, ? - occurred_at)))
    + ${weight.importance} * importance)`
}
