import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { MemoryStore } from '../store/memory-store.js'
import { PostgresServer } from './postgres-server.support.js'

/** From a file into PostgreSQL and back, by the command line as it is built. */

const PROGRAM = fileURLToPath(new URL('../../../../apps/jamey/dist/main.js', import.meta.url))
const MEMORIES = 10_000
const NOW = Date.parse('2026-05-01T12:00:00.000Z')
const LATER = '2999-01-01T00:00:00.000Z'

let server: PostgresServer
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-migration-'))
  server = await PostgresServer.start({ settings: ['fsync=off'] })
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

interface Exported {
  readonly id: string
  readonly history?: readonly unknown[]
  readonly count: number
}

/** One of every kind: whatever a memory may have, some have, and others have not. */
function memoryOf(i: number) {
  const layers = ['episodic', 'semantic', 'long_term'] as const
  const scopes = ['private', 'shared', 'group:crew'] as const
  return {
    content: `memory ${i} of the voyage, with ${i % 9 === 0 ? 'an em dash —, 東京 and \u{1f6a2}' : 'plain words'}`,
    layer: layers[i % 3],
    scope: scopes[i % 3 === 0 ? i % 2 : i % 3],
    tags: i % 4 === 0 ? ['Ship', `number-${i % 7}`] : [],
    importance: (i % 101) / 100,
    metadata: i % 5 === 0 ? { i, nul: '\0', list: [1, { deep: null }] } : undefined,
    occurred_at: i % 2 === 0 ? new Date(NOW - i * 60_000).toISOString() : undefined,
    ...(i % 3 === 0 ? { session_id: `session ${i % 50}`, turn: i } : {}),
    origin: i % 6 === 0 ? `https://example.org/${i}` : undefined,
    trusted: i % 8 !== 0,
    ...(i % 10 === 0 ? { valid_from: '2026-01-01T00:00:00.000Z', valid_to: LATER } : {}),
    // The clock of the commands is that of the machine, and what has expired stays behind.
    expires_at: i % 3 === 0 || i % 7 === 0 ? LATER : undefined,
    supersedes: i % 20 === 19 ? `m${i - 10}` : undefined,
    idempotency_key: i % 11 === 0 ? `key ${i}` : undefined,
  }
}

async function filledFile(file: string): Promise<void> {
  const store = MemoryStore.open({ file, now: () => NOW })
  const owner = (i: number) => `agent-${i % 10}`
  for (let i = 0; i < MEMORIES; i += 500) {
    await Promise.all(
      Array.from({ length: 500 }, (_, k) => {
        const context = { id: `m${i + k}`, source: owner(i + k), sentAtMs: NOW - k }
        return store.store(memoryOf(i + k), context)
      }),
    )
  }
  // Versions, and what was stored more than once.
  for (let i = 1; i < 500; i += 5) {
    await store.update({ id: `m${i}`, content: `memory ${i}, said anew`, importance: 1 })
    await store.update({ id: `m${i}`, tags: ['corrected'] })
    await store.store(memoryOf(i + 1), { id: `again-${i}`, source: owner(i + 1) })
  }
  await store.close()
}

it('10 000 memories go into PostgreSQL and back with everything that they have', async () => {
  const jamey = (words: readonly string[], env: Readonly<Record<string, string>>) => {
    const given = { cwd: folder, env: { PATH: process.env['PATH'], ...env }, encoding: 'utf8' as const }
    const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, 'memory', ...words], given)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    return stdout
  }
  // In the order of their ids: an import stores several at once, in any order.
  const exported = (name: string) =>
    readFileSync(join(folder, name), 'utf8')
      .trimEnd()
      .split('\n')
      // One without versions before may say so or not.
      .map((line) => ({ history: [], ...(JSON.parse(line) as Exported) }))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  const before = { JAMEY_MEMORY_FILE: join(folder, 'before.db') }
  const database = { JAMEY_MEMORY_URL: await server.newDatabase() }
  const after = { JAMEY_MEMORY_FILE: join(folder, 'after.db') }
  await filledFile(before.JAMEY_MEMORY_FILE)
  jamey(['export', 'before.jsonl'], before)
  expect(jamey(['import', 'before.jsonl'], database)).toContain('imported 10,000 memories')
  jamey(['export', 'database.jsonl'], database)
  expect(jamey(['import', 'database.jsonl'], after)).toContain('imported 10,000 memories')
  jamey(['export', 'after.jsonl'], after)
  const was = exported('before.jsonl')
  expect(was).toHaveLength(MEMORIES)
  expect(was.filter(({ history }) => history.length === 2)).toHaveLength(100)
  // Nine have a key, by which a repeat is known.
  expect(was.filter(({ count }) => count > 1)).toHaveLength(91)
  // One by one, so that what differs is told and not all of it.
  for (const name of ['database.jsonl', 'after.jsonl']) {
    const found = exported(name)
    expect(found).toHaveLength(MEMORIES)
    for (const [i, memory] of found.entries()) expect([name, memory]).toEqual([name, was[i]])
  }
}, 600_000)
