import { searchWords } from '../search/match-expression.js'

/** Positions beyond this are one in PostgreSQL. */
const LAST_POSITION = 16_383

/** The terms of one memory, as PostgreSQL writes a `tsvector`: those of its tags have weight A. */
export interface IndexedTerms {
  readonly vector: string
  readonly count: number
}

export function termsOf(text: string): string[] {
  return searchWords(text).map((word) => word.toLowerCase())
}

export function indexedTerms(content: string, tags: readonly string[]): IndexedTerms {
  const places = new Map<string, string[]>()
  let count = 0
  const add = (term: string, weight: string) => {
    count += 1
    const at = `${Math.min(count, LAST_POSITION)}${weight}`
    const known = places.get(term)
    if (known === undefined) places.set(term, [at])
    else known.push(at)
  }
  for (const term of termsOf(content)) add(term, '')
  for (const tag of tags) for (const term of termsOf(tag)) add(term, 'A')
  const vector = [...places].map(([term, at]) => `${quoted(term)}:${at.join(',')}`).join(' ')
  return { vector, count }
}

/** A term as a `tsquery` or `tsvector` has it. */
export function quoted(term: string): string {
  return `'${term.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
