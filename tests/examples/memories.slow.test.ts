import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { archivedMemorySchema } from '@jamey/contracts'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { REPOSITORY, removeFolder, type System, startSystem } from '../e2e/program.js'

/** docs/memories.md: its blocks as they stand there, one after the other, beside `jamey up`. */

vi.setConfig({ testTimeout: 300_000 })

const page = readFileSync(join(REPOSITORY, 'docs/memories.md'), 'utf8')
const blocksOf = (language: string) =>
  [...page.matchAll(new RegExp(`(?<!<!-- not run: [^\\n]*\\n)^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, text = '']) => text,
  )
const shell = blocksOf('sh')

/** What a block has to print, by the beginning of the block. */
const PRINTS: readonly (readonly [string, RegExp])[] = [
  ['jamey remember --layer semantic --tag travel', /Lisbon in May.*1 memory/s],
  ['jamey remember --layer semantic --tag office', /Hamburg.*\n1 memory\n.*\n2 memories/s],
  ['jamey remember --key order-17', /^remembered.*known already/s],
  ['jamey memory get', /updated {2}version 3, after 2.*version 3 {2}since.*version 1 {2}since/s],
  ['jamey remember --untrusted', /would forget 1 memory\nforgot 1 memory\n/s],
  ['jamey remember --session s1', /The checkout needs.*1 memory/s],
  ['printf', /2 new.*1 updated, 0 new, 1 gone \(kept; --prune forgets them\).*1 gone and forgotten/s],
  ['API=', /"version":2.*"status":412.*"would_forget":1.*"refused":0/s],
  ['jamey memory stats', /\d+ memories.*would be: .*let go for want of room/s],
  ['jamey memory export', /exported \d+ memories.*imported 0 memories/s],
  ['jamey memory backup', /memories-1\.db: \d+ memories.*memories-1\.db is sound/s],
  ['jamey memory check ', /is sound.*are new/s],
]

let system: System
/** Variables of one block are there in those below. */
let before = ''

beforeAll(async () => {
  system = await startSystem()
  mkdirSync(join(system.folder, 'bin'))
  symlinkSync(join(REPOSITORY, 'apps/jamey/bin/jamey.js'), join(system.folder, 'bin/jamey'))
})

afterAll(async () => {
  await system?.program.stop()
  if (system !== undefined) removeFolder(system.folder)
})

async function run(lines: string): Promise<string> {
  const env = { ...process.env, PATH: `${join(system.folder, 'bin')}:${process.env['PATH']}` }
  const text = `set -e\n${before}${lines}\n{ declare -p OFFICE API || true; } 2>/dev/null >variables`
  const { stdout } = await promisify(execFile)(
    'bash',
    ['-c', text.replaceAll('http://127.0.0.1:8080', system.http)],
    {
      cwd: system.folder,
      env,
    },
  )
  before = `${readFileSync(join(system.folder, 'variables'), 'utf8')}\n`
  return stdout
}

describe('docs/memories.md', () => {
  it('has blocks, each of which has something to print', () => {
    expect(shell.length).toBeGreaterThan(10)
    const untold = shell.filter((block) => !PRINTS.some(([start]) => block.startsWith(start)))
    expect(untold).toEqual([])
  })

  it.each(shell.map((block) => [block.split('\n')[0] ?? '', block]))('runs "%s"', async (_title, block) => {
    const [, printed = /never/] = PRINTS.find(([start]) => block.startsWith(start)) ?? []
    expect(await run(block)).toMatch(printed)
  })

  it('shows a line of an export that an import takes', () => {
    for (const line of blocksOf('json')) archivedMemorySchema.parse(JSON.parse(line))
  })
})
