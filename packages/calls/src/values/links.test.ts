import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { factsOf } from '../facts/facts.js'
import { linksFrom } from './links.js'

let top: string
let workspace: string

beforeAll(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'links-')))
  workspace = join(top, 'app')
  mkdirSync(join(workspace, 'src'), { recursive: true })
  mkdirSync(join(top, 'other/deep'), { recursive: true })
  writeFileSync(join(workspace, 'src/a.ts'), '')
  writeFileSync(join(workspace, '.env'), '')
  symlinkSync('/etc', join(workspace, 'etc'))
  symlinkSync('../other', join(workspace, 'other'))
  symlinkSync('../nothing-yet', join(workspace, 'dangling'))
  symlinkSync('src', join(workspace, 'within'))
  symlinkSync('.env', join(workspace, 'notes.txt'))
  symlinkSync('round', join(workspace, 'round'))
  symlinkSync('other/deep', join(workspace, 'deep'))
  symlinkSync(workspace, join(top, 'name'))
})

afterAll(() => rmSync(top, { recursive: true }))

/** What a command uses, and what that leads to: below the folder that is above the workspace, or as it is. */
function used(command: string, at = workspace): string[] {
  const options = { workspace: at, links: linksFrom(at) }
  const { files, unread } = factsOf({ tool: 'Bash', arguments: { command } }, options)
  const paths = files.map(({ access, path }) => `${access} ${path.replace(`${top}/`, '')}`)
  return [...paths, ...unread.map(({ reason }) => reason)]
}

describe('a path through a link', () => {
  it.each([
    ['cat etc/passwd', ['read app/etc/passwd', 'read /etc/passwd']],
    ['echo x > other', ['write app/other', 'write other']],
    ['echo x > other/new/file', ['write app/other/new/file', 'write other/new/file']],
    ['echo x > dangling', ['write app/dangling', 'write nothing-yet']],
    ['cat notes.txt', ['read app/notes.txt', 'read app/.env']],
    ['cat within/a.ts', ['read app/within/a.ts', 'read app/src/a.ts']],
    ['cat deep/x', ['read app/deep/x', 'read other/deep/x']],
    ['cat deep/../x', ['read app/x', 'read other/x']],
    ['rm other', ['delete app/other']],
    ['rm -r other/', ['delete app/other', 'delete other']],
    ['rm other/deep', ['delete app/other/deep', 'delete other/deep']],
    ['cd other && rm x', ['read app/other', 'read other', 'delete app/other/x', 'delete other/x']],
  ])('is one of what it leads to, too: %s', (command, expected) => {
    expect(used(command)).toEqual(expected)
  })

  it.each(['cat src/a.ts', 'cat new/file', 'echo x > src/b', 'cat .', 'ls *', 'cat src/../src/a.ts'])(
    'that is none leads where it says: %s',
    (command) => {
      expect(used(command)).toHaveLength(1)
    },
  )

  const isRoot = process.getuid?.() === 0
  if (isRoot) process.stderr.write('skipped: no folder is closed to root, whose links are always followed\n')
  it.skipIf(isRoot)('that may not be looked at is said to be unknown', () => {
    const closed = join(top, 'closed')
    mkdirSync(join(closed, 'deep'), { recursive: true })
    chmodSync(closed, 0o000)
    try {
      expect(used(`cat ${closed}/deep/x`)).toContain('links that could not all be followed')
    } finally {
      chmodSync(closed, 0o700)
    }
  })

  it.each([
    ['cd other && echo x > ../x', ['read app/other', 'read other', 'write app/x', 'write x']],
    ['cat missing/../notes.txt', ['read app/notes.txt', 'read app/.env']],
    ['cat etc/../notes.txt', ['read app/notes.txt', 'read app/.env', 'read /notes.txt']],
  ])('is left again as the kernel does, and as its text says: %s', (command, expected) => {
    expect(used(command)).toEqual(expected)
  })

  it('that leads to itself is not followed for ever', () => {
    expect(used('cat round')).toContain('links that could not all be followed')
  })

  it('within a workspace that is called by a link is one of the workspace', () => {
    expect(used('cat src/a.ts', join(top, 'name'))).toEqual(['read name/src/a.ts'])
    expect(used('cat within/a.ts', join(top, 'name'))).toEqual([
      'read name/within/a.ts',
      'read name/src/a.ts',
    ])
    expect(used('cat other/x', join(top, 'name'))).toEqual(['read name/other/x', 'read other/x'])
  })

  it('to the workspace leads nowhere else, and is an entry of the folder that it stands in', () => {
    const named = join(top, 'name')
    expect(linksFrom(named).realPath(named)).toBeUndefined()
    expect(linksFrom(named).realPath(workspace)).toBe(named)
    expect(linksFrom(named).realPath(named, true)).toBeUndefined()
    expect(used('git status', named)).toEqual([])
  })

  it('is not followed where the workspace is on another machine', () => {
    expect(used('cat /bin/x ../app/etc/passwd', join(top, 'elsewhere'))).toEqual([
      'read /bin/x',
      'read app/etc/passwd',
    ])
  })

  it('is followed so often that it takes no longer than the command has words', () => {
    const words = Array.from({ length: 6_000 }, (_, i) => `f${i}`)
    expect(used(`touch ${words.join(' ')}`)).toContain('links that could not all be followed')
  })
})
