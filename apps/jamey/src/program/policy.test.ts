import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
      /^policy\.yaml is in order: version 7-[0-9a-f]{8}, 12 rules, 0 tools of its own\n$/,
    )
  })

  it('tells every fault with its line, and exits 2', async () => {
    const { code, stderr } = await policy('check', 'bad.yaml')
    expect(code).toBe(2)
    expect(stderr).toMatch(/bad\.yaml:4:\d+: rules\.0\.decision: /)
    expect(stderr).toMatch(/bad\.yaml:4:\d+: rules\.0\.reason: /)
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

  it('refuses arguments that are no object', async () => {
    const { code, stderr } = await policy('explain', 'Bash', '[1]')
    expect(code).toBe(2)
    expect(stderr).toContain('arguments: expected a JSON object, found "[1]"')
  })
})
