import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { emptyFolder, jamey, removeFolder, type System, startSystem } from './program.js'

/** What the commands do with many memories at once, against a whole system. */

// Each is a dozen processes, one after the other.
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

function write(name: string, text: string): string {
  writeFileSync(join(system.folder, name), text)
  return name
}

async function totalOf(tag: string): Promise<number> {
  const { stdout } = await run('recall', '--tag', tag, '--json')
  return (JSON.parse(stdout) as { total: number }).total
}

describe('forget', () => {
  it('refuses to forget much where nobody can be asked, and does so with --yes', async () => {
    const paragraphs = Array.from({ length: 101 }, (_, i) => `Drop number ${i}.`)
    const file = write('many.md', paragraphs.join('\n\n'))
    await run('remember', '--file', file, '--tag', 'many')
    const refused = await run('forget', '--tag', 'many')
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('these conditions fit 101 memories, and nobody can be asked')
    expect(refused.stderr).toContain('--yes')
    expect(await totalOf('many')).toBe(101)
    expect(await run('forget', '--tag', 'many', '--yes')).toMatchObject({
      code: 0,
      stdout: 'forgot 101 memories\n',
    })
  })

  it('says how many would be forgotten, by any condition, and forgets none', async () => {
    const store = (text: string, ...args: string[]) => run('remember', text, '--tag', 'dry', ...args)
    await store('from a page', '--untrusted', '--origin', 'https://example.net/a')
    await store('of a session', '--session', 's9')
    await store('with metadata', '--metadata', '{"project": "x", "level": 3}')
    const dry = (...args: string[]) => run('forget', '--dry-run', '--tag', 'dry', ...args)
    expect((await dry()).stdout).toBe('would forget 3 memories\n')
    expect((await dry('--untrusted')).stdout).toBe('would forget 1 memory\n')
    expect((await dry('--origin', 'https://example.net/a')).stdout).toBe('would forget 1 memory\n')
    expect((await dry('--session', 's9', '--scope', 'private')).stdout).toBe('would forget 1 memory\n')
    const fits = await dry('--where', 'project=x', '--where', 'level>=3', '--json')
    expect(JSON.parse(fits.stdout)).toEqual({ forgotten: 0, would_forget: 1 })
    expect((await dry('--where', 'level>3')).stdout).toBe('would forget 0 memories\n')
    expect(await totalOf('dry')).toBe(3)
    expect((await run('forget', '--tag', 'dry', '--untrusted')).stdout).toBe('forgot 1 memory\n')
    expect(await totalOf('dry')).toBe(2)
  })

  it('forgets little without a question', async () => {
    await run('remember', 'A thing of little weight', '--tag', 'little')
    expect(await run('forget', '--tag', 'little')).toMatchObject({ code: 0, stdout: 'forgot 1 memory\n' })
  })
})

describe('memory', () => {
  it('exports while the memory runs, and imports into another folder, as it was', async () => {
    await run('remember', 'The key hangs behind the door', '--layer', 'semantic', '--tag', 'house')
    const exported = await run('memory', 'export', 'all.jsonl')
    expect(exported.code).toBe(0)
    expect(exported.stdout).toMatch(/^exported \d+ memories to all\.jsonl\n$/)
    const path = join(system.folder, 'all.jsonl')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const text = readFileSync(path, 'utf8')
    expect((await run('memory', 'export', '-')).stdout).toBe(text)
    expect(await run('memory', 'export', 'all.jsonl')).toMatchObject({ code: 2 })

    const other = emptyFolder()
    const into = (args: string[], input?: string) =>
      jamey(other, ['memory', ...args, '--data-dir', join(other, '.jamey')], input)
    expect((await into(['import', '-'], text)).stderr).toContain('no folder')
    await jamey(other, [
      'certs',
      'issue',
      '--server',
      '--host',
      'localhost',
      '--data-dir',
      join(other, '.jamey'),
    ])
    const count = text.trim().split('\n').length
    expect((await into(['import', '-'], text)).stdout).toContain(`imported ${count} memories into`)
    expect((await into(['export', '-'])).stdout).toBe(text)
    expect((await into(['import', path])).stdout).toContain(
      `imported 0 memories into .jamey/data/memory.db (${count} known already)`,
    )
    removeFolder(other)
  })

  it('imports while the memory runs, skips the lines that are none, and says which', async () => {
    const line = JSON.stringify({
      id: 'from-elsewhere',
      content: 'Quinces ripen in October',
      layer: 'semantic',
      tags: ['quince'],
      importance: 0.5,
      created_at: '2020-01-01T00:00:00.000Z',
      occurred_at: '2020-01-01T00:00:00.000Z',
      expires_at: null,
      source: 'somebody',
      metadata: {},
      sent_at: '2020-01-01T00:00:00.000Z',
    })
    const file = write('mixed.jsonl', `{"id": \n${line}\r\n\n{"id":"x"}`)
    const { code, stdout, stderr } = await run('memory', 'import', file)
    expect(code).toBe(1)
    expect(stdout).toContain('imported 1 memory into .jamey/data/memory.db')
    expect(stderr).toMatch(/error: 2 lines were refused: line 1: .*; line 4: content: /)
    const found = await run('recall', 'quinces', '--json')
    expect(JSON.parse(found.stdout)).toMatchObject({
      memories: [{ id: 'from-elsewhere', source: 'somebody' }],
    })
    appendFileSync(join(system.folder, 'bad.jsonl'), Buffer.from([0x7b, 0xff, 0x0a]))
    expect((await run('memory', 'import', 'bad.jsonl')).stderr).toContain('is not UTF-8 text')
    expect(await run('memory', 'import', 'absent.jsonl')).toMatchObject({ code: 2 })
  })

  it('is backed up while it runs, and a system starts with the copy', async () => {
    await run('remember', 'Backups are taken at noon', '--layer', 'semantic', '--tag', 'noon')
    const { code, stdout } = await run('memory', 'backup', 'noon.db')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^noon\.db: \d+ memories, \d+ bytes/)
    expect(await run('memory', 'backup', 'noon.db')).toMatchObject({ code: 2 })
    expect(existsSync(join(system.folder, 'noon.db-wal'))).toBe(false)
    await run('forget', '--tag', 'noon')
    expect(await totalOf('noon')).toBe(0)
    const env = { JAMEY_MEMORY_FILE: join(system.folder, 'noon.db') }
    const exported = await jamey(system.folder, ['memory', 'export', '-'], undefined, env)
    expect(exported.stdout).toContain('Backups are taken at noon')
    expect((await jamey(system.folder, ['memory', 'import', '-'], exported.stdout)).code).toBe(0)
    expect(await totalOf('noon')).toBe(1)
  })
})
