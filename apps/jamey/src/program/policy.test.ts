import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AuditLog } from '@jamey/conscience'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { runCommand } from './run-command.support.js'

let folder: string

const POLICY = `version: 7
include: [work, shell, files]
workspace: /work
rules:
  - { name: no-lamp, decision: deny, reason: lamps are not for agents, when: tool == 'lamp' }
`

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-policy-'))
  writeFileSync(join(folder, 'policy.yaml'), POLICY)
  writeFileSync(
    join(folder, 'bad.yaml'),
    'version: 1\ninclude: [shel]\nrules:\n  - { name: x, decision: no }\n',
  )
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const policy = (...args: string[]) => runCommand(folder, ['policy', ...args])

describe('policy check', () => {
  it('says that a file is in order', async () => {
    const { code, stdout } = await policy('check')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^policy\.yaml is in order: version 7-[0-9a-f]{8}, \d+ rules, 0 tools of its own\n$/,
    )
  })

  it('tells every fault with its line, and exits 2', async () => {
    const { code, stderr } = await policy('check', 'bad.yaml')
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /bad\.yaml:4:\d+: rules\.0\.decision: expected one of "allow"\|"ask"\|"deny" \(found "no"\)\n/,
    )
    expect(stderr).toMatch(/bad\.yaml:4:\d+: rules\.0\.reason: expected string \(found nothing\)\n/)
  })

  it('tells what is wrong with the cases beside a policy in the same run, as its test does', async () => {
    writeFileSync(join(folder, 'both.yaml'), 'version: 1\ninclude: [shel]\nworkspace: here\n')
    writeFileSync(
      join(folder, 'both.cases.yaml'),
      'cases:\n  - { tool: x, decision: maybe }\n  - { tool: y }\n',
    )
    for (const command of ['check', 'test']) {
      const { code, stderr } = await policy(command, 'both.yaml')
      expect(code).toBe(2)
      expect(stderr.match(/\S+\.yaml:\d+:\d+/g)).toEqual([
        'both.yaml:2:11',
        'both.yaml:3:12',
        'both.cases.yaml:2:26',
        'both.cases.yaml:3:5',
      ])
    }
  })

  it('tells a member that there is none of, which would make a rule apply to every command', async () => {
    const when = "commands.exists(c, c.word[0] == 'psql')"
    const rule = `{ name: x, decision: deny, reason: no, when: "${when}" }`
    writeFileSync(join(folder, 'slip.yaml'), `version: 1\nrules:\n  - ${rule}\n`)
    const { code, stderr } = await policy('check', 'slip.yaml')
    expect(code).toBe(2)
    expect(stderr).toMatch(/slip\.yaml:3:\d+: condition of x: an element of commands has no word; it has /)
  })

  it.each([
    ['packs', /^.*packs\.yaml:1:1: this is a file of packs of rules \(work, mine\), and no policy/m],
    ['cases', /^.*cases\.yaml:1:1: this is a file of cases, and no policy: `jamey policy test/m],
  ])('says of a file of %s that it is one', async (name, expected) => {
    const rule = '{ name: x, decision: deny, reason: no, when: tool == "x" }'
    writeFileSync(join(folder, 'packs.yaml'), `work:\n  - ${rule}\nmine:\n  - ${rule}\n`)
    writeFileSync(join(folder, 'cases.yaml'), 'cases:\n  - { tool: x, decision: deny }\n')
    const { code, stderr } = await policy('check', `${name}.yaml`)
    expect(code).toBe(2)
    expect(stderr).toMatch(expected)
  })
})

describe('where there is no policy', () => {
  const elsewhere = (...args: string[]) => {
    const empty = mkdtempSync(join(tmpdir(), 'jamey-no-policy-'))
    onTestFinished(() => rmSync(empty, { recursive: true, force: true }))
    return runCommand(empty, ['policy', ...args])
  }

  it('the one that ships is tested, and decides its cases as they say', async () => {
    const { code, stdout, stderr } = await elsewhere('test')
    expect(stdout).toMatch(/\n(\d+) of \1 cases as they say, \d+ of \d+ rules tried\n$/)
    expect(code).toBe(0)
    expect(stderr).toContain('there is no policy.yaml here, so this is by the policy that ships')
  })

  it('the one that ships explains', async () => {
    expect(await elsewhere('explain', 'Bash', '{"command": "git status"}')).toMatchObject({ code: 0 })
  })
})

describe('policy explain', () => {
  it.each([
    ['Bash', '{"command": "git status"}', 0, 'allow'],
    ['Bash', '{"command": "git push"}', 3, 'ask'],
    ['Bash', '{"command": "rm -rf /"}', 3, 'deny'],
    ['lamp', '{}', 3, 'deny'],
    ['unheard_of', '{}', 3, 'ask'],
  ])('%s %s: %i, %s', async (tool, given, code, decision) => {
    const found = await policy('explain', tool, given)
    expect(found.code).toBe(code)
    expect(found.stdout.split(' ')[0]).toBe(decision)
    const json = await policy('explain', tool, given, '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ decision, approved: code === 0, facts: { tool } })
  })

  it('tells the arguments that a rule made, and a reason that is of no rule', async () => {
    const rule = (name: string, argument: string, change: string) =>
      `  - { name: ${name}, decision: allow, reason: small, when: tool == 'search', transform: [{ argument: ${argument}, ${change} }] }\n`
    const rules = rule('pages', '/limit', 'at_most: 50') + rule('parts', '/of/0', 'remove: true')
    const tools = 'tools: { search: { effects: [read] } }'
    writeFileSync(join(folder, 'changes.yaml'), `version: 1\n${tools}\nrules:\n${rules}`)
    const explain = (given: string, ...options: string[]) =>
      policy('explain', 'search', given, '--policy', 'changes.yaml', ...options)
    const small = await explain('{"limit": 500, "of": []}')
    expect(small.code).toBe(0)
    expect(small.stdout).toContain('\n  with these arguments alone: {"limit":50,"of":[]}\n')
    const again = await explain('{"of": [1, 2, 3]}')
    expect(again.code).toBe(3)
    expect(again.stdout).toMatch(
      /\n {2}ask {4}its arguments were changed, and a rule would change .* again\n/,
    )
    expect(JSON.parse((await explain('{"of": [1, 2, 3]}', '--json')).stdout)).toMatchObject({
      decision: 'ask',
      reasons: [expect.stringContaining('again')],
      arguments: { of: [2, 3] },
    })
  })

  it('refuses arguments that are no object', async () => {
    const { code, stderr } = await policy('explain', 'Bash', '[1]')
    expect(code).toBe(2)
    expect(stderr).toContain('arguments: expected a JSON object, found "[1]"')
  })
})

describe('policy test and diff', () => {
  const CASES = `cases:
  - { tool: Bash, arguments: { command: git status }, decision: allow, rules: [ordinary-work] }
  - { name: lamps, tool: lamp, decision: deny, rules: [no-lamp] }
`

  it('says which cases are decided as they say, and which rules none of them tries', async () => {
    writeFileSync(join(folder, 'policy.cases.yaml'), CASES)
    const found = await policy('test')
    expect(found.code).toBe(0)
    const [untried = ''] = /^untried, in no case: [^:]*(?=\n)/m.exec(found.stdout) ?? []
    expect(untried).toContain(' secret-file,')
    expect(untried).not.toContain('no-lamp')
    expect(found.stdout).toMatch(/\n2 of 2 cases as they say, 3 of \d+ rules tried\n$/)
    expect((await policy('test', '--uncovered')).code).toBe(3)
  })

  it('tells a case that is decided otherwise, or by other rules', async () => {
    writeFileSync(
      join(folder, 'wrong.yaml'),
      `${CASES}  - { name: pushing, tool: Bash, arguments: { command: git push }, decision: allow, rules: [no-lamp] }\n`,
    )
    const found = await policy('test', '--cases', 'wrong.yaml')
    expect(found.code).toBe(3)
    expect(found.stdout).toContain('failed pushing: ask by no rule, not allow; not by no-lamp\n')
    const json = await policy('test', '--cases', 'wrong.yaml', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      cases: 3,
      failures: [{ name: 'pushing', decision: 'ask' }],
    })
  })

  it('says what to write where a policy has no cases', async () => {
    writeFileSync(join(folder, 'bare.yaml'), POLICY)
    const { code, stderr } = await policy('test', 'bare.yaml')
    expect(code).toBe(2)
    expect(stderr).toContain('bare.yaml has no cases: there is no bare.cases.yaml')
    expect(stderr).toContain('write it (`cases: [{ tool: Bash,')
  })

  it('tells what is wrong with cases, with their lines', async () => {
    writeFileSync(join(folder, 'none.yaml'), 'cases:\n  - tool: x\n    decision: maybe\n')
    const { code, stderr } = await policy('test', '--cases', 'none.yaml')
    expect(code).toBe(2)
    expect(stderr).toMatch(/none\.yaml:3:15: cases\.0\.decision: /)
  })

  it('says what another policy would decide otherwise', async () => {
    writeFileSync(join(folder, 'new.yaml'), POLICY.replace('decision: deny', 'decision: allow'))
    const found = await policy('diff', 'policy.yaml', 'new.yaml', '--cases', 'policy.cases.yaml')
    expect(found.code).toBe(3)
    expect(found.stdout).toBe(
      'deny -> ask  lamp {}  (unknown-tool)\n1 of 2 calls would be decided otherwise\n',
    )
    const same = await policy('diff', 'policy.yaml', 'policy.yaml', '--cases', 'policy.cases.yaml')
    expect(same).toMatchObject({ code: 0, stdout: '0 of 2 calls would be decided otherwise\n' })
  })

  it('looks at the calls that were recorded', async () => {
    const data = mkdtempSync(join(tmpdir(), 'jamey-audited-'))
    onTestFinished(() => rmSync(data, { recursive: true, force: true }))
    const clock = { timeOfDay: () => Date.now() }
    const audit = await AuditLog.open(join(data, 'audit'), { clientId: 'c', clock })
    for (const tool of ['lamp', 'Read']) {
      await audit.append({
        kind: 'verdict',
        evaluation_id: tool,
        decision: 'ask',
        requested_by: 'a',
        tool,
        arguments: {},
      })
    }
    await audit.close()
    const env = { JAMEY_AUDIT_DIR: join(data, 'audit') }
    const found = await runCommand(
      folder,
      ['policy', 'diff', 'policy.yaml', 'new.yaml', '--since', '1h'],
      env,
    )
    expect(found.stdout).toMatch(/^deny -> ask {2}lamp {}.*\n1 of 2 calls would be decided otherwise\n$/)
  })
})
