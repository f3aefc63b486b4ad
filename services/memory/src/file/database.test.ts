import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import Libsql from 'libsql'
import { describe, expect, it, onTestFinished } from 'vitest'
import { StorageError, storageErrorFrom } from '../model/errors.js'
import { temporaryFile, temporaryStore } from '../store/memory-file.support.js'
import { MemoryStore } from '../store/memory-store.js'
import { Database } from './database.js'
import { migrate } from './migrate.js'
import { MIGRATIONS } from './schema.js'

function put(store: MemoryStore, id: string, content = `memory ${id}`) {
  return store.store({ content }, { id, source: 'agent-1' })
}

/** A closed file with a hundred memories. */
async function closedFile(): Promise<string> {
  const file = temporaryFile()
  const store = MemoryStore.open({ file })
  await Promise.all(
    Array.from({ length: 100 }, (_, i) => put(store, `m${i}`, `${i} ${'words '.repeat(200)}`)),
  )
  await store.close()
  return file
}

function failureOf(work: () => unknown): StorageError {
  try {
    work()
  } catch (error) {
    if (error instanceof StorageError) return error
    throw error
  }
  throw new Error('expected a StorageError, got a result')
}

function databaseAt(file: string): Database {
  const database = new Database({ file, busyTimeoutMs: 50 })
  onTestFinished(() => database.close())
  return database
}

describe('the memory file', () => {
  it('keeps its log while it is open, although another program opens and closes it', async () => {
    const { store, file } = temporaryStore()
    await put(store, 'm1')
    // The reader beside the writer.
    const reader = databaseAt(file)
    const script = `const Libsql = require('libsql'); const file = new Libsql(${JSON.stringify(file)});
      file.prepare('SELECT count(*) FROM memories').all(); file.close()`
    execFileSync(process.execPath, ['-e', script], { cwd: import.meta.dirname })
    await put(store, 'm2')
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(0)
    expect(databaseAt(file).prepare('SELECT 1 FROM memories').all()).toHaveLength(2)
    reader.close()
  })

  it('and its side files are readable by their owner alone, whatever mode they had', async () => {
    const { store, file } = temporaryStore()
    await put(store, 'm1')
    const folder = dirname(file)
    const modes = () => readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777)
    expect(modes()).toEqual([0o600, 0o600, 0o600])
    await store.close()
    chmodSync(file, 0o644)
    temporaryStore({ file })
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('is made together with its folders, which only the owner may enter', () => {
    const file = join(dirname(temporaryFile()), 'a', 'b', 'memory.db')
    temporaryStore({ file })
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700)
  })

  it('waits for the disk at every commit', () => {
    const database = databaseAt(temporaryFile())
    const FULL = 2
    expect(database.pragma('synchronous')).toBe(FULL)
    expect(database.pragma('busy_timeout')).toBe(50)
  })

  it('holds everything by itself once closed', async () => {
    const file = await closedFile()
    const copy = temporaryFile()
    writeFileSync(copy, readFileSync(file))
    const { store } = temporaryStore({ file: copy })
    expect((await store.query({ query: 'words' })).total).toBe(100)
  })

  it('can be closed twice, and then refuses work as closed', async () => {
    const { store } = temporaryStore()
    await store.close()
    await store.close()
    await expect(put(store, 'm1')).rejects.toMatchObject({ code: 'storage-closed', retryable: true })
    await expect(store.query({})).rejects.toMatchObject({ code: 'storage-closed' })
  })

  it('answers writes asked for before closing', async () => {
    const { store } = temporaryStore()
    const stored = put(store, 'm1')
    await store.close()
    expect((await stored).created).toBe(true)
  })
})

