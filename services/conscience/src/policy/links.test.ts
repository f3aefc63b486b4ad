import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@jamey/bus'
import { linksFrom } from '@jamey/calls'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { EvaluationThread } from '../thread/evaluation-thread.js'
import { judgeCall, type Policy } from './policy.js'
import { parsePolicy } from './policy-file.js'

let workspace: string
let policy: Policy

beforeAll(() => {
  workspace = join(mkdtempSync(join(tmpdir(), 'linked-')), 'app')
  mkdirSync(join(workspace, 'src'), { recursive: true })
  mkdirSync(join(workspace, '../out'))
  symlinkSync('../out', join(workspace, 'out'))
  writeFileSync(join(workspace, '.env'), '')
  symlinkSync('/etc', join(workspace, 'link'))
  symlinkSync('.env', join(workspace, 'notes.txt'))
  symlinkSync('notes.txt', join(workspace, 'n3'))
  policy = parsePolicy('{version: 1, include: [work, shell, files]}', 'policy.yaml', { workspace })
})

afterAll(() => rmSync(join(workspace, '..'), { recursive: true }))

const bash = (command: string) => ({ tool: 'Bash', arguments: { command } })

it.each([
  ['cat notes.txt', ['secret-file']],
  ['echo x > link/motd', ['write-elsewhere']],
  ['cd link && touch motd', ['write-elsewhere']],
  ['rm -r link/', ['write-elsewhere', 'delete-system']],
])('a link is judged as what it leads to: %s', (command, rules) => {
  expect(judgeCall(policy, bash(command)).rules.map(({ name }) => name)).not.toEqual(
    expect.arrayContaining(rules),
  )
  const { decision, rules: applied } = judgeCall(policy, bash(command), { links: linksFrom(workspace) })
  expect(decision).not.toBe('allow')
  expect(applied.map(({ name }) => name)).toEqual(expect.arrayContaining(rules))
})

it.each([
  'cd out && touch ../x',
  'cd link && cp a ../x',
  'cd out && echo x > ../x',
  'git -C out add ../x',
  'mkdir missing && cat missing/../n3',
  'cd out && make',
  'cd out && npm i',
  'cd out && git commit -am x',
  'git -C out commit -m x',
  'git -C out/.. add x',
  'cd out && git -C .. add x',
  'cd -P out/.. && touch x',
  'cd -P out && cd .. && touch x',
  'set -P; cd out; cd ..; touch x',
  'tsc --outDir out',
  'tsc --outDir=out',
  'cargo build --target-dir out',
  'make DESTDIR=out install',
  'npm pack --pack-destination out',
  'go build -o out/x',
  'cmake -S . -Bout',
  'pip install -t out x',
  'DESTDIR=out make install',
  'out/bin/ls',
  'npm test out',
  'eslint out',
  'git -C out status',
])('what is done from a folder that is a link is done where that leads: %s', (command) => {
  expect(judgeCall(policy, bash(command), { links: linksFrom(workspace) }).decision).not.toBe('allow')
})

it.each(['notes.txt', 'missing/../n3', 'link/../n3'])(
  'what a tool other than a shell reads is looked up as well: %s',
  (path) => {
    const call = { tool: 'Read', arguments: { file_path: path } }
    expect(judgeCall(policy, call, { links: linksFrom(workspace) }).decision).toBe('ask')
  },
)

it('a folder that a call says it is made in is looked up', () => {
  const decided = (folder: string) => {
    const call = { ...bash('make'), cwd: join(workspace, folder) }
    return judgeCall(policy, call, { links: linksFrom(workspace) }).decision
  }
  expect(decided('src')).toBe('allow')
  expect(decided('out')).toBe('ask')
  expect(
    judgeCall(policy, { ...bash('make'), cwd: `${workspace}/out/..` }, { links: linksFrom(workspace) })
      .decision,
  ).toBe('ask')
})

it.each([
  'cat link/hosts',
  'ls link',
  'cat README.md',
  'touch src/new.ts',
  'rm link',
  'cd src && touch ../x',
  'cd src && make && cd .. && npm test',
  'cd src && git commit -am x',
  'mkdir -p new/deep && touch new/deep/../x',
  'git -C src add ../x',
  'cd link && ls',
  'cd -P src && touch x',
  'cd out && cd .. && touch x',
  'tsc --outDir dist',
  'tsc -p src --outDir=dist',
  'cargo build --target-dir target',
  'make CC=gcc O=dist',
  'git commit -m out',
  'npm test src',
  'eslint src',
  'git -C src status',
  'git add -A out',
  'set -e; cd src; cd ..; make',
])('what is allowed by its own name is allowed by a link: %s', (command) => {
  const { rules } = judgeCall(policy, bash(command), { links: linksFrom(workspace) })
  expect(rules.filter(({ decision }) => decision !== 'allow')).toEqual([])
})

it('links are followed by the thread in which a service has calls judged', async () => {
  const thread = new EvaluationThread({ policy, budgetMs: 60_000, clock: systemClock, onEnd: () => {} })
  onTestFinished(() => thread.close())
  const found = await thread.evaluate('a', { call: bash('cat notes.txt') }, { remainingMs: 60_000 })
  expect(found.decision).toBe('ask')
})
