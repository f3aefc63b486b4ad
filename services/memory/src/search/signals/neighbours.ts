import { type Documents, NONE } from '../documents.js'
import type { IndexFilter } from '../index-filter.js'
import type { Scoring } from '../scoring.js'
import type { RankingSettings } from '../settings.js'

/** Turns before and after that may say what a turn is about. */
export const TURNS = 4
/** Turns before and after that are found by a turn, though they have none of the words. */
export const FOUND_TURNS = 2
/** What is said before explains a turn better than what is said after: an answer follows its question. */
const AFTER = 0.8
/** A question says more about the turn that comes next, which answers it, than a statement. */
const ASKED = 1.2
/** For each turn further away. */
const DECAY = 0.8
/** What the words of a neighbour count at each distance; turns of the same number are next to each other. */
const NEAR = Float64Array.from({ length: TURNS + 1 }, (_, distance) => DECAY ** Math.max(0, distance - 1))
/** Of each side: turns of one number are all neighbours of each other, and a session may have thousands. */
export const MOST_NEIGHBOURS = 8
/** What is only known to belong together by its time. */
const SUPPOSED = 0.5

export type VisitNeighbour = (neighbour: number, weight: number) => void

/** The turns near one in its session, with what their words count. */
export function eachNeighbour(documents: Documents, doc: number, turns: number, visit: VisitNeighbour): void {
  const { turn, session, before, after, asks } = documents
  const own = turn[doc] as number
  const known = session[doc] === NONE ? SUPPOSED : 1
  let left = MOST_NEIGHBOURS
  for (let at = before[doc] as number; at !== NONE && left > 0; at = before[at] as number, left--) {
    const distance = own - (turn[at] as number)
    if (distance > turns) break
    const asked = distance === 1 && asks[at] === 1 ? ASKED : 1
    visit(at, known * asked * (NEAR[distance] as number))
  }
  left = MOST_NEIGHBOURS
  for (let at = after[doc] as number; at !== NONE && left > 0; at = after[at] as number, left--) {
    const distance = (turn[at] as number) - own
    if (distance > turns) break
    visit(at, known * AFTER * (NEAR[distance] as number))
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
 * words that it has by their rarity; a turn is the neighbour of many, so its part of each is remembered.
 */
export function neighbourScores(
  documents: Documents,
  { scores, had }: Scoring,
  { rarities, filter, settings }: NeighbourContext,
): (doc: number) => number {
  const { neighbourWeight, repeatedWeight } = settings
  const shares = new Map<number, number>()
  const best = new Float64Array(rarities.length)
  const shareOf = (neighbour: number): number => {
    const known = shares.get(neighbour)
    if (known !== undefined) return known
    const share = filter.fits(neighbour)
      ? (scores[neighbour] as number) / wholeOf(had[neighbour] as number, rarities)
      : 0
    shares.set(neighbour, share)
    return share
  }
  const visit: VisitNeighbour = (neighbour, weight) => {
    if (scores[neighbour] === 0) return
    const share = weight * shareOf(neighbour)
    const words = had[neighbour] as number
    for (let i = 0; i < rarities.length; i++) {
      const worth = share * (rarities[i] as number)
      if (worth > (best[i] as number) && hasWord(words, i)) best[i] = worth
    }
  }
  return (doc) => {
    best.fill(0)
    eachNeighbour(documents, doc, TURNS, visit)
    const own = had[doc] as number
    let sum = 0
    for (let i = 0; i < best.length; i++) {
      sum += (best[i] as number) * (hasWord(own, i) ? repeatedWeight : neighbourWeight)
    }
    return sum
  }
}

/** How rare all the words of a document are together. */
function wholeOf(words: number, rarities: readonly number[]): number {
  let whole = 0
  for (let i = 0; i < rarities.length; i++) if (hasWord(words, i)) whole += rarities[i] as number
  return whole
}

/** The bit of a word of the question; those beyond the 16th share the last. */
export function bitOf(word: number): number {
  return 1 << Math.min(word, 15)
}

function hasWord(words: number, word: number): boolean {
  return (words & bitOf(word)) !== 0
}
