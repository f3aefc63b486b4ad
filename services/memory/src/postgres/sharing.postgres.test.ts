import { FakeClock } from '@jamey/testing'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { StorageError } from '../model/errors.js'
import { type DatabaseAddress, readDatabaseUrl } from './database-address.js'
import { BEGIN_WRITING } from './migrations.js'
import { PostgresMemory, type PostgresMemoryOptions } from './postgres-memory.js'
import { PostgresServer } from './postgres-server.support.js'

/** What several instances, and several clients, do with one database at once. */

let server: PostgresServer

beforeAll(async () => {
  server = await PostgresServer.start({ settings: ['fsync=off'] })
})
afterAll(() => server.stop())

async function opened() {
  const clock = new FakeClock(Date.parse('2026-05-01T12:00:00.000Z'))
  const url = await server.newDatabase()
  const open = async (options: Partial<PostgresMemoryOptions> = {}) => {
    const address = readDatabaseUrl(url) as DatabaseAddress
    const store = await PostgresMemory.open({ address, now: clock.now, ...options })
    onTestFinished(() => store.close())
    return store
  }
  const sql = <Row>(text: string) => server.sql<Row>(new URL(url).pathname.slice(1), text)
  return { clock, open, sql, url }
}

const STORY = 'The ferry to the island leaves from the northern quay every morning before the market opens'

describe('two instances', () => {
  it('that consolidate and sweep at once do each thing once, and lose nothing', async () => {
    const { clock, open, sql } = await opened()
    const budgets = { episodic: 20 }
    const options = [
      { announcer: 'one', budgets },
      { announcer: 'two', budgets },
    ]
    const stores = await Promise.all(options.map(open))
    const [one] = stores as [PostgresMemory, PostgresMemory]
    const put = (id: string, content: string, layer: 'semantic' | 'episodic' | 'working') =>
      one.store({ content, layer, duplicates: 'keep' }, { id, source: `agent-${id.length % 3}` })
    await Promise.all([
      ...Array.from({ length: 150 }, (_, i) => put(`near-${i}`, `${STORY} on quay ${i % 50}`, 'semantic')),
      ...Array.from({ length: 90 }, (_, i) => put(`many-${i}`, `one of many ${i}`, 'episodic')),
      ...Array.from({ length: 700 }, (_, i) => put(`brief-${i}`, `for an hour ${i}`, 'working')),
    ])
    for (const store of stores)
      await store.announced((await store.pendingAnnouncements(2000)).map(({ seq }) => seq))
    await clock.advance(3_601_000)
    let isOver = false
    const storing = (async () => {
      for (let i = 0; !isOver; i++) await put(`late-${i}`, `stored meanwhile ${i}`, 'semantic')
    })()
    const [consolidated, swept] = await Promise.all([
      Promise.all(stores.map((store) => store.consolidate({}))),
      Promise.all(stores.map((store) => store.sweep())),
    ])
    isOver = true
    await storing
    // Of three that are near, one or two are of the same owner, by how long their ids are.
    const sums = consolidated.reduce((sum, each) => ({
      merged: sum.merged + each.merged,
      promoted: 0,
      evicted: sum.evicted + each.evicted,
    }))
    const kept = await sql<{ id: string; count: number }>(
      "SELECT id, count FROM jamey_memory.memories WHERE id LIKE 'near-%'",
    )
    expect(kept.reduce((sum, { count }) => sum + count, 0)).toBe(150)
    expect(sums).toEqual({ merged: 40, promoted: 0, evicted: 60 })
    expect(kept).toHaveLength(110)
    expect((swept[0] ?? 0) + (swept[1] ?? 0)).toBe(700)
    const updates = (await Promise.all(stores.map((store) => store.pendingAnnouncements(1000)))).flat()
    const gone = updates.flatMap(({ update }) =>
      update.change === 'stored' || update.change === 'updated' ? [] : update.memory_ids,
    )
    expect(new Set(gone).size).toBe(gone.length)
    expect(gone).toHaveLength(700 + sums.merged + sums.evicted)
    // What counts words and memories agrees with what is there.
    const [totals] = await sql<{ memories: string; there: string; words: string; counted: string }>(
      `SELECT memories, (SELECT count(*) FROM jamey_memory.memories) AS there,
        (SELECT sum(memories) FROM jamey_memory.words) AS words,
        (SELECT sum(length(terms)) FROM jamey_memory.memories) AS counted FROM jamey_memory.totals`,
    )
    expect(totals?.memories).toBe(totals?.there)
    expect(totals?.words).toBe(totals?.counted)
  })
})

it('what is to be forgotten waits for its turn without a connection, however much of it comes at once', async () => {
  const { open, url } = await opened()
  const store = await open({ announcer: 'one' })
  for (let i = 0; i < 20; i++) {
    await store.store({ content: `memory ${i}`, duplicates: 'keep' }, { id: `m${i}`, source: 'ada' })
  }
  // Another instance has the turn to write, and keeps it.
  const other = new Client({ connectionString: url })
  await other.connect()
  onTestFinished(() => other.end())
  await other.query(BEGIN_WRITING)
  const forgets = Array.from({ length: 20 }, (_, i) => store.forget({ id: `m${i}` }, `f${i}`))
  expect(await store.pendingAnnouncements(100)).not.toEqual([])
  await other.query('COMMIT')
  expect(await Promise.all(forgets)).toEqual(forgets.map(() => ({ forgotten: 1 })))
  expect(await store.stats()).toMatchObject({ memories: 0 })
})

