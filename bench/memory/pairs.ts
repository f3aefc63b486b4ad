import type { EvaluationSet, Question, Text } from './sets.js'

/** Texts have about as many words as an abstract. */
const WORDS = 150
const LEAST_WORDS = 25
const LEAST_ASKED = 4
const QUESTIONS = 400

/** A text and what is said about it elsewhere. */
export interface Pair {
  readonly question: string
  readonly content: string
  /** Names of the text, and of others that belong to the same matter and so are answers, too. */
  readonly names?: readonly string[]
  readonly related?: readonly string[]
}

/** Each question is answered by its text, and by the related ones; what several texts are asked by is asked for none. */
export function setOfPairs(name: string, pairs: readonly Pair[]): EvaluationSet {
  const kept = pairs
    .map((pair) => ({
      ...pair,
      question: plain(pair.question),
      content: firstWords(plain(pair.content), WORDS),
    }))
    .filter(({ content }) => wordCount(content) >= LEAST_WORDS)
  const times = new Map<string, number>()
  for (const { question } of kept) times.set(question, (times.get(question) ?? 0) + 1)
  const places = new Map(kept.flatMap(({ names = [] }, i) => names.map((one) => [one, i] as const)))
  const questions = kept.flatMap(({ question, related = [] }, i): Question[] => {
    if (wordCount(question) < LEAST_ASKED || times.get(question) !== 1) return []
    const others = related.flatMap((one) => places.get(one) ?? [])
    return [{ text: question, answers: [...new Set([i, ...others])] }]
  })
  const texts = kept.map(({ content }): Text => ({ content }))
  return { name, texts, questions: evenly(questions, QUESTIONS) }
}

/** So many of them at most, taken at equal distances. */
export function evenly<Item>(items: readonly Item[], most: number): Item[] {
  const step = Math.max(1, items.length / most)
  return Array.from({ length: Math.min(items.length, most) }, (_, i) => items[Math.floor(i * step)] as Item)
}

export function wordCount(text: string): number {
  return text.split(' ').filter(Boolean).length
}

export function firstWords(text: string, count: number): string {
  return text.split(' ').slice(0, count).join(' ')
}

function plain(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
