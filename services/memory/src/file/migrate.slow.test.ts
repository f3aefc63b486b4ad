import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFile } from '../store/memory-file.support.js'
import { MemoryStore } from '../store/memory-store.js'
import { Database } from './database.js'
import { type MigrationProgress, migrate } from './migrate.js'
import { MIGRATIONS } from './schema.js'

const SCRIPT = fileURLToPath(new URL('opening-process.mjs', import.meta.url))
const COUNT = 20_000

/** A file of version 3, as programs before there were versions of memories wrote it. */
function oldFile(): string {
  const file = temporaryFile()
  const database = new Database({ file, busyTimeoutMs: 2000 })
  migrate(database, MIGRATIONS.slice(0, 3))
  const insert = database.prepare(
    `INSERT INTO memories (id, layer, importance, sent_at, created_at, occurred_at, expires_at, source, owner, scope, tags,
      metadata, content) VALUES (?, 'semantic', 0.5, 5, 6, 7, NULL, 'agent-1', 'agent-1', 'private', '["a tag"]', '{"n":1}', ?)`,
  )
  const tag = database.prepare("INSERT INTO memory_tags SELECT 'a tag', seq FROM memories WHERE id = ?")
  database.transaction(() => {
    for (let i = 0; i < COUNT; i++) {
      insert.run(`m${i}`, `memory number ${i} ${'of many '.repeat(20)}`)
      tag.run(`m${i}`)
    }
    insert.run('secret', 'wombat-in-a-free-page')
    database.execute("DELETE FROM memories WHERE id = 'secret' OR seq = 20000")
  })
  database.close()
  return file
}

/** What a process that opens the file prints; with `killAt` it is killed with SIGKILL at so many memories. */
async function opening(file: string, killAt = Number.POSITIVE_INFINITY, ...more: readonly string[]) {
  const child = spawn(process.execPath, [SCRIPT, file, ...more], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const closed = once(child, 'close')
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (Number(line.split(' ')[0]) >= killAt) child.kill('SIGKILL')
  }
  const [, signal] = await closed
  return { lines, signal }
}

/** Version of files whose texts stood in an index of their memories. */
const WITH_INDEX = 6

/** A file of that version, which has the memories of `filled`. */
function fileWithIndex(filled: string): string {
  const file = temporaryFile()
  const database = new Database({ file, busyTimeoutMs: 2000 })
  migrate(database, MIGRATIONS.slice(0, WITH_INDEX))
  database.execute(
    `ATTACH '${filled}' AS filled; INSERT INTO memories SELECT * FROM filled.memories; DETACH filled`,
  )
  database.close()
  return file
}

/** A file as it is found: its version, and whether its texts stand in the former index. */
function stateOf(file: string) {
  const database = new Database({ file, busyTimeoutMs: 2000 })
  const indexes = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'memories_by_text'").all()
  const state = { version: database.pragma('user_version'), hasIndex: indexes.length > 0 }
  database.close()
  return state
}

describe('a file of the version before texts had tables', () => {
  it('is as it was where the process is killed before the step is committed, and comes to the newest after it', async () => {
    const filled = temporaryFile()
    const texts = Array.from({ length: COUNT }, (_, i) => `text ${i}`)
    const first = MemoryStore.open({ file: filled })
    for (let at = 0; at < COUNT; at += 1000) {
      const some = texts.slice(at, at + 1000)
      await Promise.all(some.map((content) => first.store({ content }, { id: content, source: 'ann' })))
    }
    await first.close()
    const file = fileWithIndex(filled)
    for (let kill = 0; kill < 2; kill++) {
      const { signal } = await opening(file, undefined, String(WITH_INDEX + 1))
      expect(signal).toBe('SIGKILL')
      // What was not committed had come to the disk.
      expect(statSync(`${file}-wal`).size).toBeGreaterThan(100_000)
      expect(stateOf(file)).toEqual({ version: WITH_INDEX, hasIndex: true })
    }
    const { lines, signal } = await opening(file)
    expect({ lines, signal }).toEqual({ lines: ['open'], signal: null })
    expect(stateOf(file)).toEqual({ version: MIGRATIONS.length, hasIndex: false })
    const store = MemoryStore.open({ file })
    for (const content of [texts[0], texts[COUNT / 2], texts.at(-1)] as string[]) {
      const again = await store.store({ content }, { id: `${content} again`, source: 'ann' })
      expect(again).toMatchObject({ merged: true, memory: { id: content, count: 2 } })
    }
    expect(store.stats().memories).toBe(COUNT)
    await store.close()
  }, 240_000)
})

describe('a file of the version before memories had versions', () => {
  it('is brought to the newest, from where the one that was killed had come, again and again', async () => {
    const file = oldFile()
    let reached = 0
    for (const killAt of [3000, 9000]) {
      const { lines, signal } = await opening(file, killAt)
      expect(signal).toBe('SIGKILL')
      const [first, last] = [lines.at(0), lines.at(-1)].map((line) => Number(line?.split(' ')[0]))
      expect(first).toBeGreaterThan(reached)
      reached = (last as number) - 1000
    }
    const told: MigrationProgress[] = []
    const store = MemoryStore.open({
      file,
      claim: { id: 'one', isNew: true },
      onProgress: (one) => told.push(one),
    })
    expect(told[0]?.done).toBeGreaterThan(reached)
    expect(told.at(-1)).toEqual({ version: 5, done: COUNT - 1, total: COUNT - 1 })
    expect(store.stats().memories).toBe(COUNT - 1)
    const content = `memory number 12345 ${'of many '.repeat(20)}`
    const { memories, total } = await store.query({ query: 'number 12345', tags: ['a tag'], limit: 1 })
    expect(total).toBe(COUNT - 1)
    expect(memories[0]).toMatchObject({
      id: 'm12345',
      content,
      created_at: '1970-01-01T00:00:00.006Z',
      updated_at: '1970-01-01T00:00:00.006Z',
      occurred_at: '1970-01-01T00:00:00.007Z',
      version: 1,
      count: 1,
      trusted: true,
      content_hash: createHash('sha256').update(content).digest('hex'),
      provenance: { stored_by: 'agent-1' },
      metadata: { n: 1 },
    })
    expect(await store.statsOf({ owner: 'agent-1' })).toMatchObject({ memories: COUNT - 1 })
    expect(await store.store({ content }, { id: 'again', source: 'agent-1' })).toMatchObject({ merged: true })
    const { memory } = await store.store({ content: 'new' }, { id: 'new', source: 'agent-1' })
    expect(memory.version).toBe(1)
    await store.close()
    const left = readdirSync(dirname(file)).filter((name) =>
      readFileSync(join(dirname(file), name)).includes('wombat'),
    )
    expect(left).toEqual([])
  }, 240_000)

  it('is refused by an older program once it is new, by its version', async () => {
    const file = temporaryFile()
    await MemoryStore.open({ file }).close()
    const database = new Database({ file, busyTimeoutMs: 2000 })
    onTestFinished(() => database.close())
    expect(() => migrate(database, MIGRATIONS.slice(0, 3))).toThrow(
      expect.objectContaining({
        code: 'storage-version',
        message: expect.stringContaining(`has version ${MIGRATIONS.length}`),
      }),
    )
  })
})