it('a consolidation that a kill of the server ends half way is finished by another instance, and nothing is lost', async () => {
  const other = await PostgresServer.start({ settings: ['fsync=off'] })
  onTestFinished(() => other.stop())
  const url = await other.newDatabase()
  const address = readDatabaseUrl(url) as DatabaseAddress
  const sql = <Row>(text: string) => other.sql<Row>(new URL(url).pathname.slice(1), text)
  const [one, two] = await Promise.all([PostgresMemory.open({ address }), PostgresMemory.open({ address })])
  onTestFinished(async () => void (await Promise.all([one.close(), two.close()])))
  const batch = (i: number) =>
    one.storeBatch(
      Array.from({ length: 500 }, (_, k) => ({
        content: `${STORY} on quay ${Math.floor((i * 500 + k) / 2)}`,
        layer: 'semantic' as const,
        duplicates: 'keep' as const,
      })),
      { id: `batch-${i}`, source: 'ada' },
    )
  await Promise.all(Array.from({ length: 6 }, (_, i) => batch(i)))
  const half = one.consolidate({}).catch((error: unknown) => error)
  const merged = () => sql<{ merged: number }>('SELECT count(*)::int AS merged FROM jamey_memory.merged_ids')
  await expect.poll(async () => (await merged())[0]?.merged).toBeGreaterThan(0)
  await other.kill()
  expect(await half).toMatchObject({ code: 'storage-away', retryable: true })
  await other.resume()
  const done = (await merged())[0]?.merged ?? 0
  expect(done).toBeLessThan(1500)
  const rest = () =>
    two.consolidate({}).then(
      ({ merged: now }) => now,
      () => -1,
    )
  await expect.poll(rest).toBeGreaterThanOrEqual(0)
  const [sum] = await sql<{ count: string; there: string; counted: string; words: string; terms: string }>(
    `SELECT sum(count) AS count, count(*) AS there, (SELECT memories FROM jamey_memory.totals) AS counted,
      (SELECT sum(memories) FROM jamey_memory.words) AS words, sum(length(terms)) AS terms FROM jamey_memory.memories`,
  )
  expect(sum).toMatchObject({ count: '3000', there: '1500', counted: '1500' })
  expect(sum?.words).toBe(sum?.terms)
})

describe('a question', () => {
  const slow = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%memories%'"

  /** Holds a table, so that whoever reads it waits. */
  async function held(run: () => Promise<void>, sql: <Row>(text: string) => Promise<Row[]>): Promise<void> {
    const holding = sql(
      'BEGIN; LOCK TABLE jamey_memory.memories IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)',
    )
    holding.catch(() => {})
    await expect
      .poll(() =>
        sql(
          "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'jamey_memory.memories'::regclass",
        ),
      )
      .toHaveLength(1)
    try {
      await run()
    } finally {
      await sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK TABLE%'",
      )
    }
  }

  it('that takes longer than it may is told so by its own name', async () => {
    const { open, sql } = await opened()
    const store = await open({ queryMs: 100 })
    await held(async () => {
      await expect(store.query({})).rejects.toMatchObject({
        name: 'MemoryRefusedError',
        code: 'memory-query-timeout',
      })
    }, sql)
    expect(await store.query({})).toMatchObject({ total: 0 })
  })

  it('that nobody waits for any more is cancelled in the server, or never gets there', async () => {
    const { open, sql } = await opened()
    const store = await open({ queryMs: 30_000, readers: 2 })
    await held(async () => {
      const giving = [new AbortController(), new AbortController()]
      const asked = giving.map(({ signal }) => store.query({}, { signal, reach: { owner: 'ada' } }))
      for (const one of asked) one.catch(() => {})
      await expect.poll(() => sql(slow)).toHaveLength(1)
      for (const one of giving) one.abort(new Error('given up'))
      for (const one of asked) await expect(one).rejects.toThrow('given up')
      await expect.poll(() => sql(slow)).toHaveLength(0)
    }, sql)
  })

  it('of one client does not wait behind all of another', async () => {
    const { open, sql } = await opened()
    const store = await open({ readers: 2 })
    const order: string[] = []
    await held(async () => {
      const many = Array.from({ length: 20 }, () => store.query({}, { reach: { owner: 'ada' } }))
      const one = store.query({}, { reach: { owner: 'bob' } })
      for (const each of many)
        each.then(
          () => order.push('ada'),
          () => {},
        )
      one.then(
        () => order.push('bob'),
        () => {},
      )
      await expect.poll(() => sql(slow)).toHaveLength(2)
    }, sql)
    await expect.poll(() => order.length).toBe(21)
    // In the order of asking it would be the last of all.
    expect(order.indexOf('bob')).toBeLessThan(12)
  })
})

it('a server that was restarted is used again by instances that stay', async () => {
  const other = await PostgresServer.start({ settings: ['fsync=off'] })
  onTestFinished(() => other.stop())
  const address = readDatabaseUrl(await other.newDatabase()) as DatabaseAddress
  const stores = await Promise.all([1, 2].map(() => PostgresMemory.open({ address })))
  onTestFinished(async () => void (await Promise.all(stores.map((store) => store.close()))))
  const [one, two] = stores as [PostgresMemory, PostgresMemory]
  await one.store({ content: 'before' }, { id: 'before', source: 'ada' })
  await other.kill()
  await expect
    .poll(() =>
      one.query({}).then(
        () => 'answers',
        (error: unknown) => error,
      ),
    )
    .toSatisfy((found) => found instanceof StorageError && found.code === 'storage-away' && found.retryable)
  await other.resume()
  await expect
    .poll(() =>
      two.store({ content: 'after' }, { id: 'after', source: 'ada' }).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true)
  await expect
    .poll(() =>
      one.query({ query: 'before after' }).then(
        ({ total }) => total,
        () => 0,
      ),
    )
    .toBe(2)
  expect(await one.consolidate({})).toMatchObject({ merged: 0 })
})
