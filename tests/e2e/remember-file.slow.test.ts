import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { jamey, Program, removeFolder, type System, startSystem } from './program.js'

/** What `remember --file` makes of a file that changes, against a whole system. */

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

/** Stores a text under a file name with everything that is given. */
function remember(name: string, text: string, ...args: string[]) {
  writeFileSync(join(system.folder, name), text)
  return run('remember', '--file', name, '--layer', 'semantic', ...args)
}

interface Found {
  readonly total: number
  readonly memories: readonly {
    id: string
    content: string
    version: number
    origin: string
    tags: string[]
    metadata: Record<string, unknown>
  }[]
}

async function of(...args: string[]): Promise<Found> {
  const { stdout } = await run('recall', '--limit', '100', '--json', ...args)
  return JSON.parse(stdout) as Found
}

it('stores a paragraph that occurs twice in the file, or stood in another one, once', async () => {
  const first = await remember(
    'first.md',
    'Ana likes tea.\n\nBen likes jazz.\n\nAna likes tea.\n',
    '--tag',
    'a',
  )
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(first.stdout).toMatch(/^first\.md: 2 new in \d+\.\d s\nkept for good\n$/)
  const other = await remember('other.md', 'Cleo likes rain.\n\nBen likes jazz.\n', '--tag', 'a')
  expect(other.stdout).toMatch(/^other\.md: 1 unchanged, 1 new/)
  expect((await of('--tag', 'a')).total).toBe(3)
})

it('makes a version of what was edited, and keeps what is gone until that is to be forgotten', async () => {
  const text = [
    '# Team',
    'Ana drinks a lot of green tea every day.',
    '## Hours\n\nBen works from nine to five.',
    'Cleo works at night.',
  ]
  await remember('team.md', text.join('\n\n'), '--tag', 'team')
  const before = await of('--tag', 'team')
  expect(before.memories.map(({ content }) => content).toSorted()).toEqual([
    'Team\n\nAna drinks a lot of green tea every day.',
    'Team > Hours\n\nBen works from nine to five.',
    'Team > Hours\n\nCleo works at night.',
  ])
  expect(before.memories[0]).toMatchObject({
    origin: pathToFileURL(join(system.folder, 'team.md')).href,
    metadata: { file: 'team.md', paragraph: expect.any(Number) },
  })

  const edited = [
    '# Team',
    'Ana drinks a lot of black tea every day.',
    '## Hours\n\nDan is on leave until spring.',
    'Cleo works at night.',
  ].join('\n\n')
  expect((await remember('team.md', edited, '--tag', 'team')).stdout).toMatch(
    /^team\.md: 1 unchanged, 1 updated, 1 new, 1 gone \(kept; --prune forgets them\) in/,
  )
  const found = await of('--tag', 'team')
  expect(found.total).toBe(4)
  const ana = found.memories.find(({ content }) => content.includes('black tea'))
  expect(ana).toMatchObject({ version: 2 })
  const history = await run('memory', 'history', ana?.id ?? '', '--json')
  expect(JSON.parse(history.stdout)).toMatchObject({
    versions: [{ version: 2 }, { version: 1, content: expect.stringContaining('green tea') }],
  })

  const again = await remember('team.md', edited, '--tag', 'team')
  expect(again.stdout).toMatch(/^team\.md: 3 unchanged, 0 new, 1 gone/)
  const pruned = await remember('team.md', edited, '--tag', 'team', '--prune', '--json')
  expect(JSON.parse(pruned.stdout)).toEqual({
    file: 'team.md',
    unchanged: 3,
    updated: 0,
    new: 0,
    gone: 0,
    pruned: 1,
    refused: 0,
  })
  expect((await of('--tag', 'team')).total).toBe(3)
})

it('changes what is said of paragraphs that stay the same', async () => {
  await remember('said.txt', 'One.\n\nTwo.', '--tag', 'said')
  const { stdout } = await remember('said.txt', 'One.\n\nTwo.', '--tag', 'more', '--importance', '0.9')
  expect(stdout).toMatch(/^said\.txt: 2 updated, 0 new/)
  const found = await of('--tag', 'more')
  expect(found.memories.map(({ tags }) => tags.toSorted())).toEqual([
    ['more', 'said'],
    ['more', 'said'],
  ])
})

