import { createRequire } from 'node:module'
import { join } from 'node:path'
import { MemoryStore, type RankingSettings } from '@jamey/memory'
import Libsql from 'libsql'
import MiniSearch from 'minisearch'
import type { Text } from './sets.js'

/** Anything that finds texts: their places, the best first. */
export interface Engine {
  readonly name: string
  find(question: string, limit: number): Promise<number[]> | number[]
  close(): Promise<void> | void
}

interface Bm25 {
  defineConfig(config: object): void
  definePrepTasks(tasks: readonly unknown[]): void
  addDoc(doc: object, id: number): void
  consolidate(): void
  search(text: string, limit: number): [string, number][]
}

/** A text may be of a session, and the memory is told so, or not. */
export async function ours(texts: readonly Text[], folder: string, hasSessions: boolean): Promise<Engine> {
  const file = join(folder, `memory-${hasSessions}.db`)
  await fill(file, texts, hasSessions)
  return openedOurs(file, hasSessions ? 'jamey, with sessions' : 'jamey')
}

export async function fill(file: string, texts: readonly Text[], hasSessions: boolean): Promise<void> {
  const store = MemoryStore.open({ file })
  const stored = texts.map(({ content, session, turn }, i) =>
    store.store(
      {
        content,
        layer: 'semantic',
        duplicates: 'keep',
        ...(hasSessions && session !== undefined ? { session_id: session, turn: turn ?? 0 } : {}),
      },
      { id: String(i), source: 'bench' },
    ),
  )
  await Promise.all(stored)
  await store.close()
}

export function openedOurs(file: string, name: string, ranking: Partial<RankingSettings> = {}): Engine {
  const store = MemoryStore.open({ file, ranking, queryMs: 600_000 })
  return {
    name,
    find: async (query, limit) => (await store.query({ query, limit })).memories.map(({ id }) => Number(id)),
    close: () => store.close(),
  }
}

const STOP = new Set(
  'a an the of in on at to for and or is are was were did do does what which who where when how with by from his her their now these'.split(
    ' ',
  ),
)

/** The words of a text but for stop words. */
export function tellingWords(text: string): string[] {
  return (text.toLowerCase().match(/[a-z0-9]+/g) ?? []).filter((word) => !STOP.has(word))
}

/** Plain FTS5 with Porter's stemmer, any of the words that are not stop words. */
export function fts5(texts: readonly Text[]): Engine {
  const database = new Libsql(':memory:')
  database.exec("CREATE VIRTUAL TABLE t USING fts5(content, tokenize = 'porter unicode61')")
  const insert = database.prepare<[number, string]>('INSERT INTO t (rowid, content) VALUES (?, ?)')
  for (const [i, { content }] of texts.entries()) insert.run(i + 1, content)
  const select = database.prepare<[string, number]>(
    'SELECT rowid FROM t WHERE t MATCH ? ORDER BY bm25(t) LIMIT ?',
  )
  return {
    name: 'FTS5 porter',
    find: (question, limit) => {
      const match = tellingWords(question)
        .map((word) => `"${word}"`)
        .join(' OR ')
      if (match === '') return []
      return (select.all(match, limit) as { rowid: number }[]).map(({ rowid }) => rowid - 1)
    },
    close: () => void database.close(),
  }
}

export function miniSearch(texts: readonly Text[]): Engine {
  const index = new MiniSearch({ fields: ['content'] })
  index.addAll(texts.map(({ content }, id) => ({ id, content })))
  return {
    name: 'minisearch, prefix and fuzzy',
    find: (question, limit) =>
      index
        .search(question, { prefix: true, fuzzy: 0.2 })
        .slice(0, limit)
        .map(({ id }) => Number(id)),
    close: () => {},
  }
}

export function wink(texts: readonly Text[]): Engine {
  const require = createRequire(import.meta.url)
  const engine = (require('wink-bm25-text-search') as () => Bm25)()
  const { string, tokens } = require('wink-nlp-utils') as {
    readonly string: Readonly<Record<string, unknown>>
    readonly tokens: Readonly<Record<string, unknown>>
  }
  engine.defineConfig({ fldWeights: { content: 1 } })
  engine.definePrepTasks([string['lowerCase'], string['tokenize0'], tokens['removeWords'], tokens['stem']])
  for (const [i, { content }] of texts.entries()) engine.addDoc({ content }, i)
  engine.consolidate()
  return {
    name: 'wink-bm25-text-search',
    find: (question, limit) => engine.search(question, limit).map(([id]) => Number(id)),
    close: () => {},
  }
}
