import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { topics } from '@jamey/contracts'
import Libsql from 'libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FakeBus } from '../service/bus.support.js'
import { createMemory } from '../service/memory-service.js'
import { fakeClock, temporaryFile, temporaryStore } from '../store/memory-file.support.js'
import { MemoryStore } from '../store/memory-store.js'
import { checkMemoryFile } from './check-memory-file.js'
import { Database } from './database.js'
import { migrate } from './migrate.js'
import { type Salvaged, salvage } from './salvage.js'
import { MIGRATIONS } from './schema.js'

const COUNT = 400
const PAGE = 4096

/** A file with so many memories, of which some pages in the middle are overwritten. */
async function damagedFile(): Promise<string> {
  const { store, file } = temporaryStore()
  await Promise.all(
    Array.from({ length: COUNT }, (_, i) =>
      store.store(
        { content: `${i} ${'words '.repeat(150)}`, layer: 'semantic' },
        { id: `m${i}`, source: 'ada' },
      ),
    ),
  )
  await store.update({ id: 'm1', content: 'changed since' })
  await store.close()
  const bytes = readFileSync(file)
  const middle = Math.floor(bytes.length / PAGE / 2)
  bytes.fill(0xa5, middle * PAGE, (middle + 4) * PAGE)
  writeFileSync(file, bytes)
  return file
}

