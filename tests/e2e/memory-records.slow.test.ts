import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { jamey, removeFolder, type System, startSystem } from './program.js'

/** Single memories from the command line and over HTTP, against a whole system. */

vi.setConfig({ testTimeout: 300_000 })

let system: System

beforeAll(async () => {
  system = await startSystem()
})

afterAll(async () => {
  await system?.program.stop()
  removeFolder(system?.folder)
})

const run = (...args: string[]) => jamey(system.folder, args)
const json = async (...args: string[]) =>
  JSON.parse((await run(...args, '--json')).stdout) as Record<string, unknown>

async function stored(text: string, ...args: string[]): Promise<string> {
  const { memory } = await json('remember', text, ...args)
  return (memory as { id: string }).id
}

describe('jamey memory', () => {
  it('gets, changes and tells the history of one memory', async () => {
    const id = await stored(
      'Ana lives in Lisbon',
      '--layer',
      'semantic',
      '--tag',
      'home',
      '--metadata',
      '{"of": "Ana"}',
    )
    const { stdout } = await run('memory', 'get', id)
    expect(stdout).toContain('Ana lives in Lisbon')
    expect(stdout).toContain('metadata {"of":"Ana"}')
    expect(stdout).toContain('owner jamey-operator, private')

    const updated = await run(
      'memory',
      'update',
      id,
      'Ana lives in Porto',
      '--importance',
      '0.9',
      '--if-version',
      '1',
    )
    expect(updated).toMatchObject({ code: 0, stderr: '' })
    expect(updated.stdout).toMatch(/^updated {2}version 2, after 1\n/)
    const late = await run('memory', 'update', id, 'Ana lives in Faro', '--if-version', '1')
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('version') })

    const history = await run('memory', 'history', id)
    expect(history.stdout).toMatch(/^version 2 {2}since .*\n.*\n {2}Ana lives in Porto\n/)
    expect(history.stdout).toMatch(/version 1 {2}since .*, until .*\n.*\n {2}Ana lives in Lisbon\n/)
    expect(await run('memory', 'update', id)).toMatchObject({ code: 2 })
    for (const command of ['get', 'history']) {
      expect(await run('memory', command, 'nobody')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('no such memory'),
      })
    }
    expect(await run('memory', 'update', 'nobody', 'x')).toMatchObject({ code: 1 })
  })

  it('takes away what an option says is none', async () => {
    const id = await stored(
      'The code is 4711',
      '--ttl',
      '2h',
      '--session',
      's',
      '--tag',
      'x',
      '--valid-to',
      '2099-01-01',
    )
    const { memory } = await json(
      'memory',
      'update',
      id,
      '--expires',
      'never',
      '--session',
      'none',
      '--valid-to',
      'none',
      '--no-tag',
    )
    expect(memory).toMatchObject({ expires_at: null, tags: [] })
    expect(memory).not.toHaveProperty('session_id')
    expect(memory).not.toHaveProperty('valid_to')
  })

  it('looks at what held at a time, and at what holds no longer', async () => {
    const old = await stored(
      'The office is in Berlin',
      '--layer',
      'semantic',
      '--tag',
      'office',
      '--valid-from',
      '2020-01-01',
    )
    const now = await stored(
      'The office is in Hamburg',
      '--layer',
      'semantic',
      '--tag',
      'office',
      '--supersedes',
      old,
      '--valid-from',
      '2024-01-01',
    )
    const ids = async (...args: string[]) =>
      ((await json('recall', '--tag', 'office', ...args))['memories'] as { id: string }[]).map(({ id }) => id)
    expect(await ids()).toEqual([now])
    expect((await ids('--all')).toSorted()).toEqual([old, now].toSorted())
    const { memory } = await json('memory', 'get', old)
    expect(memory).toMatchObject({ superseded_by: now, valid_to: expect.stringContaining('202') })
  })

  it('stores once under a key, and says so', async () => {
    const first = await run('remember', 'A thing', '--key', 'turn-7')
    expect(first.stdout).toMatch(/^remembered/)
    const again = await run('remember', 'A thing', '--key', 'turn-7')
    expect(again.stdout).toMatch(/^known already/)
    const other = await run('remember', 'Another thing', '--key', 'turn-7')
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('turn-7') })
  })

  it('tells how many there are, and consolidates', async () => {
    const { stdout } = await run('memory', 'stats')
    expect(stdout).toMatch(/^\d+ memories, [\d,]+ bytes, oldest .*, newest .*\nby layer {2}/)
    const done = await run('memory', 'consolidate', '--dry-run')
    expect(done.stdout).toMatch(
      /^would be: \d+ memor(y|ies) merged into others, \d+ kept for good, \d+ let go/,
    )
    expect(await json('memory', 'consolidate')).toEqual({
      merged: expect.any(Number),
      promoted: expect.any(Number),
      evicted: expect.any(Number),
    })
  })

  it('checks the file, and a backup of it, and makes its indexes anew while it runs', async () => {
    expect((await run('memory', 'check')).stdout).toMatch(/^\.jamey\/data\/memory\.db is sound: \d+ memories/)
    await run('memory', 'backup', 'copy.db')
    expect((await run('memory', 'check', 'copy.db')).stdout).toMatch(/^copy\.db is sound/)
    expect(await run('memory', 'check', 'absent.db')).toMatchObject({ code: 2 })
    const before = (await json('recall', '--tag', 'office'))['total']
    expect((await run('memory', 'reindex')).stdout).toMatch(
      /^\.jamey\/data\/memory\.db: the indexes of \d+ memories/,
    )
    expect((await json('recall', '--tag', 'office'))['total']).toBe(before)
  })
})
