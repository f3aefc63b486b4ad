import type { Call } from '@jamey/calls'
import { describe, expect, it } from 'vitest'
import { Session } from '../session/session.js'
import { judgeCall, judgedCall } from './policy.js'
import { parsePolicy } from './policy-file.js'

const PLACE = { workspace: '/srv/me/app', home: '/srv/me' }
const POLICY = parsePolicy('version: 1\ninclude: [work, shell, files, self]\n', 'test', PLACE)
const bash = (command: string): Call => ({ tool: 'Bash', arguments: { command } })

/** A session with these calls; each is made where it is allowed, unless it is said what came of it. */
function after(...calls: readonly (string | readonly [string, 'succeeded' | 'skipped'])[]): Session {
  const session = new Session()
  calls.forEach((each, i) => {
    const [command, outcome] = typeof each === 'string' ? [each] : each
    const call = bash(command)
    session.called(judgedCall(call, judgeCall(POLICY, call, { session, now: i })), i)
    if (outcome !== undefined) session.result({ tool: 'Bash', result: '', outcome }, i)
  })
  return session
}
const decisionAfter = (session: Session, call: Call) =>
  judgeCall(POLICY, call, { session, now: 100 }).decision

describe('the folder that an earlier call has left the shell in', () => {
  it.each([
    ['cd ..', 'rm -rf build'],
    ['cd .. && ls', 'npm test'],
    ['cd ~/other; git log', 'git commit -am x'],
    ['pushd / && ls', 'rm -rf build'],
    ['export CDPATH=/srv', 'touch a'],
    ['cd .git/hooks && ls', 'touch pre-commit'],
    ['cd "$DIR"', 'rm -rf build'],
  ])('after %s, %s is asked about', (before, command) => {
    expect(decisionAfter(after(), bash(command))).toBe('allow')
    expect(decisionAfter(after(before), bash(command))).not.toBe('allow')
  })

  it.each([
    ['cd src && ls', 'rm -rf build'],
    ['cd packages/a; npm test', 'npm test'],
    ['(cd .. && ls)', 'rm -rf build'],
    ["sh -c 'cd ..; ls'", 'rm -rf build'],
    ['cd ..', 'git status'],
    ['cd ..', 'cd /srv/me/app && npm test'],
  ])('after %s, %s is allowed', (before, command) => {
    expect(decisionAfter(after(before), bash(command))).toBe('allow')
  })

  it('is left again by a command that begins with the workspace', () => {
    const session = after('cd ..', 'ls', 'cd /srv/me/app && git status')
    expect(decisionAfter(session, bash('rm -rf build'))).toBe('allow')
    expect(decisionAfter(after('cd ..', 'ls'), bash('rm -rf build'))).toBe('ask')
  })

  it('is followed from call to call', () => {
    const session = after('cd /srv/me/other', 'cd ../app2')
    const { facts } = judgeCall(POLICY, bash('rm -rf build'), { session, now: 9 })
    expect(facts.files.map(({ path }) => path)).toContain('/srv/me/app2/build')
  })

  it('is that of calls which were made', () => {
    expect(decisionAfter(after(['cd ..', 'succeeded']), bash('rm -rf build'))).toBe('ask')
    // Whoever may make a call says that it was skipped: nobody knows.
    expect(decisionAfter(after(['cd ..', 'skipped']), bash('rm -rf build'))).toBe('ask')
    // It was asked about, and nobody told what came of it.
    const asked = after('cd .. && sudo ls', 'git status')
    expect(decisionAfter(asked, bash('rm -rf build'))).toBe('ask')
    expect(decisionAfter(after('cd / && rm -rf etc'), bash('rm -rf build'))).toBe('allow')
  })

  it('is that of the same shell, and of no other tool', () => {
    const session = after('cd ..')
    const other = { tool: 'local_shell', arguments: { command: 'rm -rf build' } }
    expect(decisionAfter(session, other)).toBe('allow')
    const file = { tool: 'Write', arguments: { file_path: 'a', content: 'x' } }
    expect(decisionAfter(session, file)).toBe('allow')
  })

  it('is remembered where the session is written down, and unknown where calls were forgotten', () => {
    const read = Session.from(JSON.parse(JSON.stringify(after('cd ..', 'cd "$X"', 'ls'))))
    expect(read.foldersOf('Bash')).toEqual([null, '/srv/me'])
    expect(Session.lost().foldersOf('Bash')).toEqual([null])
    expect(decisionAfter(Session.lost(), bash('rm -rf build'))).toBe('ask')
  })

  it('may be anywhere where there are too many', () => {
    const many = Array.from({ length: 12 }, (_, i) => `cd /srv/${i}`).join('; ')
    expect(after(many).foldersOf('Bash')).toHaveLength(8)
    expect(after(many).foldersOf('Bash')).toContain(null)
  })
})

