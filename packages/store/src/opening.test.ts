import { chmodSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SessionStore } from '@jamey/mqtt'
import { open } from 'lmdb'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openBrokerStore, openSessionStore, StoreError, type StoreErrorCode } from './index.js'
import { Batch } from './lmdb/batch.js'
import { LmdbEnvironment } from './lmdb/lmdb-environment.js'
import { RecordWriter } from './lmdb/record-writer.js'
import type { MigrationRecords, Schema } from './lmdb/schema.js'
import { Child } from './test-support/child.js'
import { newFolder } from './test-support/folder.js'
import { stateOf } from './test-support/session-model.js'
import { SESSION_PROCESS } from './test-support/session-process.js'

const fileOf = (path: string): string => join(path, 'data.mdb')

async function failureOf(promise: Promise<unknown>): Promise<StoreError> {
  try {
    await promise
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError)
    return error as StoreError
  }
  throw new Error('expected a StoreError')
}

function append(store: SessionStore, from: number, to: number): void {
  for (let sequence = from; sequence < to; sequence++) {
    const payload = Buffer.alloc(500, 'payload ')
    store.append({ sequence, topic: 't', payload, qos: 1, retain: false, properties: undefined })
  }
}

/** A closed store with 100 publishes. */
async function makeSessionStore(): Promise<string> {
  const path = newFolder()
  const store = await openSessionStore({ path })
  append(store, 0, 100)
  await store.commit()
  await store.close()
  return path
}

describe('a new store', () => {
  it('is readable by its owner only: folder 0700, files 0600', async () => {
    const path = newFolder()
    const store = await openBrokerStore({ path })
    const modes = ['.', 'data.mdb', 'lock.mdb'].map((name) => statSync(join(path, name)).mode & 0o777)
    expect(modes).toEqual([0o700, 0o600, 0o600])
    await store.close()
  })

  it('shuts an empty folder, and one of its own, that others could look into', async () => {
    const path = join(newFolder(), 'with.dot')
    mkdirSync(path, { recursive: true, mode: 0o755 })
    await (await openBrokerStore({ path })).close()
    expect(statSync(path).mode & 0o777).toBe(0o700)
    chmodSync(path, 0o755)
    chmodSync(fileOf(path), 0o644)
    await (await openBrokerStore({ path })).close()
    expect(statSync(path).mode & 0o777).toBe(0o700)
    expect(statSync(fileOf(path)).mode & 0o777).toBe(0o600)
  })

  it('is made in the file that a process left empty when it died', async () => {
    const path = newFolder()
    mkdirSync(path)
    writeFileSync(fileOf(path), '')
    const store = await openSessionStore({ path })
    expect(await stateOf(store)).toMatchObject({
      waiting: [],
      deadLetters: [],
      received: [],
      nextSequence: 0,
    })
    await store.close()
  })
})

describe('a folder that is none of a store is refused, and left as it is [promise 37]', () => {
  it.each<[string, (path: string) => void, string]>([
    ['with other files', (path) => writeFileSync(join(path, 'letter.txt'), 'x'), 'letter.txt'],
    [
      'with another data.mdb',
      (path) => writeFileSync(fileOf(path), 'x'.repeat(10_000)),
      'expected an LMDB file',
    ],
    ['with a torn data.mdb', (path) => writeFileSync(fileOf(path), 'x'), 'expected an LMDB file'],
  ])('%s', async (_what, fill, message) => {
    const path = newFolder()
    mkdirSync(path, { mode: 0o755 })
    fill(path)
    const error = await failureOf(openSessionStore({ path }))
    expect(error).toMatchObject({ code: 'foreign', path, retryable: false })
    expect(error.message).toContain(message)
    expect(error.message).toContain('folder of its own')
    expect(statSync(path).mode & 0o777).toBe(0o755)
  })

  it('a file in its place', async () => {
    const path = newFolder()
    writeFileSync(path, 'x')
    expect(await failureOf(openSessionStore({ path }))).toMatchObject({ code: 'foreign' })
    expect(await failureOf(openSessionStore({ path: join(path, 'below') }))).toMatchObject({
      code: 'foreign',
    })
  })

  it('an LMDB file of another program', async () => {
    const path = newFolder()
    const other = open({ path, noSubdir: false })
    await other.put('key', 'value')
    await other.close()
    expect((await failureOf(openSessionStore({ path }))).message).toContain('an LMDB file of another program')
  })

  it('a store of the other kind, which its own kind still opens', async () => {
    const path = await makeSessionStore()
    const error = await failureOf(openBrokerStore({ path }))
    expect(error.code).toBe('foreign')
    expect(error.message).toContain("expected a 'jamey broker store', found a 'jamey session store'")
    const store = await openSessionStore({ path })
    expect((await stateOf(store)).waiting).toHaveLength(100)
    await store.close()
  })
})

