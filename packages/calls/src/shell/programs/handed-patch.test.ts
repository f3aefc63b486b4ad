import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { factsOf } from '../../facts/facts.js'
import { linksFrom } from '../../values/links.js'

let top: string
let workspace: string

const patchOf = (file: string): string => `--- a/${file}\n+++ b/${file}\n@@ -1 +1 @@\n-x\n+y\n`

beforeAll(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'patches-')))
  workspace = join(top, 'app')
  mkdirSync(join(workspace, 'sub/a.d'), { recursive: true })
  const put = (name: string, text: string): void => writeFileSync(join(workspace, name), text)
  put('a.patch', patchOf('src/x.ts') + patchOf('src/y.ts'))
  put('sub/b.patch', patchOf('src/z.ts'))
  put('guard.patch', patchOf('src/x.ts') + patchOf('.claude/settings.json'))
  put('up.patch', patchOf('../../../etc/x'))
  put(
    'link.patch',
    `${patchOf('src/x.ts')}diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n`,
  )
  put('mail.patch', `Subject: x\nContent-Transfer-Encoding: base64\n\nLS0t\n${patchOf('src/x.ts')}`)
  put('empty.patch', '')
  put('.env', patchOf('src/x.ts'))
  put('long.patch', patchOf('src/x.ts'))
  truncateSync(join(workspace, 'long.patch'), 2_000_000)
  writeFileSync(join(top, 'out.patch'), patchOf('src/x.ts'))
  symlinkSync('../out.patch', join(workspace, 'led.patch'))
  symlinkSync('a.patch', join(workspace, 'same.patch'))
})

afterAll(() => rmSync(top, { recursive: true }))

function factsWith(command: string, isHere = true) {
  return factsOf(
    { tool: 'Bash', arguments: { command } },
    { workspace, ...(isHere ? { links: linksFrom(workspace) } : {}) },
  )
}
const changed = (command: string) =>
  factsWith(command)
    .files.filter(({ access, path }) => access !== 'read' && !path.endsWith('.patch'))
    .map(({ path }) => path.slice(top.length + 1))

describe('a patch in a file of the workspace', () => {
  it.each([
    'git apply a.patch',
    'git apply -3 --whitespace=fix a.patch',
    'git apply < a.patch',
    'git apply same.patch',
    'git am a.patch',
    'git am -3 < a.patch',
    'patch -p1 < a.patch',
    'patch -p1 -i a.patch',
    'patch -N -p1 --input=a.patch',
    'git apply --check a.patch && git apply a.patch && git add -A && npm test',
    'cat a.patch && git apply a.patch > /dev/null 2>&1',
  ])('changes the files that it names: %s', (command) => {
    expect(changed(command)).toEqual(expect.arrayContaining(['app/src/x.ts', 'app/src/y.ts']))
    expect(factsWith(command).unread).toEqual([])
  })

  it('is read from the folder that the script is in', () => {
    expect(changed('cd sub && git apply b.patch')).toEqual(['app/sub/src/z.ts'])
  })

  it('says whether it changes what decides about calls, or what lies elsewhere', () => {
    expect(factsWith('git apply guard.patch').files.some(({ isGuard }) => isGuard)).toBe(true)
    expect(factsWith('git apply {a,guard}.patch').files.some(({ isGuard }) => isGuard)).toBe(true)
    expect(factsWith('git am guard.patch').files.some(({ isGuard }) => isGuard)).toBe(true)
    expect(factsWith('patch -p1 < up.patch').files.some(({ isWorkable }) => !isWorkable)).toBe(true)
  })

  it.each([
    'git apply missing.patch',
    'git apply ../out.patch',
    'git apply led.patch',
    'git apply /etc/hostname',
    'git apply .env',
    'git apply sub/a.d',
    'git am sub/a.d',
    'git apply long.patch',
    'git apply empty.patch',
    'git apply link.patch',
    'git am mail.patch',
    'git apply a.patch missing.patch',
    'git apply *.patch',
    'git apply "$x"',
    'patch -p1 < "$x"',
    'patch -p2 < a.patch',
    'patch -d sub < a.patch',
    'patch src/x.ts < a.patch',
    'git apply --directory=sub a.patch',
    'git apply -p0 --unidiff-zero --exclude=src a.patch',
    'git apply -- a.patch',
    'cat a.patch | git apply',
    'cat guard.patch > a.patch; git apply a.patch',
    'cp guard.patch a.patch && git apply a.patch',
    'git checkout other && git apply a.patch',
    'make a.patch && git apply a.patch',
    'git apply a.patch && git apply a.patch',
    'for i in 1 2; do git apply a.patch; cp guard.patch a.patch; done',
    'git apply a.patch & cp guard.patch a.patch',
    'f() { git apply a.patch; }; cp guard.patch a.patch; f',
    'trap "git apply a.patch" EXIT; cp guard.patch a.patch',
    'cd "$x" && git apply a.patch',
    'cd sub; git apply a.patch',
  ])('is not known where that may be another: %s', (command) => {
    expect(factsWith(command).unread).not.toEqual([])
  })

  it.each(['git apply a.patch', 'git am a.patch', 'patch -p1 < a.patch'])(
    'is not known on another machine: %s',
    (command) => expect(factsWith(command, false).unread).not.toEqual([]),
  )

  it.each([
    'git apply --check a.patch',
    'git apply --stat x.patch',
    'git am --abort',
    'patch --dry-run -p1 < a.patch',
  ])('that is only looked at changes nothing: %s', (command) => {
    expect(factsWith(command, false).unread).toEqual([])
    expect(factsWith(command, false).effects).not.toContain('delete')
  })
})

describe('apply_patch of Codex as a command', () => {
  const patch = '*** Begin Patch\n*** Update File: src/a.ts\n@@\n-x\n+y\n*** End Patch'

  it.each([`apply_patch <<'E'\n${patch}\nE`, `apply_patch '${patch}'`, `bash -lc "apply_patch '${patch}'"`])(
    '%j changes the files that the patch names',
    (command) => {
      const { effects, unread, files } = factsWith(command)
      expect(effects.filter((effect) => effect !== 'read')).toEqual(['write'])
      expect([unread, files.map(({ path, access }) => [access, path.slice(workspace.length)])]).toEqual([
        [],
        [['write', '/src/a.ts']],
      ])
    },
  )

  it.each([
    'apply_patch',
    'apply_patch "$X"',
    'curl localhost | apply_patch',
    `apply_patch a '${patch}'`,
    "apply_patch 'x'",
  ])('%j changes what nobody knows', (command) => expect(factsWith(command).unread).not.toEqual([]))

  it('counts a file that it takes away as lost', () => {
    const taken = '*** Begin Patch\n*** Delete File: src/a.ts\n*** End Patch'
    expect(factsWith(`apply_patch '${taken}'`).effects).toContain('delete')
  })
})
