import type { Engine } from './engines.js'
import type { EvaluationSet } from './sets.js'

export interface Quality {
  readonly set: string
  readonly engine: string
  readonly questions: number
  readonly recall1: number
  readonly recall5: number
  readonly recall10: number
  /** Of the first answer, among the first 20. */
  readonly mrr: number
  readonly ndcg10: number
}

const LOOKED_AT = 20

/** Means over the questions, in percent. */
export async function qualityOf({ name, questions }: EvaluationSet, engine: Engine): Promise<Quality> {
  const sums = { recall1: 0, recall5: 0, recall10: 0, mrr: 0, ndcg10: 0 }
  for (const { text, answers } of questions) {
    const wanted = new Set(answers)
    const hits = (await engine.find(text, LOOKED_AT)).map((place) => wanted.has(place))
    const within = (count: number): number => hits.slice(0, count).filter(Boolean).length / wanted.size
    sums.recall1 += within(1)
    sums.recall5 += within(5)
    sums.recall10 += within(10)
    const first = hits.indexOf(true)
    if (first >= 0) sums.mrr += 1 / (first + 1)
    sums.ndcg10 +=
      gain(hits.slice(0, 10)) / gain(Array.from({ length: Math.min(10, wanted.size) }, () => true))
  }
  const mean = (sum: number): number => (100 * sum) / questions.length
  return {
    set: name,
    engine: engine.name,
    questions: questions.length,
    recall1: mean(sums.recall1),
    recall5: mean(sums.recall5),
    recall10: mean(sums.recall10),
    mrr: mean(sums.mrr),
    ndcg10: mean(sums.ndcg10),
  }
}

function gain(hits: readonly boolean[]): number {
  return hits.reduce((sum, isHit, i) => sum + (isHit ? 1 / Math.log2(i + 2) : 0), 0)
}