describe('a damaged memory file', () => {
  const inThisThread = async (options: Parameters<typeof MemoryStore.open>[0]) => MemoryStore.open(options)

  it.each([
    ['in its own thread', {}],
    ['in this one', { open: inThisThread }],
  ])('is set aside %s, and what can be read of it is served from a new one', async (_where, opened) => {
    const file = await damagedFile()
    const bus = new FakeBus()
    const service = createMemory({ file, bus: bus.asBus(), clock: fakeClock(), ...opened })
    onTestFinished(() => service.stop({ graceMs: 0 }))
    await service.start()
    const memories = (await service.stats())?.memories ?? 0
    expect(memories).toBeGreaterThan(COUNT / 2)
    expect(memories).toBeLessThan(COUNT)
    const told = bus.reported.find(({ kind }) => kind === 'storage-damaged')?.error as Error
    expect(told.message).toContain(`a new one has the ${memories} memories that could be read`)
    const aside = readdirSync(dirname(file)).filter((name) => name.startsWith('memory.db.damaged-'))
    expect(aside).toContain('memory.db.damaged-2026-05-01T12-00-00-000Z')
    expect(told.message).toContain(aside[0])
    const ada = { clientId: 'ada' }
    expect(await bus.request(topics.memory.store, { content: 'and it goes on' }, ada)).toMatchObject({
      created: true,
    })
    const found = await bus.request(topics.memory.query, { query: 'words', limit: 1 }, ada)
    expect(found.total).toBe(memories - 1)
    expect(await bus.request(topics.memory.history, { id: 'm1' }, ada)).toMatchObject({
      versions: [{ content: 'changed since', version: 2 }, { version: 1 }],
    })
    await service.stop()
    expect(checkMemoryFile(file).memories).toBe(memories + 1)
  })

  it('is refused by whoever is not its owner, and left as it is', async () => {
    const file = await damagedFile()
    const before = readFileSync(file)
    expect(() => MemoryStore.open({ file })).toThrow(expect.objectContaining({ code: 'storage-damaged' }))
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  it('stays where it is until all is read: whoever is stopped on the way begins again', async () => {
    const file = await damagedFile()
    const before = readFileSync(file)
    const full = (path: string, version: number): Database => {
      const database = new Database({ file: path, busyTimeoutMs: 2000, maximumFileBytes: 200_000 })
      migrate(database, MIGRATIONS.slice(0, version))
      return database
    }
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(() => salvage(file, 0, full)).toThrow(expect.objectContaining({ code: 'storage-full' }))
      expect(readFileSync(file).equals(before)).toBe(true)
      expect(readdirSync(dirname(file)).filter((name) => /damaged|salvaged/.test(name))).toEqual([])
    }
    // What one that was killed had filled.
    writeFileSync(`${file}.salvaged`, before.subarray(0, 100_000))
    const { memories, setAside } = salvaged(file)
    expect(memories).toBeGreaterThan(COUNT / 2)
    expect(readFileSync(setAside).equals(before)).toBe(true)
    expect(readdirSync(dirname(file)).filter((name) => name.includes('salvaged'))).toEqual([])
  })

  it('is left as it is where it cannot be told to be ours', () => {
    const file = temporaryFile()
    writeFileSync(file, 'not a database '.repeat(500))
    const claim = { id: 'one', isNew: true }
    expect(() => MemoryStore.open({ file, claim })).toThrow(
      expect.objectContaining({ code: 'storage-damaged' }),
    )
    expect(readFileSync(file, 'utf8')).toBe('not a database '.repeat(500))
  })
})

const KEPT = 700
const FORGOTTEN = 300

let written: Promise<Buffer> | undefined

/** A file with memories that were changed once, keys of half of them, and others that were forgotten one by one. */
async function fileWithNotes(): Promise<string> {
  written ??= writtenNotes()
  const file = temporaryFile()
  writeFileSync(file, await written)
  return file
}

async function writtenNotes(): Promise<Buffer> {
  const { store, file } = temporaryStore()
  const ids = Array.from({ length: KEPT + FORGOTTEN }, (_, i) => `memory-${String(i).padStart(5, '0')}`)
  await Promise.all(
    ids.map((id, i) =>
      store.store(
        {
          content: `${i} ${'words '.repeat(20)}`,
          layer: 'semantic',
          tags: [`tag-${i}`],
          idempotency_key: i % 2 ? `key-${i}` : undefined,
        },
        { id, source: 'ada' },
      ),
    ),
  )
  await Promise.all(ids.map((id, i) => store.update({ id, content: `changed ${i}` }, `update-${id}`)))
  await Promise.all(ids.slice(KEPT).map((id) => store.forget({ id }, `forget-${id}`)))
  await store.close()
  return readFileSync(file)
}

function rowsOf<Row>(file: string, sql: string): Row[] {
  const connection = new Libsql(file)
  try {
    return connection.prepare(sql).all() as Row[]
  } finally {
    connection.close()
  }
}

const countOf = (file: string, table: string): number =>
  rowsOf<{ count: number }>(file, `SELECT count(*) AS count FROM ${table}`)[0]?.count ?? 0

/** Pages of a table of this kind, in the order of its rows. */
function pagesOf(file: string, table: string, kind: 'leaf' | 'internal'): number[] {
  const sql = `SELECT pageno FROM dbstat WHERE name = '${table}' AND pagetype = '${kind}' ORDER BY path`
  return rowsOf<{ pageno: number }>(file, sql).map(({ pageno }) => pageno)
}

function overwrite(file: string, page: number, by: Buffer = Buffer.alloc(PAGE, 0xa5)): void {
  const bytes = readFileSync(file)
  by.copy(bytes, (page - 1) * PAGE)
  writeFileSync(file, bytes)
}

/** Opens the file as its owner, which is told what could be read. */
function salvaged(file: string): Salvaged {
  let told: Salvaged | undefined
  const onSalvaged = (salvaged: Salvaged) => {
    told = salvaged
  }
  const store = MemoryStore.open({
    file,
    now: fakeClock().now,
    claim: { id: 'one', isNew: true },
    onSalvaged,
  })
  onTestFinished(() => store.close())
  if (told === undefined) throw new Error('The file was not seen to be damaged.')
  return told
}

const middleOf = (pages: readonly number[]): number => pages[Math.floor(pages.length / 2)] ?? 0

describe('what stands beside the memories of a damaged file', () => {
  it.each([
    ['memory_versions', 'earlier versions'],
    ['memory_keys', 'idempotency keys'],
    ['update_requests', 'requests to change'],
  ])('costs the rows of one page of %s alone, and their number is told', async (table, name) => {
    const file = await fileWithNotes()
    const before = countOf(file, table)
    const leaves = pagesOf(file, table, 'leaf')
    expect(leaves.length).toBeGreaterThan(2)
    overwrite(file, middleOf(leaves))
    const { memories, unreadable, notes } = salvaged(file)
    expect({ memories, unreadable }).toEqual({ memories: KEPT, unreadable: 0 })
    const after = countOf(file, table)
    expect(after).toBeGreaterThan(before * (1 - 2 / leaves.length))
    expect(after).toBeLessThan(before)
    expect(notes).toEqual({ [name]: before - after })
  })

  it('is read around two pages that cannot be, by an index', async () => {
    const file = await fileWithNotes()
    const before = countOf(file, 'update_requests')
    const leaves = pagesOf(file, 'update_requests', 'leaf')
    for (const page of [leaves[0], leaves.at(-1)]) overwrite(file, page ?? 0)
    expect(leaves.length).toBeGreaterThan(2)
    const { notes } = salvaged(file)
    const after = countOf(file, 'update_requests')
    expect(after).toBeGreaterThan(0)
    expect(notes).toEqual({ 'requests to change': before - after })
  })

  it.each(['leaf', 'internal'] as const)(
    'keeps what was forgotten away, without its %s pages',
    async (kind) => {
      const file = await fileWithNotes()
      const gone = rowsOf<{ id: string; at: number }>(file, 'SELECT id, at FROM gone ORDER BY id')
      const keys = rowsOf<{ key: string }>(file, 'SELECT key FROM memory_keys WHERE gone_at IS NOT NULL')
      expect({ gone: gone.length, keys: keys.length }).toEqual({ gone: FORGOTTEN, keys: FORGOTTEN / 2 })
      for (const table of ['gone', 'memory_keys']) {
        for (const page of pagesOf(file, table, kind)) overwrite(file, page)
      }
      expect(salvaged(file).notes['ids that are gone']).toBeUndefined()
      expect(rowsOf(file, 'SELECT id, at FROM gone ORDER BY id')).toEqual(gone)
      const store = MemoryStore.open({ file, now: fakeClock().now })
      onTestFinished(() => store.close())
      const refused = { code: 'memory-gone' }
      const origin = { source: 'ada', sentAtMs: (gone[0]?.at ?? 0) - 1 }
      await expect(
        store.store({ content: 'once more' }, { ...origin, id: gone[0]?.id ?? '' }),
      ).rejects.toMatchObject(refused)
      const again = { content: 'once more', idempotency_key: keys[0]?.key }
      await expect(store.store(again, { ...origin, id: 'another' })).rejects.toMatchObject(refused)
    },
  )

  it('is read from both ends where no index tells what lies between, which counts as one', async () => {
    const file = await fileWithNotes()
    const before = countOf(file, 'forget_requests')
    const leaves = pagesOf(file, 'forget_requests', 'leaf')
    overwrite(file, middleOf(leaves))
    const { notes } = salvaged(file)
    expect(notes).toEqual({ 'requests to forget': 1 })
    const after = countOf(file, 'forget_requests')
    expect(after).toBeGreaterThan(before * (1 - 2 / leaves.length))
    expect(after).toBeLessThan(before)
  })

  it('has its tags by the memories', async () => {
    const file = await fileWithNotes()
    for (const page of pagesOf(file, 'memory_tags', 'leaf')) overwrite(file, page)
    expect(salvaged(file)).toMatchObject({ memories: KEPT, unreadable: 0, notes: {} })
    expect(countOf(file, 'memory_tags')).toBe(KEPT)
  })

  it('is told to whoever looks after the service', async () => {
    const file = await fileWithNotes()
    overwrite(file, middleOf(pagesOf(file, 'forget_requests', 'leaf')))
    const bus = new FakeBus()
    const service = createMemory({ file, bus: bus.asBus(), clock: fakeClock() })
    onTestFinished(() => service.stop({ graceMs: 0 }))
    await service.start()
    const told = bus.reported.find(({ kind }) => kind === 'storage-damaged')?.error as Error
    expect(told.message).toContain('Not all could be read of: requests to forget (1).')
  })
})

describe('a page that leads to others in a damaged file', () => {
  it.each(['memories', 'memory_versions'])('costs no row of %s', async (table) => {
    const file = await fileWithNotes()
    const rows = (): unknown[] => rowsOf(file, `SELECT * FROM ${table}`)
    const totals = (): unknown[] => rowsOf(file, 'SELECT * FROM owner_totals')
    const before = { rows: rows(), totals: totals() }
    expect(before.rows).toHaveLength(KEPT)
    const inner = pagesOf(file, table, 'internal')
    expect(inner).not.toHaveLength(0)
    for (const page of inner) overwrite(file, page)
    const damaged = readFileSync(file)
    const { setAside, memories, notes } = salvaged(file)
    expect({ memories, notes }).toEqual({ memories: KEPT, notes: {} })
    expect({ rows: rows(), totals: totals() }).toEqual(before)
    expect(readFileSync(setAside).equals(damaged)).toBe(true)
  })

  it('costs what lies on one of them when that is damaged as well', async () => {
    const file = await fileWithNotes()
    const leaves = pagesOf(file, 'memories', 'leaf')
    for (const page of [...pagesOf(file, 'memories', 'internal'), middleOf(leaves)]) overwrite(file, page)
    const { memories, unreadable } = salvaged(file)
    expect(memories).toBeGreaterThan(KEPT * (1 - 2 / leaves.length))
    expect(memories).toBeLessThan(KEPT)
    expect(unreadable).toBe(KEPT + FORGOTTEN - memories)
  })

  it('brings nothing back that was forgotten, were a former page of it somewhere in the file', async () => {
    const file = await fileWithNotes()
    const store = MemoryStore.open({ file })
    const former = middleOf(pagesOf(file, 'memories', 'leaf'))
    const text = readFileSync(file).subarray((former - 1) * PAGE, former * PAGE)
    const ids = [...new Set(text.toString('latin1').match(/memory-\d{5}/g))]
    expect(ids.length).toBeGreaterThan(2)
    await store.forget({ ids })
    await store.close()
    for (const page of pagesOf(file, 'memories', 'internal')) overwrite(file, page)
    overwrite(file, middleOf(pagesOf(file, 'memory_tags', 'leaf')), text)
    expect(salvaged(file).memories).toBe(KEPT - ids.length)
    const listed = ids.map((id) => `'${id}'`).join(', ')
    expect(countOf(file, `memories WHERE id IN (${listed})`)).toBe(0)
  })
})