describe('a store that is open', () => {
  it('is refused to a second one of the same process, until it is closed', async () => {
    const path = newFolder()
    const store = await openSessionStore({ path })
    const error = await failureOf(openSessionStore({ path: join(path, '..', 'store') }))
    expect(error).toMatchObject({ code: 'in-use', retryable: true })
    append(store, 0, 1)
    await store.commit()
    await store.close()
    await (await openSessionStore({ path })).close()
  })

  it('is refused to a second process, which is told who has it, until that one is killed', async () => {
    const path = newFolder()
    const child = new Child(SESSION_PROCESS, [path, '1', '0'])
    onTestFinished(async () => void (await child.kill()))
    await child.line()
    const error = await failureOf(openSessionStore({ path }))
    expect(error.code).toBe('in-use')
    expect(error.message).toContain(`process ${child.pid} has it open`)
    // It goes on as if nothing had been.
    for (let i = 0; i < 20; i++) expect(await child.line()).toBeDefined()
    await child.kill()
    await (await openSessionStore({ path })).close()
  })

  it('says so once it is closed', async () => {
    const store = await openSessionStore({ path: newFolder() })
    await store.close()
    await store.close()
    append(store, 0, 1)
    expect(await failureOf(store.commit())).toMatchObject({ code: 'closed' })
    expect(await failureOf(stateOf(store))).toMatchObject({ code: 'closed' })
  })
})

describe('damage', () => {
  const expectDamaged = (error: StoreError, code: StoreErrorCode = 'damaged'): void => {
    expect(error.code).toBe(code)
    expect(error.message).toContain('restore the folder from a backup')
  }

  it('of a record is found by its checksum, which names the record', async () => {
    const path = await makeSessionStore()
    const bytes = readFileSync(fileOf(path))
    bytes[bytes.lastIndexOf('payload payload') + 3] = 0
    writeFileSync(fileOf(path), bytes)
    const store = await openSessionStore({ path })
    const page = await store.read({ after: -1, upTo: 99, maximumMessages: 1000, maximumBytes: 1_000_000 })
    // All others are there.
    expect(page.publishes).toHaveLength(99)
    const error = await failureOf(Promise.reject(page.damaged[0]?.error))
    expectDamaged(error)
    expect(error.message).toMatch(/record 01[0-9a-f]{14}: expected the checksum \d+, found \d+/)
    await store.close()
  })

  it('of a file that was cut off is an error and no crash', async () => {
    const path = await makeSessionStore()
    truncateSync(fileOf(path), 4096 * 4)
    const error = await failureOf(
      openSessionStore({ path }).then((store) => stateOf(store).finally(() => store.close())),
    )
    expectDamaged(error)
  })
})

describe('the format', () => {
  const schema = (version: number, migrations: Schema['migrations'] = new Map()): Schema => ({
    kind: 'test store',
    version,
    migrations,
  })
  const writer = new RecordWriter()
  const key = (kind: number, number: number): Buffer => writer.byte(kind).keyInteger(number).endKey()

  async function makeFormat(version: number): Promise<string> {
    const path = newFolder()
    const environment = await LmdbEnvironment.open(path, schema(version))
    const batch = new Batch()
    for (let i = 0; i < 3; i++) batch.put(key(1, i), writer.varint(i).endValue())
    await environment.commit(batch)
    await environment.close()
    return path
  }

  async function recordsOf(path: string, version: number): Promise<number[][]> {
    const environment = await LmdbEnvironment.open(path, schema(version))
    const all = [1, 2].map((kind) => [...environment.records([kind])].map(({ reader }) => reader.varint()))
    await environment.close()
    return all
  }

  it('of a later version is refused and left alone', async () => {
    const path = await makeFormat(3)
    const error = await failureOf(LmdbEnvironment.open(path, schema(2)))
    expect(error.code).toBe('newer-version')
    expect(error.message).toContain('expected format 2 or older, found 3')
    expect(await recordsOf(path, 3)).toEqual([[0, 1, 2], []])
  })

  it('of an earlier version is brought up step by step', async () => {
    const path = await makeFormat(1)
    const migrations: Schema['migrations'] = new Map([
      [
        1,
        ({ range, put, remove }) => {
          for (const { key: old, value } of range(Buffer.from([1]))) {
            put(Buffer.concat([Buffer.from([2]), old.subarray(1)]), value)
            remove(old)
          }
        },
      ],
      [2, ({ range, remove }) => remove([...range(Buffer.from([2]))][0]?.key as Buffer)],
    ])
    await (await LmdbEnvironment.open(path, schema(3, migrations))).close()
    expect(await recordsOf(path, 3)).toEqual([[], [1, 2]])
  })

  it('stays the earlier one, whole, where a step fails or is not known', async () => {
    const path = await makeFormat(1)
    const failing: Schema['migrations'] = new Map<number, (records: MigrationRecords) => void>([
      [1, ({ remove }) => remove(key(1, 0))],
      [
        2,
        () => {
          throw new Error('no room for it')
        },
      ],
    ])
    const error = await failureOf(LmdbEnvironment.open(path, schema(3, failing)))
    expect(error.code).toBe('migration-failed')
    expect(error.message).toContain('no room for it')
    const unknown = await failureOf(LmdbEnvironment.open(path, schema(2)))
    expect(unknown.message).toContain('no migration from format 1 is known')
    expect(await recordsOf(path, 1)).toEqual([[0, 1, 2], []])
  })
})
