import { type Documents, NONE } from '../documents.js'
import type { IndexFilter } from '../index-filter.js'
import type { Scoring } from '../scoring.js'
import type { RankingSettings } from '../settings.js'

/** Turns before and after that may say what a turn is about. */
export const TURNS = 4
/** What is said before explains a turn better than what is said after: an answer follows its question. */
const AFTER = 0.8
/** For each turn further away. */
const DECAY = 0.8
/** What is only known to belong together by its time. */
const SUPPOSED = 0.5

export type VisitNeighbour = (neighbour: number, weight: number) => void

/** The turns near one in its session, with what their words count. */
export function eachNeighbour(documents: Documents, doc: number, visit: VisitNeighbour): void {
  const { turn, session, before, after } = documents
  const own = turn[doc] as number
  const known = session[doc] === NONE ? SUPPOSED : 1
  for (let at = before[doc] as number; at !== NONE; at = before[at] as number) {
    const distance = own - (turn[at] as number)
    if (distance > TURNS) break
    visit(at, known * DECAY ** Math.max(0, distance - 1))
  }
  for (let at = after[doc] as number; at !== NONE; at = after[at] as number) {
    const distance = (turn[at] as number) - own
    if (distance > TURNS) break
    visit(at, known * AFTER * DECAY ** Math.max(0, distance - 1))
  }
}

export interface NeighbourContext {
  readonly rarities: readonly number[]
  readonly filter: IndexFilter
  readonly settings: RankingSettings
}

/**
 * What the neighbours of a turn add to it. Each word of the question counts once, where it is worth most: what was
 * asked in one turn and answered in the next is found by the words of both. A neighbour's score is divided among the
 * words that it has by their rarity.
 */
export function neighbourScore(
  documents: Documents,
  { scores, had }: Scoring,
  doc: number,
  { rarities, filter, settings }: NeighbourContext,
): number {
  let best: number[] | undefined
  eachNeighbour(documents, doc, (neighbour, weight) => {
    const score = scores[neighbour] as number
    if (score === 0 || !filter.fits(neighbour)) return
    best ??= rarities.map(() => 0)
    const words = had[neighbour] as number
    let whole = 0
    for (let i = 0; i < rarities.length; i++) if (hasWord(words, i)) whole += rarities[i] as number
    for (let i = 0; i < rarities.length; i++) {
      if (!hasWord(words, i)) continue
      best[i] = Math.max(best[i] as number, (weight * score * (rarities[i] as number)) / whole)
    }
  })
  if (best === undefined) return 0
  const own = had[doc] as number
  const { neighbourWeight, repeatedWeight } = settings
  return best.reduce((sum, worth, i) => sum + worth * (hasWord(own, i) ? repeatedWeight : neighbourWeight), 0)
}

/** The bit of a word of the question; those beyond the 16th share the last. */
export function bitOf(word: number): number {
  return 1 << Math.min(word, 15)
}

function hasWord(words: number, word: number): boolean {
  return (words & bitOf(word)) !== 0
}
