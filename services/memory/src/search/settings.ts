/** What the order of memories depends on beside their words; `bench/memory` measures what each is worth. */
export interface RankingSettings {
  /** How soon a word that comes again tells nothing more, as in BM25. */
  readonly k1: number
  /**
   * Where texts have so many words on average, the length of one counts half (b 0.5 in BM25): less among remarks, whose
   * few words say nothing about each other, and nearly in full among pages.
   */
  readonly halfLength: number
  /** Texts from whose words a question is widened, and how many terms it gets. */
  readonly feedbackTexts: number
  readonly feedbackTerms: number
  /** What all of these count together beside the question's own terms; 0 widens none. */
  readonly feedbackWeight: number
  /** Length of a text from which on half of that is believed it: a short one says too little of what else belongs to it. */
  readonly tellingLength: number
  /** What two words of a question count that follow each other in a text as they do in the question. */
  readonly pairWeight: number
  /** What the words of a neighbour count that the turn itself lacks, and those that it has, too. */
  readonly neighbourWeight: number
  readonly repeatedWeight: number
}

export const RANKING: RankingSettings = {
  k1: 1.2,
  halfLength: 22,
  feedbackTexts: 5,
  feedbackTerms: 20,
  feedbackWeight: 0.1,
  tellingLength: 40,
  pairWeight: 0.2,
  neighbourWeight: 0.6,
  repeatedWeight: 0.3,
}

export interface LengthNorm {
  readonly constant: number
  readonly perWord: number
}

/**
 * What stands beside the frequency of a term in BM25, for a text of so many words:
 * `frequency * (k1 + 1) / (frequency + constant + perWord * length)`.
 */
export function lengthNorm({ k1, halfLength }: RankingSettings, averageLength: number): LengthNorm {
  const b = averageLength ** 2 / (averageLength ** 2 + halfLength ** 2)
  return { constant: k1 * (1 - b), perWord: (k1 * b) / averageLength }
}
