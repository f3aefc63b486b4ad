import type { Session } from './database-pool.js'
import { SCHEMA } from './migrations.js'
import { quoted, termsOf } from './terms.js'

/** Words that are looked for where one is unknown: those that begin with it. */
const COMPLETIONS = 50

export interface AskedWords {
  /** Each with its weight, which is the greater the fewer memories have it. */
  readonly words: readonly { readonly word: string; readonly weight: number }[]
  /** The same as a `tsquery`, any of which is enough. */
  readonly match: string
  /** Words of a memory, on average. */
  readonly averageLength: number
}

interface CountedWord {
  readonly word: string
  readonly memories: number
}

/** What a text asks for, as far as there are memories with its words. */
export async function askedWords(session: Session, text: string): Promise<AskedWords> {
  const terms = termsOf(text)
  const [totals] = await session.rows<{ memories: number; terms: number }>(
    `SELECT memories, terms FROM ${SCHEMA}.totals`,
  )
  const { memories = 0, terms: length = 0 } = totals ?? {}
  const counted = await countedWords(session, terms)
  const words = counted.map(({ word, memories: having }) => ({
    word,
    weight: Math.log(1 + Math.max(0, memories - having + 0.5) / (having + 0.5)),
  }))
  const match = words.map(({ word }) => quoted(word)).join(' | ')
  return { words, match, averageLength: Math.max(1, length / Math.max(1, memories)) }
}

/** The last word may be unfinished: where no memory has it, those that begin with it stand in its place. */
async function countedWords(session: Session, terms: readonly string[]): Promise<CountedWord[]> {
  const known = await session.rows<CountedWord>(
    `SELECT word, memories FROM ${SCHEMA}.words WHERE word = ANY($1) AND memories > 0`,
    [terms],
  )
  const last = terms.at(-1)
  if (last === undefined || known.some(({ word }) => word === last)) return known
  const completed = await session.rows<CountedWord>(
    `SELECT word, memories FROM ${SCHEMA}.words WHERE word >= $1 AND word < $2 ORDER BY memories DESC LIMIT ${COMPLETIONS}`,
    [last, `${last}\u{10ffff}`],
  )
  return [...known, ...completed]
}
