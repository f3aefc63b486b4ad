import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { jamey, type Outcome, removeFolder, type System, startSystem } from './program.js'

/** What `jamey recall` can be asked, and the archives of one client, against a whole system. */

// Each is a dozen processes, one after the other.
vi.setConfig({ testTimeout: 300_000 })

interface Found {
  readonly total?: number
  readonly next_cursor?: string
  readonly memories?: readonly { readonly id: string; readonly content: string }[]
}

let system: System

beforeAll(async () => {
  system = await startSystem()
})

afterAll(async () => {
  await system?.program.stop()
  removeFolder(system?.folder)
})

const run = (...args: string[]): Promise<Outcome> => jamey(system.folder, args)

async function recall(...args: string[]): Promise<Found> {
  const { code, stdout, stderr } = await run('recall', ...args, '--json')
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as Found
}

const texts = ({ memories = [] }: Found): string[] => memories.map(({ content }) => content)

describe('recall', () => {
  it('goes on from a page by its cursor until all were shown, each once', async () => {
    const notes = Array.from({ length: 25 }, (_, i) => `Ferry ${i} left the harbour on time.`)
    writeFileSync(join(system.folder, 'ferries.md'), notes.join('\n\n'))
    await run('remember', '--file', 'ferries.md', '--tag', 'ferries')
    const seen: string[] = []
    let pages = 0
    for (let cursor: string | undefined; pages < 10; ) {
      const more = cursor === undefined ? [] : ['--cursor', cursor]
      const page = await recall('harbour', '--tag', 'ferries', '--limit', '10', ...more)
      seen.push(...texts(page))
      pages++
      cursor = page.next_cursor
      if (cursor === undefined) break
    }
    expect([pages, seen.length, new Set(seen).size]).toEqual([3, 25, 25])
    const other = await run('recall', 'something else', '--cursor', 'not-one')
    expect(other.code).not.toBe(0)
    expect(other.stderr).toContain('cursor')
  })

  it('tells what was known and held at a time, and what took its place since', async () => {
    const store = async (text: string, ...args: string[]) => {
      const { stdout, stderr } = await run('remember', text, '--tag', 'office', '--json', ...args)
      expect(stderr).toBe('')
      return (JSON.parse(stdout) as { memory: { id: string } }).memory.id
    }
    const old = await store('The office is in Lisbon', '--valid-from', '2020-01-01T00:00:00Z')
    const between = new Date().toISOString()
    await store('The office is in Porto', '--supersedes', old)
    expect(texts(await recall('office', '--tag', 'office'))).toEqual(['The office is in Porto'])
    expect(texts(await recall('office', '--tag', 'office', '--as-of', between))).toEqual([
      'The office is in Lisbon',
    ])
    expect(texts(await recall('office', '--tag', 'office', '--all')).toSorted()).toEqual([
      'The office is in Lisbon',
      'The office is in Porto',
    ])
  })

  it('says why each was found, and takes conditions on metadata', async () => {
    const store = (text: string, metadata: object) =>
      run('remember', text, '--tag', 'why', '--session', 's1', '--metadata', JSON.stringify(metadata))
    await store('The lighthouse keeper painted the door red', { project: 'north', level: 3 })
    await store('The lighthouse lamp was changed', { project: 'south', level: 5 })
    const north = await recall('lighthouse', '--where', 'project=north', '--where', 'level<5')
    expect(texts(north)).toEqual(['The lighthouse keeper painted the door red'])
    expect(texts(await recall('lighthouse', '--session', 's1'))).toHaveLength(2)
    expect(texts(await recall('lighthouse', '--session', 's2'))).toEqual([])
    const { stdout } = await run('recall', 'lighthouse painted', '--tag', 'why', '--explain')
    expect(stdout).toContain('lighthouse')
    expect(stdout).toMatch(/paint/)
    const explained = JSON.stringify(await recall('lighthouse painted', '--tag', 'why', '--explain'))
    expect(explained).toMatch(/"why":\{"terms":\[\{"word":"lighthouse"/)
  })
})

describe('the archive of one client', () => {
  it('has its own memories alone, and brings back what was forgotten as it was, once', async () => {
    await run('remember', 'Ann likes tea', '--client-id', 'ann', '--tag', 'taste')
    await run('remember', 'Bob likes coffee', '--client-id', 'bob', '--tag', 'taste')
    expect(await run('memory', 'export', 'ann.jsonl', '--client-id', 'ann')).toMatchObject({ code: 0 })
    const lines = readFileSync(join(system.folder, 'ann.jsonl'), 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { content: string }).content)).toEqual(['Ann likes tea'])
    const stranger = await run('memory', 'import', 'ann.jsonl', '--client-id', 'cleo')
    expect([stranger.code, stranger.stderr]).toEqual([1, expect.stringContaining('another memory is stored')])
    await run('forget', '--tag', 'taste', '--client-id', 'ann')
    expect(texts(await recall('tea', '--client-id', 'ann'))).toEqual([])
    for (const code of [0, 0]) {
      expect(await run('memory', 'import', 'ann.jsonl', '--client-id', 'ann')).toMatchObject({
        code,
        stderr: '',
      })
    }
    const back = await recall('tea', '--client-id', 'ann')
    const { id } = JSON.parse(lines[0] ?? '') as { id: string }
    expect(back).toMatchObject({ total: 1, memories: [{ id, content: 'Ann likes tea' }] })
  })
})
