import { describe, expect, it } from 'vitest'
import { factsOf } from '../facts/facts.js'

const PLACE = { workspace: '/srv/app', home: '/srv' }
const bash = (command: string) => factsOf({ tool: 'Bash', arguments: { command } }, PLACE)

describe('a word with braces', () => {
  it.each([
    ['dist/{../x,../../../home}', ['/srv/app/x', '/home']],
    ['dist/{a,.}./x', ['/srv/app/dist/a./x', '/srv/app/x']],
    ["dist/{'.'.,a}/x", ['/srv/app/x', '/srv/app/dist/a/x']],
    ['dist/.{a,}./x', ['/srv/app/dist/.a./x', '/srv/app/x']],
    ['{/home,a/dist/}', ['/home', '/srv/app/a/dist']],
    ['{,a}/home', ['/home', '/srv/app/a/home']],
    ['{~/x,dist}', ['/srv/x', '/srv/app/dist']],
    ['dist/{a,b}', ['/srv/app/dist/a', '/srv/app/dist/b']],
    ['file{1..3}', ['/srv/app/file1', '/srv/app/file2', '/srv/app/file3']],
    ['a{,.bak}', ['/srv/app/a', '/srv/app/a.bak']],
  ])('knows where the braces of %s lead', (path, paths) => {
    expect(bash(`rm -rf ${path}`).files.map((file) => file.path)).toEqual(paths)
  })

  it.each(['dist/{$X,a}', '{a..z}{a..z}', '{1..c}'])('does not say where the braces of %s lead', (path) => {
    const { files } = bash(`rm -rf ${path}`)
    expect(files.every(({ place, isWorkable }) => place === 'unknown' && !isWorkable)).toBe(true)
  })

  it.each([
    'cat {.env,x}',
    'cat .e{nv,}',
    'cat .e{n..o}v',
    'cat .{e,x}nv',
    "cat {'a,b',\\.env}",
    'cat {a,{b,.e}nv}',
    'cat /etc/{shadow,hosts}',
    'cat ~/{.ssh/id_rsa,x}',
    'head -1 {src/a.ts,.env}',
    'for f in {.env,x}; do cat $f; done',
    'cat < {.env,x}',
    '{cat,.env}',
  ])('%s reads secrets', (command) => {
    expect(bash(command).files.some(({ isSecret }) => isSecret)).toBe(true)
  })

  it.each(["cat '{.env,x}'", 'cat a.env.{example,sample}', 'find . -exec ls {} \\;', "awk '{print $1}' a"])(
    '%s reads none',
    (command) => expect(bash(command).files.filter(({ isSecret }) => isSecret)).toEqual([]),
  )

  it.each([
    'touch {a,.claude/settings.json}',
    'tee {.claude,x}/settings.json < x',
    'sed -i s/a/b/ {.claude/settings.json,x}',
    'echo x > {.claude/settings.json,x}',
  ])('%s writes what decides over calls', (command) => {
    expect(bash(command).files.some(({ isGuard, access }) => isGuard && access === 'write')).toBe(true)
  })

  it('in a redirection may be any of its words, or none', () => {
    expect(bash('ls > {a,b}').files.every(({ place }) => place === 'unknown')).toBe(true)
  })

  it.each([
    ['mkdir -p src/{a,b}', ['-p', 'src/a', 'src/b']],
    ['cp a.{ts,js} dist', ['a.ts', 'a.js', 'dist']],
    ['git diff HEAD~{1,2}', ['diff', 'HEAD~1', 'HEAD~2']],
    ['ls *.{ts,tsx}', ['*.ts', '*.tsx']],
    ['echo {08..10} {c..a..2} {1..1000}', ['08', '09', '10', 'c', 'a', '1', '1000']],
    ['git show stash@{0} {} {a}', ['show', 'stash@{0}', '{}', '{a}']],
    ['xargs -I{} echo {}', ['-I{}', 'echo', '{}']],
  ])('is what a shell makes of it: %s', (command, words) => {
    const { commands, files } = bash(command)
    expect(commands[0]?.arguments).toEqual(words)
    expect(files.filter(({ place }) => place !== 'workspace')).toEqual([])
  })
})

describe('a pattern', () => {
  it.each([
    'cp x .c*/settings.json',
    'tee .c*/settings.json < x',
    'touch .claud?/settings.json',
    'touch .claude/*.json',
    'touch .[c]laude/h*/x',
    'touch .m?p.json',
    'touch .{c*,x}/settings.json',
    'touch .cla@(ude)/settings.json',
  ])('writes what decides over calls: %s', (command) => {
    expect(bash(command).files.some(({ isGuard, access }) => isGuard && access === 'write')).toBe(true)
  })

  it('selects the policy that is in use', () => {
    const call = { tool: 'Bash', arguments: { command: 'tee pol*/main.yaml < x' } }
    const [file] = factsOf(call, { ...PLACE, guards: ['/srv/app/policy/main.yaml'] }).files
    expect(file?.isGuard).toBe(true)
  })

  it.each(['cat /etc/shado?', 'cat .en@(v)', 'cat ~/.doc*/config.json'])('reads secrets: %s', (command) => {
    expect(bash(command).files.some(({ isSecret }) => isSecret)).toBe(true)
  })

  it.each(['touch .g*/hooks/x', 'touch .gith?b/x'])('writes what tools run: %s', (command) => {
    expect(bash(command).files.some(({ isWorkable }) => !isWorkable)).toBe(true)
  })

  it.each([
    'prettier --write *.json */*.json **/*.yaml',
    'cp src/*/settings.json dist',
    'touch src/[ab]*.ts',
    'cp .eslintrc* dist',
  ])('selects none of them: %s', (command) => {
    const { files } = bash(command)
    expect(files.filter((file) => file.isGuard || file.isSecret || file.isConfiguration)).toEqual([])
  })
})