describe('a file that cannot be used is refused with a clear error [promise 37]', () => {
  it('when it is something else', () => {
    const file = temporaryFile()
    writeFileSync(file, 'This is a letter, not a database. '.repeat(200))
    const error = failureOf(() => MemoryStore.open({ file }))
    expect(error).toMatchObject({ code: 'storage-damaged', retryable: false })
    expect(error.message).toContain(file)
  })

  it('when it is the database of another program, which stays as it is', () => {
    const file = temporaryFile()
    const other = new Libsql(file)
    other.exec('CREATE TABLE recipes (name TEXT)')
    other.close()
    const before = readFileSync(file)
    expect(failureOf(() => MemoryStore.open({ file })).code).toBe('storage-foreign')
    expect(readFileSync(file).subarray(100)).toEqual(before.subarray(100))
  })

  it('when a newer program has written it', async () => {
    const file = await closedFile()
    const database = databaseAt(file)
    database.execute(`PRAGMA user_version = ${MIGRATIONS.length + 1}`)
    database.close()
    const error = failureOf(() => MemoryStore.open({ file }))
    expect(error).toMatchObject({ code: 'storage-version', retryable: false })
    expect(error.message).toMatch(
      new RegExp(
        `version ${MIGRATIONS.length + 1}, and this program reads up to version ${MIGRATIONS.length}`,
      ),
    )
  })

  it('when its end is missing', async () => {
    const file = await closedFile()
    truncateSync(file, Math.floor(statSync(file).size / 2 / 4096) * 4096)
    expect(failureOf(() => MemoryStore.open({ file })).code).toBe('storage-damaged')
  })

  it('when pages inside were overwritten', async () => {
    const file = await closedFile()
    const bytes = readFileSync(file)
    bytes.fill(0xa5, 4096 * 3, bytes.length - 4096)
    writeFileSync(file, bytes)
    expect(failureOf(() => MemoryStore.open({ file })).code).toBe('storage-damaged')
  })

  it.skipIf(process.getuid?.() !== 0)('when somebody else could have put it, or a log of it, there', () => {
    const file = temporaryFile()
    chownSync(dirname(file), 61_234, 61_234)
    const error = failureOf(() => MemoryStore.open({ file }))
    expect(error.code).toBe('storage-foreign')
    expect(error.message).toContain('belongs to uid 61234')
    chownSync(dirname(file), 0, 0)
    chmodSync(dirname(file), 0o1777)
    expect(failureOf(() => MemoryStore.open({ file })).code).toBe('storage-foreign')
    chmodSync(dirname(file), 0o700)
    expect(() => MemoryStore.open({ file }).close()).not.toThrow()
  })

  it('when its place is taken by a folder', () => {
    const file = join(dirname(temporaryFile()), 'folder')
    mkdirSync(file)
    const error = failureOf(() => MemoryStore.open({ file }))
    expect(error.code).toBe('storage-io')
    expect(error.message).toContain('JAMEY_MEMORY_FILE')
  })

  it('but one with bytes behind its end is still sound', async () => {
    const file = await closedFile()
    appendFileSync(file, Buffer.alloc(4096))
    expect(temporaryStore({ file }).store.stats().memories).toBe(100)
  })
})

describe('a file that turns bad while it is open', () => {
  it('reports a full disk as retryable, keeps what it acknowledged, and goes on when there is room', async () => {
    const { store, file } = temporaryStore({ maximumFileBytes: 400_000 })
    const acknowledged: string[] = []
    let failure: unknown
    for (let i = 0; failure === undefined; i++) {
      await put(store, `m${i}`, `${i} ${'x'.repeat(20_000)}`).then(
        ({ memory }) => acknowledged.push(memory.id),
        (error: unknown) => {
          failure = error
        },
      )
    }
    expect(failure).toMatchObject({ name: 'StorageError', code: 'storage-full', retryable: true })
    expect(acknowledged.length).toBeGreaterThan(3)
    for (const id of acknowledged) expect((await store.get(id))?.id).toBe(id)
    await store.close()
    const roomier = temporaryStore({ file }).store
    expect((await put(roomier, 'late', 'x'.repeat(20_000))).created).toBe(true)
    expect(roomier.stats().memories).toBe(acknowledged.length + 1)
  })

  it('reports a file that may only be read as retryable', () => {
    const database = databaseAt(temporaryFile())
    migrate(database, MIGRATIONS)
    database.execute('PRAGMA query_only = ON')
    const failure = failureOf(() => database.transaction(() => database.execute('DELETE FROM memories')))
    expect(failure).toMatchObject({ code: 'storage-readonly', retryable: true })
  })

  it('refuses to write to a file that was moved away, where writes would vanish', async () => {
    const { store, file } = temporaryStore()
    await put(store, 'm1')
    renameSync(file, `${file}.moved`)
    await expect(put(store, 'm2')).rejects.toMatchObject({ code: 'storage-moved', retryable: false })
    renameSync(`${file}.moved`, file)
    expect((await put(store, 'm2')).created).toBe(true)
  })

  it('reports one that another process holds as busy, and goes on when it is let go', async () => {
    const { store, file } = temporaryStore({ busyTimeoutMs: 20 })
    const other = databaseAt(file)
    other.execute('BEGIN IMMEDIATE')
    await expect(put(store, 'm1')).rejects.toMatchObject({ code: 'storage-busy', retryable: true })
    other.execute('ROLLBACK')
    expect((await put(store, 'm1')).created).toBe(true)
  })

  it.each([
    ['SQLITE_IOERR_WRITE', 'storage-io', true],
    ['SQLITE_READONLY_DBMOVED', 'storage-readonly', true],
    ['SQLITE_CORRUPT_VTAB', 'storage-damaged', false],
    ['SQLITE_TOOBIG', 'storage-failed', false],
  ])('reads the code %s as %s', (code, expected, retryable) => {
    const error = storageErrorFrom(Object.assign(new Error('as SQLite says it'), { code }), 'memory.db')
    expect(error).toMatchObject({
      code: expected,
      retryable,
      message: expect.stringContaining('as SQLite says it'),
    })
  })
})

