import type { MemoryRow } from '../model/memory-record.js'
import { namesIn } from '../search/memory-index.js'
import { STOP_WORDS_OF_ENGLISH } from '../search/stop-words.js'
import { termOf, wordsOf } from '../search/words.js'

const STOP_TERMS: ReadonlySet<string> = new Set([...STOP_WORDS_OF_ENGLISH].map(termOf))

/** Positions beyond this are one in PostgreSQL. */
const LAST_POSITION = 16_383

/** The terms of one memory, as PostgreSQL writes a `tsvector`: those of its tags have weight A, of its names B. */
export interface IndexedTerms {
  readonly vector: string
  readonly count: number
}

/** The words of its text, its tags and its names; those that tell nothing apart are found, and not counted. */
export function indexedTerms({
  content,
  tags,
  metadata,
}: Pick<MemoryRow, 'content' | 'tags' | 'metadata'>): IndexedTerms {
  const places = new Map<string, string[]>()
  let at = 0
  let count = 0
  const add = (text: string, weight: string) => {
    for (const term of wordsOf(text).map(termOf)) {
      at += 1
      if (!STOP_TERMS.has(term)) count += 1
      const place = `${Math.min(at, LAST_POSITION)}${weight}`
      const known = places.get(term)
      if (known === undefined) places.set(term, [place])
      else known.push(place)
    }
  }
  add(content, '')
  for (const tag of JSON.parse(tags) as string[]) add(tag, 'A')
  for (const name of namesIn(metadata)) add(name, 'B')
  const vector = [...places].map(([term, all]) => `${quoted(term)}:${all.join(',')}`).join(' ')
  return { vector, count }
}

/** A term as a `tsquery` or `tsvector` has it. */
export function quoted(term: string): string {
  return `'${term.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
