import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { StorageError } from '../model/errors.js'
import { storing } from '../store/storing-process.support.js'
import { type DatabaseAddress, readDatabaseUrl } from './database-address.js'
import { DatabasePool } from './database-pool.js'
import { BEGIN_WRITING, MIGRATIONS, migrate } from './migrations.js'
import { PostgresMemory, type PostgresMemoryOptions } from './postgres-memory.js'
import { PostgresServer } from './postgres-server.support.js'

let server: PostgresServer

beforeAll(async () => {
  // The server would acknowledge before its disk has anything, were it not for us.
  server = await PostgresServer.start({ settings: ['synchronous_commit=off', 'wal_writer_delay=10s'] })
})
afterAll(() => server.stop())

async function open(url: string, options: Partial<PostgresMemoryOptions> = {}): Promise<PostgresMemory> {
  const store = await PostgresMemory.open({ address: readDatabaseUrl(url) as DatabaseAddress, ...options })
  onTestFinished(() => store.close())
  return store
}

const nameOf = (url: string): string => new URL(url).pathname.slice(1)

describe('what was acknowledged', () => {
  it('is there after kill -9 of the server under load, once, whatever is sent again meanwhile', async () => {
    const url = await server.newDatabase()
    const instances = await Promise.all([open(url), open(url)])
    const created = new Map<string, number>()
    const retried = new Set<string>()
    let isOver = false
    const send = async (id: string, turn: number): Promise<void> => {
      for (let i = turn; ; i++) {
        const store = instances[i % 2] as PostgresMemory
        try {
          const answer = await store.store(
            { content: `memory ${id}`, layer: 'semantic' },
            { id, source: 'agent-1', sentAtMs: 1 },
          )
          created.set(id, (created.get(id) ?? 0) + Number(answer.created))
          return
        } catch (error) {
          if (!(error instanceof StorageError && error.retryable)) throw error
          retried.add(id)
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
    }
    const load = Array.from({ length: 50 }, async (_, k) => {
      for (let i = 0; !isOver; i++) await send(`m${k}-${i}`, k)
    })
    for (const count of [200, 500, 800]) {
      await expect.poll(() => created.size).toBeGreaterThan(count)
      await server.kill()
      await server.resume()
    }
    await expect.poll(() => created.size).toBeGreaterThan(1000)
    isOver = true
    await Promise.all(load)
    expect(retried.size).toBeGreaterThan(0)
    // 0 where the acknowledgement of the first attempt was lost with the server, and it was kept.
    expect([...created.values()].filter((count) => count > 1)).toEqual([])
    const rows = await server.sql<{ id: string }>(nameOf(url), 'SELECT id FROM jamey_memory.memories')
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(created.keys()))
    const [first] = instances
    expect((await first.query({ query: 'memory', limit: 1 })).total).toBe(created.size)
    expect((await first.stats()).memories).toBe(created.size)
  })

  it('is there after kill -9 of an instance, and another one goes on with what that one did not finish', async () => {
    const url = await server.newDatabase()
    const other = await open(url, { announcer: 'other' })
    const acknowledged = await storing(url, 'both', { killAfter: 400 })
    for (const { id } of acknowledged) expect(await other.get(id)).toMatchObject({ content: `memory ${id}` })
    // The broker gives what it held to the other one: some of it is stored already.
    const again = Array.from({ length: 600 }, (_, i) => `both-${i}`)
    const answers = await Promise.all(
      again.map((id) =>
        other.store({ content: `memory ${id}`, layer: 'semantic', tags: ['loop'] }, { id, source: 'child' }),
      ),
    )
    const known = answers.filter(({ created }) => !created).length
    expect(known).toBeGreaterThanOrEqual(acknowledged.length)
    expect((await other.stats()).memories).toBe(600)
  })

  it('is stored once where several instances get the same messages at once', async () => {
    const url = await server.newDatabase()
    const answers = await Promise.all(
      ['both', 'both', 'other'].map((name) => storing(url, name, { count: 600 })),
    )
    const created = answers.flat().filter((answer) => answer.created)
    expect(answers.flat()).toHaveLength(1800)
    expect(new Set(created.map(({ id }) => id)).size).toBe(1200)
    expect(created).toHaveLength(1200)
  })
})

describe('announcements', () => {
  it('of a dead instance are published by one of the others alone', async () => {
    const url = await server.newDatabase()
    let nowMs = Date.parse('2026-05-01T12:00:00.000Z')
    const now = () => nowMs
    const dead = await open(url, { announcer: 'dead', now })
    for (let i = 0; i < 30; i++)
      await dead.store({ content: `memory ${i}` }, { id: `m${i}`, source: 'agent-1' })
    const others = await Promise.all(
      ['one', 'two', 'three'].map((announcer) => open(url, { announcer, now })),
    )
    nowMs += 60_000
    const taken = await Promise.all(others.map((store) => store.pendingAnnouncements(100)))
    expect(new Set(taken.flat().map(({ seq }) => seq)).size).toBe(30)
    expect(taken.flat()).toHaveLength(30)
    // Whoever stood still for so long finds that they are others' now.
    expect(await dead.pendingAnnouncements(100)).toEqual([])
  })
})

describe('the turn to write', () => {
  it('is taken from a process that stands still in the middle of it', async () => {
    const url = await server.newDatabase()
    const store = await open(url)
    const address = readDatabaseUrl(url) as DatabaseAddress
    const pool = new DatabasePool({
      address,
      connections: 1,
      statementMs: 30_000,
      clock: () => performance.now(),
    })
    onTestFinished(() => pool.close())
    let wake = () => {}
    const still = pool.transaction(BEGIN_WRITING, async (session) => {
      await session.run(
        "INSERT INTO jamey_memory.gone (id, change, sent_at, at) VALUES ('half', 'forgotten', 1, 1)",
      )
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    })
    still.catch(() => {})
    await expect
      .poll(() => server.sql(nameOf(url), "SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"))
      .toHaveLength(1)
    const stored = await store.store({ content: 'goes on' }, { id: 'm1', source: 'agent-1' })
    expect(stored.created).toBe(true)
    wake()
    await expect(still).rejects.toMatchObject({ code: 'storage-away', retryable: true })
    expect(await server.sql(nameOf(url), 'SELECT * FROM jamey_memory.gone')).toEqual([])
  })

  it('that was waited for in vain leaves a connection that writes the next time', async () => {
    const address = readDatabaseUrl(await server.newDatabase()) as DatabaseAddress
    const pool = (statementMs: number) => {
      const made = new DatabasePool({ address, connections: 1, statementMs, clock: () => performance.now() })
      onTestFinished(() => made.close())
      return made
    }
    const [holding, waiting] = [pool(30_000), pool(200)]
    const one = () => waiting.transaction(BEGIN_WRITING, (session) => session.rows('SELECT 1 AS one'))
    await holding.transaction(BEGIN_WRITING, async () => {
      await expect(one()).rejects.toMatchObject({ code: 'storage-busy', retryable: true })
    })
    expect(await one()).toEqual([{ one: 1 }])
  })
})

describe('the schema', () => {
  const pools = (url: string, count: number) =>
    Array.from({ length: count }, () => {
      const address = readDatabaseUrl(url) as DatabaseAddress
      const pool = new DatabasePool({
        address,
        connections: 1,
        statementMs: 30_000,
        clock: () => performance.now(),
      })
      onTestFinished(() => pool.close())
      return pool
    })

  it('is made once by instances that start at the same moment', async () => {
    const url = await server.newDatabase()
    await Promise.all(pools(url, 5).map((pool) => migrate(pool)))
    expect(await server.sql(nameOf(url), 'SELECT version FROM jamey_memory.version')).toEqual([
      { version: MIGRATIONS.length },
    ])
  })

  it('goes on from the step at which it was interrupted', async () => {
    const url = await server.newDatabase()
    const [pool] = pools(url, 1) as [DatabasePool]
    const steps = [...MIGRATIONS, 'CREATE TABLE second (id integer)', 'CREATE TABLE third (id no_such_type)']
    await expect(migrate(pool, steps)).rejects.toMatchObject({ code: 'storage-failed' })
    const versionIs = async () =>
      (await server.sql(nameOf(url), 'SELECT version FROM jamey_memory.version'))[0]
    expect(await versionIs()).toEqual({ version: MIGRATIONS.length + 1 })
    await migrate(pool, [...steps.slice(0, -1), 'CREATE TABLE third (id integer)'])
    expect(await versionIs()).toEqual({ version: MIGRATIONS.length + 2 })
  })

  it('of a newer program is refused, and so are tables of another one', async () => {
    const newer = await server.newDatabase()
    await open(newer)
    await server.sql(nameOf(newer), 'UPDATE jamey_memory.version SET version = version + 1')
    await expect(open(newer)).rejects.toMatchObject({ code: 'storage-version', retryable: false })
    const foreign = await server.newDatabase()
    await server.sql(
      nameOf(foreign),
      'CREATE SCHEMA jamey_memory; CREATE TABLE jamey_memory.memories (id text)',
    )
    await expect(open(foreign)).rejects.toMatchObject({ code: 'storage-foreign', retryable: false })
  })

  it('needs no extension: vectors are not kept where pgvector is not installed', async () => {
    const url = await server.newDatabase()
    await open(url)
    const extensions = await server.sql(nameOf(url), 'SELECT extname FROM pg_extension')
    expect(extensions).toEqual([{ extname: 'plpgsql' }])
  })
})
