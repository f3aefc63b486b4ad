import type { MemoryWhy } from '@jamey/contracts'
import { namesIn } from './memory-index.js'
import type { Ranker, Ranking } from './ranking.js'
import { boost, RECENCY_HALF_LIFE_MS, SCORE_WEIGHTS } from './score.js'
import { wordsOf } from './words.js'

/** The columns that an explanation needs. */
export interface ExplainedRow {
  readonly content: string
  readonly tags: string
  readonly metadata: string
  readonly importance: number
  readonly occurred_at: number
}

/** Why a document was found, with what each part counts in its score; the parts make up the whole of it. */
export function explanation(
  { index, scoring }: Ranker,
  { parts, asked, best, ranked }: Ranking,
  doc: number,
  row: ExplainedRow,
  nowMs: number,
): MemoryWhy {
  const factor = boost(row.importance, nowMs - row.occurred_at) / best
  const counts = termCounts(row, (word) => index.vocabulary.find(word))
  const length = index.documents.length[doc] as number
  const terms = asked.flatMap(({ word, terms: meant }) => {
    const weight = meant.reduce((sum, one) => {
      const frequency = Math.min(counts.get(one.term) ?? 0, 255)
      return frequency === 0 ? sum : sum + scoring.worth(one, frequency, length)
    }, 0)
    return weight === 0 ? [] : [{ word, weight: rounded(weight * factor) }]
  })
  const part = parts.get(doc)
  const own =
    part?.own ??
    (ranked.find((one) => one.doc === doc)?.score ?? 0) / boost(row.importance, nowMs - row.occurred_at)
  const ofWords = terms.reduce((sum, { weight }) => sum + weight, 0)
  const age = Math.max(0, nowMs - row.occurred_at)
  return {
    terms,
    ...given({
      widened: own * factor - ofWords,
      near: (part?.near ?? 0) * factor,
      time: (part?.time ?? 0) * factor,
      neighbours: (part?.neighbours ?? 0) * factor,
    }),
    recency: rounded((SCORE_WEIGHTS.recency * RECENCY_HALF_LIFE_MS) / (RECENCY_HALF_LIFE_MS + age)),
    importance: rounded(SCORE_WEIGHTS.importance * row.importance),
  }
}

function termCounts(
  { content, tags, metadata }: ExplainedRow,
  termOf: (word: string) => number | undefined,
): Map<number, number> {
  const counts = new Map<number, number>()
  for (const text of [content, ...(JSON.parse(tags) as string[]), ...namesIn(metadata)]) {
    for (const word of wordsOf(text)) {
      const term = termOf(word)
      if (term !== undefined) counts.set(term, (counts.get(term) ?? 0) + 1)
    }
  }
  return counts
}

/** Only what counts at all. */
function given(
  parts: Readonly<Record<'widened' | 'near' | 'time' | 'neighbours', number>>,
): Partial<typeof parts> {
  const entries = Object.entries(parts).map(([name, value]) => [name, rounded(value)] as const)
  return Object.fromEntries(entries.filter(([, value]) => value > 0))
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000
}
