import type { Collection } from '../search/memory-index.js'
import { MOST_MEANT, meantRarity, searchWords } from '../search/question.js'
import { rarityAmong } from '../search/scoring.js'
import { cutEnds, nearSpellings, SHORTEST_BEGINNING } from '../search/vocabulary.js'
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
  /** All memories; of each term above, and of what is added, it knows how many have it. */
  readonly collection: Collection & { readonly having: Map<string, number> }
}

interface Counted {
  readonly word: string
  readonly memories: number
}

interface Totals {
  readonly documents: number
  readonly length: number
}

interface Nothing {
  readonly word: null
}

/** All memories and words, and which of some words there are; one row at least. */
const KNOWN = `SELECT t.memories AS documents, t.terms AS length, w.word, w.memories
  FROM ${SCHEMA}.totals t LEFT JOIN ${SCHEMA}.words w ON w.word = ANY($1) AND w.memories > 0`

/** What a text asks for, as far as there are memories with its words. */
export async function askedFor(session: Session, text: string): Promise<Asked> {
  const words = searchWords(text)
  const found = await session.rows<Totals & (Counted | Nothing)>(KNOWN, [words.map(termOf)])
  const { documents, length } = found[0] ?? { documents: 0, length: 0 }
  const known = found.filter((one): one is Totals & Counted => one.word !== null)
  const terms = new Map<string, AskedTerm>()
  const add = ({ word, memories }: Counted, weight: number) => {
    if (!terms.has(word)) terms.set(word, { term: word, weight, memories })
  }
  for (const one of known) add(one, rarityAmong(documents, one.memories))
  const unknown = words.filter((word) => !terms.has(termOf(word)))
  for (const meant of await meantBy(session, unknown)) {
    const weight = meantRarity(
      documents,
      meant.map(({ memories }) => memories),
    )
    for (const one of meant) add(one, weight)
  }
  return {
    terms: [...terms.values()].sort((a, b) => a.memories - b.memories),
    collection: {
      documents,
      averageLength: Math.max(1, length / Math.max(1, documents)),
      having: new Map([...terms.values()].map(({ term, memories }) => [term, memories])),
    },
  }
}

/** A text that has any of these terms, as a `tsquery`. */
export function anyOf(terms: readonly AskedTerm[]): string {
  return terms.map(({ term }) => quoted(term)).join(' | ')
}

/** Terms in how many memories; those that none has are left out. */
function countedAmong(session: Session, terms: readonly string[]): Promise<Counted[]> {
  if (terms.length === 0) return Promise.resolve([])
  return session.rows<Counted>(
    `SELECT word, memories FROM ${SCHEMA}.words WHERE word = ANY($1) AND memories > 0`,
    [terms],
  )
}

const BEGUN = `SELECT asked.word AS asked, begun.word, begun.memories
  FROM unnest($1::text[]) AS asked (word) CROSS JOIN LATERAL (
    SELECT w.word, w.memories FROM ${SCHEMA}.words w
    WHERE w.word >= asked.word COLLATE "C" AND w.word < (asked.word || U&'\\+10FFFF') COLLATE "C" AND w.memories > 0
    ORDER BY w.memories DESC LIMIT ${MOST_MEANT}
  ) AS begun`

/** For each word that no memory has the terms that it may have been meant for: not ended yet, or with a letter wrong. */
async function meantBy(session: Session, words: readonly string[]): Promise<Counted[][]> {
  const asked = words.filter((word) => word.length >= SHORTEST_BEGINNING)
  if (asked.length === 0) return []
  const begun = await session.rows<Counted & { asked: string }>(BEGUN, [asked])
  const isBegun = new Set(begun.map((one) => one.asked))
  const others = asked.filter((word) => !isBegun.has(word))
  const stems = others.map(cutEnds)
  const spellings = others.map((word) => [...new Set([...nearSpellings(word)].map(termOf))])
  const known = await countedAmong(session, [...new Set([...stems.flat(), ...spellings.flat()])])
  const byTerm = new Map(known.map((one) => [one.word, one]))
  const counted = (terms: readonly string[]) => terms.flatMap((term) => byTerm.get(term) ?? [])
  const found = others.map((_, i) => {
    const stem = counted(stems[i] ?? []).slice(0, 1)
    return stem.length > 0 ? stem : counted(spellings[i] ?? []).slice(0, MOST_MEANT)
  })
  const byWord = [...isBegun].map((word) => begun.filter((one) => one.asked === word))
  return [...byWord, ...found]
}