describe('the folder that whoever asks says', () => {
  const decisionIn = (cwd: string, call: Call) => judgeCall(POLICY, { ...call, cwd }, {}).decision
  const edit = (file_path: string): Call => ({ tool: 'Write', arguments: { file_path, content: 'x' } })

  it.each([bash('rm -rf build'), bash('npm test'), bash('git commit -am x'), edit('a.txt')])(
    'is asked about where it is another than the workspace: %j',
    (call) => {
      expect(decisionIn('/srv/me/app', call)).toBe('allow')
      expect(decisionIn('/srv/me/app/packages/a', call)).toBe('allow')
      for (const cwd of ['/srv/me/other', '/etc', 'C:\\work']) expect(decisionIn(cwd, call)).not.toBe('allow')
    },
  )

  it('makes nothing milder, since a shell may have gone back meanwhile', () => {
    for (const call of [bash('rm -rf ../x'), edit('../a.txt')]) {
      expect(judgeCall(POLICY, call, {}).decision).not.toBe('allow')
      expect(decisionIn('/srv/me/app/packages/a', call)).not.toBe('allow')
    }
  })
})

describe('a workspace in a home folder', () => {
  const policy = parsePolicy('version: 1\ninclude: [work, shell, files]\n', 'test', {
    workspace: '/home/ann/app',
    home: '/home/ann',
  })

  it.each([
    ['rm -rf ~/app/build', 'allow'],
    ['rm -rf build', 'allow'],
    ['rm -rf ~/app/src', 'ask'],
    ['rm -rf .', 'ask'],
    ['rm -rf *', 'ask'],
    ['rm -rf ~/other', 'ask'],
    ['rm -rf ..', 'deny'],
    ['cd ~ && rm -rf *', 'deny'],
    ['rm -rf "$HOME"', 'deny'],
  ])('is worked in as ever, and the home folder is not deleted: %s, %s', (command, decision) => {
    expect(judgeCall(policy, bash(command)).decision).toBe(decision)
  })
})

describe('a variable that an earlier call has set', () => {
  it.each([
    ['X=--output=../x', 'git diff $X'],
    ['export X="--output=../x"', 'git diff $X'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's.
    ['export X=$(cat notes.txt)', 'sed "${X}p" a.txt'],
    ['read X < notes.txt', 'git diff $X'],
    ['X="a --output=../x"; ls', 'git log $X'],
  ])('by %s may be an option or a script: %s is asked about', (before, command) => {
    expect(decisionAfter(after(), bash(command))).toBe('allow')
    expect(decisionAfter(after([before, 'succeeded']), bash(command))).not.toBe('allow')
  })

  it.each([
    ['X=HEAD~1', 'git diff $X'],
    ['export X=src/a.ts', 'git diff -- $X'],
    ['N=5 npm test -- --name=x', 'head -n $N README.md'],
    ['X=--output=../x', 'X=HEAD; git diff $X'],
    ['export NODE_OPTIONS=--max-old-space-size=4096', 'npm test'],
  ])('by %s is none of these in %s', (before, command) => {
    const alone = decisionAfter(after(), bash(command))
    expect(decisionAfter(after([before, 'succeeded']), bash(command))).toBe(alone)
  })

  it('is that of a call that was made, and of the same shell', () => {
    const set = 'X=--output=../x'
    expect(decisionAfter(after([set, 'skipped']), bash('git diff $X'))).toBe('allow')
    const other = { tool: 'run_terminal_cmd', arguments: { command: 'git diff $X' } }
    expect(decisionAfter(after([set, 'succeeded']), other)).toBe(decisionAfter(after(), other))
  })
})
