import { stemmer } from 'stemmer'
import { type Engine, tellingWords } from './engines.js'
import type { Text } from './sets.js'

interface Bm25Options {
  readonly k1: number
  readonly b: number
  /** Adds to a turn so much of the best score among those within two turns of it, each 0.7 of the one before. */
  readonly neighbour?: number
}

type Scores = Map<number, number>

const TURNS = 2
const DECAY = 0.7

/** BM25 as it is in textbooks, over stems (Porter) without stop words. */
export function bm25(texts: readonly Text[], { k1, b, neighbour = 0 }: Bm25Options): Engine {
  const postings = new Map<string, Map<number, number>>()
  const lengths = texts.map(({ content }, i) => {
    const terms = termsOf(content)
    for (const term of terms) {
      const counts = postings.get(term) ?? new Map<number, number>()
      postings.set(term, counts.set(i, (counts.get(i) ?? 0) + 1))
    }
    return terms.length
  })
  const average = lengths.reduce((sum, length) => sum + length, 0) / lengths.length
  const scoresOf = (question: string): Scores => {
    const scores: Scores = new Map()
    for (const term of new Set(termsOf(question))) {
      const counts = postings.get(term) ?? new Map<number, number>()
      const rarity = Math.log(1 + (texts.length - counts.size + 0.5) / (counts.size + 0.5))
      for (const [i, count] of counts) {
        const norm = k1 * (1 - b + (b * (lengths[i] as number)) / average)
        scores.set(i, (scores.get(i) ?? 0) + (rarity * count * (k1 + 1)) / (count + norm))
      }
    }
    return scores
  }
  const beside = neighbour === 0 ? undefined : neighboursOf(texts)
  return {
    name: `BM25 ${k1} ${b}${beside === undefined ? '' : `, neighbours ${neighbour}`}`,
    find: (question, limit) => {
      const own = scoresOf(question)
      const scores = beside === undefined ? own : withNeighbours(own, beside, neighbour)
      return [...scores].sort(([i, x], [j, y]) => y - x || i - j).flatMap(([i], at) => (at < limit ? i : []))
    },
    close: () => {},
  }
}

function termsOf(text: string): string[] {
  return tellingWords(text).map((word) => stemmer(word))
}

/** The turns near each in its session, with what they count. */
function neighboursOf(texts: readonly Text[]): (i: number) => [number, number][] {
  const key = (session: string, turn: number) => `${turn} ${session}`
  const places = new Map(texts.map(({ session = '', turn = 0 }, i) => [key(session, turn), i]))
  const distances = Array.from({ length: TURNS }, (_, i) => [i + 1, -i - 1]).flat()
  return (i) => {
    const { session = '', turn = 0 } = texts[i] as Text
    return distances.flatMap((distance) => {
      const place = places.get(key(session, turn + distance))
      return place === undefined ? [] : [[place, DECAY ** (Math.abs(distance) - 1)]]
    })
  }
}

function withNeighbours(own: Scores, beside: (i: number) => [number, number][], part: number): Scores {
  const found = new Set([...own.keys()].flatMap((i) => [i, ...beside(i).map(([place]) => place)]))
  const worth = (i: number) =>
    Math.max(0, ...beside(i).map(([place, weight]) => weight * (own.get(place) ?? 0)))
  return new Map(Array.from(found, (i) => [i, (own.get(i) ?? 0) + part * worth(i)]))
}
