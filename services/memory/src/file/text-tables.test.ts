import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFile, temporaryStore } from '../store/memory-file.support.js'
import type { MemoryStore } from '../store/memory-store.js'
import { Database } from './database.js'
import { migrate } from './migrate.js'
import { MIGRATIONS } from './schema.js'

/** Version of files whose texts stood in an index of their memories. */
const WITH_INDEX = 6
const AT_ONCE = 500

function databaseAt(file: string): Database {
  const database = new Database({ file, busyTimeoutMs: 1000 })
  onTestFinished(() => database.close())
  return database
}

/** Numbers of the memories whose texts each table has. */
function textsIn(file: string): { isNew: number[]; moved: number[] } {
  const database = new Database({ file, busyTimeoutMs: 1000 })
  const seqsIn = (table: string) =>
    database
      .prepare<{ seq: number }>(`SELECT seq FROM ${table} ORDER BY seq`)
      .all()
      .map(({ seq }) => seq)
  const found = { isNew: seqsIn('new_texts'), moved: seqsIn('memory_texts') }
  database.close()
  return found
}

const put = (store: MemoryStore, content: string, id = content) =>
  store.store({ content, layer: 'semantic' }, { id, source: 'ann' })
/** As many at once as one commit takes. */
async function putMany(store: MemoryStore, from: number, count: number): Promise<void> {
  for (let i = from; i < from + count; i += AT_ONCE) {
    const size = Math.min(AT_ONCE, from + count - i)
    await Promise.all(Array.from({ length: size }, (_, j) => put(store, `text ${i + j}`)))
  }
}
const turn = () => new Promise(setImmediate)

describe('texts of memories', () => {
  it('are taken from the index of an older file, whose memories are found by them', async () => {
    const file = temporaryFile()
    const old = databaseAt(file)
    migrate(old, MIGRATIONS.slice(0, WITH_INDEX))
    old.close()
    const texts = ['one', 'two', 'three']
    const { store: current, file: other } = temporaryStore()
    for (const text of texts) await put(current, text)
    await current.close()
    // The memories as they are, in a file that has no tables of texts.
    const filled = databaseAt(file)
    filled.execute(
      `ATTACH '${other}' AS other; INSERT INTO memories SELECT * FROM other.memories; DETACH other`,
    )
    filled.close()

    const { store } = temporaryStore({ file })
    expect(textsIn(file)).toEqual({ isNew: [], moved: [1, 2, 3] })
    for (const text of texts) expect(await put(store, text, `${text} again`)).toMatchObject({ merged: true })
    const indexes = databaseAt(file).prepare("SELECT 1 FROM sqlite_schema WHERE name = 'memories_by_text'")
    expect(indexes.all()).toEqual([])
  })

  it('are moved together once there are many, and are found before and after it', async () => {
    const { store, file } = temporaryStore()
    await putMany(store, 0, 4000)
    await turn()
    expect(textsIn(file).moved).toEqual([])
    await putMany(store, 4000, 100)
    await turn()
    expect(textsIn(file)).toEqual({ isNew: [], moved: Array.from({ length: 4100 }, (_, i) => i + 1) })
    await putMany(store, 4100, 2)
    for (const text of ['text 7', 'text 4101']) {
      expect(await put(store, text, `${text} again`)).toMatchObject({ merged: true })
    }
  })

  it('stay where they are while they cannot be moved, and whoever stores does not notice', async () => {
    const { store, file } = temporaryStore({ busyTimeoutMs: 1 })
    await putMany(store, 0, 4100)
    const other = databaseAt(file)
    other.execute('BEGIN IMMEDIATE')
    await turn()
    other.execute('ROLLBACK')
    expect(textsIn(file).moved).toEqual([])
    expect((await put(store, 'one more')).created).toBe(true)
    expect(await put(store, 'text 5', 'again')).toMatchObject({ merged: true })
    await store.close()
    const { store: next } = temporaryStore({ file })
    await put(next, 'and another')
    await turn()
    expect(textsIn(file).moved).toHaveLength(4102)
  })

  it('are in neither table once their memories have another text, or are forgotten', async () => {
    const { store, file } = temporaryStore()
    await putMany(store, 0, 4096)
    await turn()
    await put(store, 'new')
    for (const id of ['text 0', 'new']) await store.forget({ id })
    await store.update({ id: 'text 1', content: 'something else' })
    const { isNew, moved } = textsIn(file)
    expect(isNew).toEqual([2])
    expect(moved).toEqual(Array.from({ length: 4094 }, (_, i) => i + 3))
    expect(await put(store, 'text 1', 'again')).toMatchObject({ created: true })
    expect(await put(store, 'something else', 'same')).toMatchObject({
      merged: true,
      memory: { id: 'text 1' },
    })
  })
})
