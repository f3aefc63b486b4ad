import { MEANT_WEIGHT, MOST_MEANT, searchWords } from '../search/question.js'
import { nearSpellings, SHORTEST_BEGINNING } from '../search/vocabulary.js'
import { termOf } from '../search/words.js'
import type { Session } from './database-pool.js'
import { SCHEMA } from './migrations.js'
import { quoted } from './terms.js'

/** A term that is looked for, and what it counts: the more, the fewer memories have it. */
export interface AskedTerm {
  readonly term: string
  readonly weight: number
  /** Number of memories that have it. */
  readonly memories: number
}

export interface Asked {
  /** The rarest first. */
  readonly terms: readonly AskedTerm[]
  /** Words of a memory, on average. */
  readonly averageLength: number
}

interface Counted {
  readonly word: string
  readonly memories: number
}

/** What a text asks for, as far as there are memories with its words. */
export async function askedFor(session: Session, text: string): Promise<Asked> {
  const words = searchWords(text)
  const [totals] = await session.rows<{ memories: number; terms: number }>(
    `SELECT memories, terms FROM ${SCHEMA}.totals`,
  )
  const { memories: all = 0, terms: length = 0 } = totals ?? {}
  const known = await countedAmong(session, words.map(termOf))
  const terms = new Map<string, AskedTerm>()
  const add = ({ word, memories }: Counted, share: number) => {
    const weight = share * Math.log(1 + Math.max(0, all - memories + 0.5) / (memories + 0.5))
    if (!terms.has(word)) terms.set(word, { term: word, weight, memories })
  }
  for (const one of known) add(one, 1)
  const isKnown = new Set(known.map(({ word }) => word))
  for (const word of words) {
    if (isKnown.has(termOf(word))) continue
    for (const one of await meantBy(session, word)) add(one, MEANT_WEIGHT)
  }
  return {
    terms: [...terms.values()].sort((a, b) => a.memories - b.memories),
    averageLength: Math.max(1, length / Math.max(1, all)),
  }
}

/** A text that has any of these terms, as a `tsquery`. */
export function anyOf(terms: readonly AskedTerm[]): string {
  return terms.map(({ term }) => quoted(term)).join(' | ')
}

/** The terms that a word which no memory has may have been meant for: it is not ended yet, or has a letter wrong. */
async function meantBy(session: Session, word: string): Promise<Counted[]> {
  if (word.length < SHORTEST_BEGINNING) return []
  const begun = await session.rows<Counted>(
    `SELECT word, memories FROM ${SCHEMA}.words WHERE word >= $1 AND word < $2 AND memories > 0
      ORDER BY memories DESC LIMIT ${MOST_MEANT}`,
    [word, `${word}\u{10ffff}`],
  )
  if (begun.length > 0) return begun
  return countedAmong(session, [...new Set([...nearSpellings(word)].map(termOf))])
}

function countedAmong(session: Session, terms: readonly string[]): Promise<Counted[]> {
  return session.rows<Counted>(
    `SELECT word, memories FROM ${SCHEMA}.words WHERE word = ANY($1) AND memories > 0`,
    [terms],
  )
}
