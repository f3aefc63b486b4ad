import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Database } from '../file/database.js'
import { MemoryStore } from './memory-store.js'
import { reindexMemoryFile } from './reindex.js'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-reindex-'))
  file = join(folder, 'memory.db')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('makes tags and texts anew, and has a store that is open read the words again', async () => {
  const store = MemoryStore.open({ file })
  const tags = ['a', 'b']
  await store.store({ content: 'Quinces ripen in October', tags }, { id: 'one', source: 'me' })
  await store.store({ content: 'Pears ripen in August' }, { id: 'two', source: 'me' })
  const totalOf = async (query: object) => (await store.query(query)).total
  expect(await totalOf({ query: 'quinces' })).toBe(1)

  // What a program that knows nothing of the rest does to the file.
  const other = new Database({ file, busyTimeoutMs: 1000 })
  other.execute('DELETE FROM memory_tags')
  other.execute('DELETE FROM new_texts')
  other.execute("UPDATE memories SET content = 'Apples ripen in October' WHERE id = 'one'")
  other.execute('DELETE FROM memory_changes WHERE at > 0')
  other.close()
  expect(await totalOf({ tags: ['a'] })).toBe(0)
  expect(await totalOf({ query: 'apples' })).toBe(0)

  expect(await reindexMemoryFile(file, 1000)).toEqual({ memories: 2, tags: 2 })
  expect(await totalOf({ tags: ['a', 'b'] })).toBe(1)
  expect(await totalOf({ query: 'apples' })).toBe(1)
  expect(await totalOf({ query: 'pears' })).toBe(1)
  const again = await store.store({ content: 'Pears ripen in August' }, { id: 'again', source: 'me' })
  expect(again).toMatchObject({ merged: true, memory: { id: 'two' } })
  await store.store({ content: 'Plums ripen in September' }, { id: 'three', source: 'me' })
  expect(await totalOf({ query: 'plums' })).toBe(1)
  await store.close()
})
