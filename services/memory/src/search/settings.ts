/** What the order of memories depends on beside their words; `bench/memory` measures what each is worth. */
export interface RankingSettings {
  /** BM25: how soon a word that comes again tells nothing more, and how much the length of a text counts. */
  readonly k1: number
  readonly b: number
  /**
   * Words by which every text counts as longer: a remark of five is not twice as much about each of them as one of ten.
   * So the length counts for less among remarks than among pages.
   */
  readonly addedLength: number
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
  k1: 0.9,
  b: 0.9,
  addedLength: 10,
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
export function lengthNorm({ k1, b, addedLength }: RankingSettings, averageLength: number): LengthNorm {
  const perWord = (k1 * b) / (averageLength + addedLength)
  return { constant: k1 * (1 - b) + perWord * addedLength, perWord }
}