describe('a statement that inserts', () => {
  it('gives the number of its row, whatever a trigger inserts for it', async () => {
    const database = databaseAt(temporaryFile())
    database.execute(
      `CREATE TABLE kept (seq INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT);
        CREATE TABLE noted (seq INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT);
        CREATE TRIGGER note AFTER INSERT ON kept BEGIN INSERT INTO noted (text) VALUES ('a'), ('b'), ('c'); END`,
    )
    const insert = database.prepare('INSERT INTO kept (text) VALUES (?)')
    expect([insert.insert('one'), insert.insert('two')]).toEqual([1, 2])
    database.execute('DELETE FROM kept')
    expect(database.transaction(() => insert.insert('three'))).toBe(3)
    expect(database.prepare('SELECT seq, text FROM kept').all()).toEqual([{ seq: 3, text: 'three' }])
  })
})

describe('migration', () => {
  it('runs what is missing, once, and keeps what is there', async () => {
    const file = await closedFile()
    const next = [...MIGRATIONS, 'ALTER TABLE memories ADD COLUMN mood TEXT']
    const database = databaseAt(file)
    migrate(database, next)
    migrate(database, next)
    expect(database.pragma('user_version')).toBe(next.length)
    const [row] = database
      .prepare<{ count: number }>('SELECT count(mood) + count(*) AS count FROM memories')
      .all()
    expect(row?.count).toBe(100)
  })

  it('gives what was stored before there were owners to whoever stored it', async () => {
    const database = databaseAt(temporaryFile())
    migrate(database, MIGRATIONS.slice(0, 1))
    database.execute(
      `INSERT INTO memories (id, layer, importance, sent_at, created_at, occurred_at, source, tags, metadata, content)
        VALUES ('m1', 'semantic', 0.5, 0, 0, 0, 'agent-1', '[]', '{}', 'of old')`,
    )
    migrate(database, MIGRATIONS)
    expect(database.prepare('SELECT owner, scope, content FROM memories').all()).toEqual([
      { owner: 'agent-1', scope: 'private', content: 'of old' },
    ])
  })

  it('leaves the file as it was when a step fails', async () => {
    const file = await closedFile()
    const database = databaseAt(file)
    const next = [...MIGRATIONS, 'CREATE TABLE half (a); INSERT INTO nowhere VALUES (1)']
    expect(failureOf(() => migrate(database, next)).code).toBe('storage-failed')
    expect(database.pragma('user_version')).toBe(MIGRATIONS.length)
    expect(database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'half'").all()).toEqual([])
    migrate(database, MIGRATIONS)
  })
})

describe('a statement', () => {
  it('uses the values of each call, however calls to read and to write are mixed', () => {
    const database = databaseAt(temporaryFile())
    database.execute('CREATE TABLE t (a)')
    const insert = database.prepare('INSERT INTO t VALUES (?)')
    const select = database.prepare<{ a: string }>('SELECT a FROM t WHERE a = ?')
    for (const value of ['one', 'two', 'three']) {
      expect(insert.run(value)).toBe(1)
      expect(select.all(value)).toEqual([{ a: value }])
      expect(select.all('none')).toEqual([])
    }
  })
})
