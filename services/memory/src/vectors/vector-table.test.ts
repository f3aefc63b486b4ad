import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Database } from '../file/database.js'
import { temporaryFile } from '../store/memory-file.support.js'
import { MemoryStore } from '../store/memory-store.js'
import { stubVector } from './embedding-stub.support.js'
import { VectorKeeper } from './vector-keeper.js'
import { type MissingVector, VectorTable } from './vector-table.js'

let file: string
let store: MemoryStore
let database: Database

beforeEach(() => {
  file = temporaryFile()
  store = MemoryStore.open({ file })
  database = new Database({ file, busyTimeoutMs: 1000 })
})
afterEach(async () => {
  database.close()
  await store.close()
})

const storeAll = async (...contents: string[]) => {
  for (const content of contents)
    await store.store({ content, layer: 'semantic' }, { id: content, source: 'ann' })
}
const vectorOf = (text: string, dimension = 256): Float32Array => {
  const values = stubVector(text, dimension)
  const length = Math.hypot(...values)
  return Float32Array.from(values, (value) => value / length)
}
/** Makes what is missing until nothing is. */
const fill = (table: VectorTable, dimension = 256): string[] => {
  const made: string[] = []
  for (;;) {
    const missing = table.missing(10)
    if (missing.length === 0) return made
    made.push(...missing.map(({ content }) => content))
    table.put(missing.map((one) => ({ ...one, vector: vectorOf(one.content, dimension) })))
  }
}
const nearest = (keeper: VectorKeeper, text: string, model = 'm', dimension = 256) => {
  expect(keeper.catchUp(1000)).toBe(true)
  return keeper.nearest({ model, vector: vectorOf(text, dimension) }, 3, () => true)
}
const contentOf = (seq: number | undefined) =>
  database.prepare<{ content: string }>('SELECT content FROM memories WHERE seq = ?').all(seq ?? 0)[0]
    ?.content

describe('what has no vector', () => {
  it('is found newest first, and what is stored meanwhile before the rest', async () => {
    await storeAll('one', 'two', 'three')
    const table = new VectorTable(database, 'm')
    expect(table.missing(2).map(({ content }) => content)).toEqual(['three', 'two'])
    await storeAll('four', 'five')
    expect(table.missing(10).map(({ content }) => content)).toEqual(['four', 'five'])
    expect(table.missing(10).map(({ content }) => content)).toEqual(['one'])
    expect(table.missing(10)).toEqual([])
    expect(table.counts()).toEqual({ filled: 0, missing: 5, outdated: 0 })
  })

  it('is found again by the next process', async () => {
    await storeAll('one', 'two')
    const first = new VectorTable(database, 'm')
    const [two] = first.missing(1) as [MissingVector]
    first.put([{ ...two, vector: vectorOf('two') }])
    const next = new VectorTable(database, 'm')
    expect(fill(next)).toEqual(['one'])
    expect(next.counts()).toEqual({ filled: 2, missing: 0, outdated: 0 })
    expect(next.dimension).toBe(256)
  })

  it('is what was changed since', async () => {
    await storeAll('one', 'two')
    const table = new VectorTable(database, 'm')
    fill(table)
    database.execute("UPDATE memories SET content = 'changed' WHERE content = 'one'")
    expect(table.counts()).toMatchObject({ filled: 1, missing: 1 })
    expect(fill(table)).toEqual(['changed'])
    database.execute('UPDATE memories SET importance = 1')
    expect(table.counts()).toMatchObject({ filled: 2, missing: 0 })
    expect(fill(table)).toEqual([])
  })

  it('gets none of a text that was changed or forgotten while it was made', async () => {
    await storeAll('one', 'two')
    const table = new VectorTable(database, 'm')
    const missing = table.missing(10)
    database.execute("UPDATE memories SET content = 'changed' WHERE content = 'one'")
    await store.forget({ id: 'two' })
    table.put(missing.map((one) => ({ ...one, vector: vectorOf(one.content) })))
    expect(table.counts()).toMatchObject({ filled: 0 })
    expect(fill(table)).toEqual(['changed'])
  })

  it('is everything for another model, or another dimension of the same one, and nothing is mixed', async () => {
    await storeAll('one', 'two', 'three')
    const keeper = new VectorKeeper(database)
    fill(new VectorTable(database, 'm'))
    expect(nearest(keeper, 'two')?.length).toBe(3)
    const other = new VectorTable(database, 'other')
    expect(other.counts()).toEqual({ filled: 0, missing: 3, outdated: 3 })
    const some = other.missing(1)
    other.put(some.map((one) => ({ ...one, vector: vectorOf(one.content) })))
    expect(nearest(keeper, 'two')).toBeUndefined()
    expect(nearest(keeper, 'two', 'other')?.length).toBe(1)
    expect(other.counts()).toEqual({ filled: 1, missing: 2, outdated: 2 })
    fill(other, 32)
    expect(nearest(keeper, 'two', 'other')).toBeUndefined()
    expect(nearest(keeper, 'two', 'other', 32)?.length).toBe(3)
    expect(other.counts()).toEqual({ filled: 3, missing: 0, outdated: 0 })
    expect(other.dimension).toBe(32)
  })
})

describe('the nearest memories', () => {
  it('are those that say the same in other words', async () => {
    await storeAll('the car is in the garage', 'a violin concert', 'the physician came by')
    fill(new VectorTable(database, 'm'))
    const keeper = new VectorKeeper(database)
    const [first, second] = nearest(keeper, 'which automobile') ?? []
    expect(contentOf(first?.seq)).toBe('the car is in the garage')
    expect(first?.similarity).toBeGreaterThan(second?.similarity ?? 1)
    await storeAll('an automobile')
    fill(new VectorTable(database, 'm'))
    expect(contentOf(nearest(keeper, 'which automobile')?.[0]?.seq)).toBe('an automobile')
  })

  it('are never those that were forgotten or changed', async () => {
    await storeAll('a car', 'an automobile', 'a violin')
    const table = new VectorTable(database, 'm')
    fill(table)
    const keeper = new VectorKeeper(database)
    expect(nearest(keeper, 'a car')?.length).toBe(3)
    await store.forget({ id: 'a car' })
    database.execute("UPDATE memories SET content = 'a piano' WHERE content = 'an automobile'")
    expect(nearest(keeper, 'a car')?.map(({ seq }) => contentOf(seq))).toEqual(['a violin'])
    fill(table)
    expect(nearest(keeper, 'a piano')?.map(({ seq }) => contentOf(seq))).toEqual(['a piano', 'a violin'])
  })

  it('are none before there are vectors', async () => {
    await storeAll('one')
    expect(nearest(new VectorKeeper(database), 'one')).toBeUndefined()
  })

  it('are read in pieces', async () => {
    const insert = database.prepare('INSERT INTO memory_vectors (seq, model, vector) VALUES (?, 1, ?)')
    database.execute("INSERT INTO vector_models (name, dimension) VALUES ('m', 8)")
    database.transaction(() => {
      for (let seq = 1; seq <= 2000; seq++) insert.run(seq, new Uint8Array(12).fill(seq % 100))
    })
    const keeper = new VectorKeeper(database)
    let pieces = 1
    while (!keeper.catchUp(0)) pieces++
    expect(pieces).toBeGreaterThan(3)
    expect(keeper.size.vectors).toBe(2000)
  })
})

describe('a vector', () => {
  it('goes from the file with its memory', async () => {
    await storeAll('secret words')
    fill(new VectorTable(database, 'm'))
    await store.forget({ id: 'secret words' })
    expect(database.prepare('SELECT * FROM memory_vectors').all()).toEqual([])
  })
})
