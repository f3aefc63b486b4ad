/** What a set for measuring consists of, whatever it was made from. */
export interface Text {
  readonly content: string
  /** Texts of one session follow each other by their turns; those without one stand for themselves. */
  readonly session?: string | undefined
  readonly turn?: number | undefined
}

export interface Question {
  readonly text: string
  /** Places in the texts of those that answer it. */
  readonly answers: readonly number[]
}

export interface EvaluationSet {
  readonly name: string
  /** What belongs together in its sessions was said in them, and does not tell the answer by itself. */
  readonly isConversation?: boolean
  readonly texts: readonly Text[]
  readonly questions: readonly Question[]
}

/** Numbers from 0 to 1 that are the same in every run. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
