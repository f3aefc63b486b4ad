import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { smallDisk } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { StorageError } from '../model/errors.js'
import { type DatabaseAddress, readDatabaseUrl } from './database-address.js'
import { PostgresMemory } from './postgres-memory.js'
import { PASSWORD, PostgresServer } from './postgres-server.support.js'

/** A server that refuses for a while: what is asked meanwhile fails by a name, and what comes after goes on by itself. */

/** What PostgreSQL makes a database of takes a third of it. */
const DISK_BYTES = 24 * 1024 * 1024
const SPARE_BYTES = 4 * 1024 * 1024

let server: PostgresServer

beforeAll(async () => {
  server = await PostgresServer.start({ settings: ['fsync=off'] })
})
afterAll(() => server.stop())

let roles = 0

/** A database of a role that may do nothing else, as the documentation has it. */
async function opened(database?: string) {
  const url = new URL(database ?? (await server.newDatabase()))
  const name = url.pathname.slice(1)
  const sql = <Row>(text: string) => server.sql<Row>(name, text)
  const role = `service_${++roles}`
  await sql(`CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}'; GRANT CREATE ON DATABASE ${name} TO ${role}`)
  url.username = role
  const address = readDatabaseUrl(url.href) as DatabaseAddress
  const open = async () => {
    const store = await PostgresMemory.open({ address })
    onTestFinished(() => store.close())
    return store
  }
  /** What a setting says counts for connections that are made from now on. */
  const disconnect = () =>
    sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`)
  return { name, role, sql, open, disconnect, address, store: await open() }
}

const put = (store: PostgresMemory, id: string, content = `memory ${id}`) =>
  store.store({ content, layer: 'semantic' }, { id, source: 'ada', sentAtMs: 1 })

async function failureOf(promise: Promise<unknown>): Promise<StorageError> {
  const error = await promise.then(
    () => undefined,
    (failure: unknown) => failure,
  )
  expect(error).toBeInstanceOf(StorageError)
  return error as StorageError
}

/** Asks again as whoever sends a request does, as long as it may be tried again. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof StorageError && error.retryable)) throw error
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

describe('connections that the server ends', () => {
  it('are made anew under load, and what was acknowledged is there once', async () => {
    const { open, store, sql, disconnect } = await opened()
    const stores = [store, await open()]
    const failures = new Set<string>()
    const created = new Map<string, number>()
    let isOver = false
    const send = (id: string, k: number) =>
      again(() =>
        put(stores[k % 2] as PostgresMemory, id).catch((error: unknown) => {
          failures.add(error instanceof StorageError ? error.code : String(error))
          throw error
        }),
      )
    const load = Array.from({ length: 20 }, async (_, k) => {
      for (let i = 0; !isOver; i++) {
        const id = `m${k}-${i}`
        const answer = await send(id, k)
        created.set(id, (created.get(id) ?? 0) + Number(answer.created))
      }
    })
    for (const count of [50, 150, 250, 350]) {
      await expect.poll(() => created.size).toBeGreaterThan(count)
      await disconnect()
    }
    await expect.poll(() => created.size).toBeGreaterThan(450)
    isOver = true
    await Promise.all(load)
    expect([...failures]).toEqual(['storage-away'])
    expect([...created.values()].filter((times) => times > 1)).toEqual([])
    const rows = await sql<{ id: string }>('SELECT id FROM jamey_memory.memories')
    expect(rows.map(({ id }) => id).sort()).toEqual([...created.keys()].sort())
    for (const each of stores)
      expect((await again(() => each.query({ query: 'memory' }))).total).toBe(created.size)
  })
})

describe('a server that refuses', () => {
  it('connections beyond those that its user may have says so, and serves again once it may', async () => {
    const { role, sql, store, disconnect } = await opened()
    await put(store, 'before')
    await sql(`ALTER ROLE ${role} CONNECTION LIMIT 0`)
    await disconnect()
    const codes = async () => [
      (await failureOf(put(store, 'meanwhile'))).code,
      (await failureOf(store.query({}))).code,
    ]
    await expect.poll(codes).toEqual(['storage-busy', 'storage-busy'])
    const refusal = await failureOf(put(store, 'meanwhile'))
    expect(refusal).toMatchObject({ retryable: true, message: expect.stringContaining('max_connections') })
    await sql(`ALTER ROLE ${role} CONNECTION LIMIT -1`)
    expect(await again(() => put(store, 'meanwhile'))).toMatchObject({ created: true })
    expect(await again(() => store.query({ query: 'memory' }))).toMatchObject({ total: 2 })
  })

  it('to write answers questions, and takes what is stored as soon as it may be written', async () => {
    const { name, store, disconnect } = await opened()
    await put(store, 'before')
    const setting = (value: string) =>
      server.sql('postgres', `ALTER DATABASE ${name} SET default_transaction_read_only = ${value}`)
    await setting('on')
    await disconnect()
    await expect.poll(async () => (await failureOf(put(store, 'meanwhile'))).code).toBe('storage-readonly')
    expect(await failureOf(store.forget({ id: 'before' }))).toMatchObject({
      code: 'storage-readonly',
      retryable: true,
      message: expect.stringContaining('only reads'),
    })
    expect(await again(() => store.query({ query: 'memory' }))).toMatchObject({ total: 1 })
    await setting('off')
    expect(await put(store, 'meanwhile')).toMatchObject({ created: true })
  })

  it('a turn to write for longer than may be waited for says that it is busy', async () => {
    const { name, role, sql, store, disconnect } = await opened()
    await sql(`ALTER ROLE ${role} IN DATABASE ${name} SET lock_timeout = '100ms'`)
    await disconnect()
    const holding = sql('BEGIN; LOCK TABLE jamey_memory.memories IN EXCLUSIVE MODE; SELECT pg_sleep(60)')
    holding.catch(() => {})
    await expect
      .poll(() =>
        sql(
          "SELECT 1 FROM pg_locks WHERE mode = 'ExclusiveLock' AND relation = 'jamey_memory.memories'::regclass",
        ),
      )
      .toHaveLength(1)
    await expect.poll(async () => (await failureOf(put(store, 'one'))).code).toBe('storage-busy')
    expect(await failureOf(put(store, 'one'))).toMatchObject({ retryable: true })
    await sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK TABLE%'")
    expect(await again(() => put(store, 'one'))).toMatchObject({ created: true })
  })

  it('its user the schema says so at the start', async () => {
    const { name, sql, address } = await opened()
    await sql(`CREATE ROLE stranger LOGIN PASSWORD '${PASSWORD}'`)
    const strange = PostgresMemory.open({ address: { ...address, user: 'stranger' } })
    const refusal = await failureOf(strange)
    expect(refusal).toMatchObject({ code: 'storage-refused', retryable: false })
    expect(refusal.message).toContain(name)
  })
})

it('a server whose disk is full answers questions, and takes what is stored once there is room', async ({
  skip,
}) => {
  const disk = smallDisk(DISK_BYTES)
  if (disk === undefined) return skip('no file system can be mounted here; it takes root')
  onTestFinished(() => disk.remove())
  chmodSync(disk.path, 0o755)
  const spare = join(disk.path, 'spare')
  writeFileSync(spare, Buffer.alloc(SPARE_BYTES))
  const place = join(disk.path, 'space')
  mkdirSync(place, { mode: 0o700 })
  server.own(place)
  await server.sql('postgres', `CREATE TABLESPACE small LOCATION '${place}'`)
  await server.sql('postgres', 'CREATE DATABASE small TABLESPACE small')
  const { store } = await opened(server.url('small'))
  let acknowledged = 0
  const fill = async () => {
    for (;;) {
      await put(store, `m${acknowledged}`, `memory ${acknowledged} ${randomText()}`)
      acknowledged++
    }
  }
  const refusal = await failureOf(fill())
  expect(refusal).toMatchObject({ code: 'storage-full', retryable: true })
  expect(refusal.message).toContain('no room left on its disk')
  expect(acknowledged).toBeGreaterThan(0)
  expect(await store.query({ query: 'memory', limit: 1 })).toMatchObject({ total: acknowledged })
  rmSync(spare)
  expect(await put(store, 'after', 'memory at last')).toMatchObject({ created: true })
  expect(await store.query({ query: 'memory', limit: 1 })).toMatchObject({ total: acknowledged + 1 })
})

/** What does not get smaller by being compressed. */
function randomText(): string {
  return Array.from({ length: 4000 }, () => Math.random().toString(36).slice(2, 10)).join('')
}