it('takes JSON lines with what each says of itself, and tells those that are none', async () => {
  const lines = [
    '"A text alone"',
    '{"content": "A text with more", "tags": ["own"], "session_id": "s1", "turn": 2}',
    '{"content": 5}',
    'nothing',
    '{"content": "x", "colour": "red"}',
  ]
  const { code, stdout, stderr } = await remember('lines.jsonl', lines.join('\n'), '--tag', 'lines')
  expect(code).toBe(1)
  expect(stdout).toMatch(/^lines\.jsonl: 2 new/)
  expect(stderr).toMatch(/3 of 5 lines were refused: line 3: .*; line 4: it is not JSON.*; line 5: .*colour/)
  expect((await of('--session', 's1')).memories).toMatchObject([
    { tags: ['own'], content: 'A text with more' },
  ])
  const again = await remember('lines.jsonl', lines.slice(0, 2).join('\n'), '--tag', 'lines')
  expect(again.stdout).toMatch(/^lines\.jsonl: 2 unchanged, 0 new/)
})

it('skips a paragraph that the memory refuses, says which, and stores the others', async () => {
  const { code, stdout, stderr } = await remember(
    'odd.md',
    'Good.\n\nBad \0 one.\n\nGood, too.\n',
    '--tag',
    'odd',
  )
  expect(code).toBe(1)
  expect(stdout).toMatch(/^odd\.md: 2 new/)
  expect(stderr).toContain('1 of 3 paragraphs were refused: paragraph 2: content: must not contain')
  expect((await of('--tag', 'odd')).total).toBe(2)
})

it('goes on where it was stopped, and stores nothing twice', async () => {
  const paragraphs = Array.from({ length: 4_000 }, (_, i) => `Fact ${i}: ${'word '.repeat(40)}${i * 7}.`)
  writeFileSync(join(system.folder, 'long.txt'), paragraphs.join('\n\n'))
  const args = ['remember', '--file', 'long.txt', '--layer', 'semantic', '--tag', 'long', '--json']
  const first = new Program(system.folder, args)
  await first.prints(/"created":true/)
  await first.stop('SIGKILL')
  const { total } = await of('--tag', 'long')
  expect(total).toBeGreaterThan(0)
  const rest = await run(...args)
  const last = rest.stdout.trimEnd().split('\n').at(-1) ?? ''
  const { unchanged, new: stored, updated } = JSON.parse(last) as Record<string, number>
  expect({ all: (unchanged ?? 0) + (stored ?? 0), updated }).toEqual({ all: 4_000, updated: 0 })
  expect((await of('--tag', 'long')).total).toBe(4_000)
  expect((await run(...args)).stdout).toContain('"unchanged":4000,"updated":0,"new":0')
})

it('finds by --origin what comes on standard input, and finds nothing of it without', async () => {
  const from = (text: string, ...args: string[]) =>
    jamey(system.folder, ['remember', '--file', '-', '--tag', 'stdin', ...args], text)
  expect((await from('Alpha one.\n\nBeta two.', '--origin', 'feed')).stdout).toMatch(/^standard input: 2 new/)
  const second = await from('Alpha one.\n\nGamma three.', '--origin', 'feed', '--prune')
  expect(second.stdout).toMatch(/^standard input: 1 unchanged, 1 new, 1 gone and forgotten/)
  expect((await from('Alpha one.')).stdout).toMatch(/^standard input: 1 unchanged, 0 new/)
})

it('takes no options of the other kind', async () => {
  expect(await run('remember', 'x', '--prune')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--file'),
  })
  expect(await remember('x.md', 'x', '--key', 'k')).toMatchObject({ code: 2 })
  expect(await run('remember', 'x', '--shared', '--scope', 'private')).toMatchObject({ code: 2 })
})
