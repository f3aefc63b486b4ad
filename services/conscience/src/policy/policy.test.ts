import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { RuleFileError } from '../rules/source.js'
import { judgeCall } from './policy.js'
import { parsePolicy } from './policy-file.js'

const PLACE = { workspace: '/srv/app', home: '/srv' }
const PACKS = '[work, shell, files, http, mail, money, sql]'

function policyOf(text: string) {
  return parsePolicy(text, 'policy.yaml', PLACE)
}

function faultsOf(text: string): readonly string[] {
  try {
    policyOf(text)
  } catch (error) {
    if (error instanceof RuleFileError) return error.faults.map(({ line, reason }) => `${line}: ${reason}`)
    throw error
  }
  return []
}

describe('a decision', () => {
  const rule = (name: string, decision: string) =>
    `  - { name: ${name}, decision: ${decision}, reason: ${name}, when: "tool == 'x'" }\n`
  const decisionOf = (...decisions: string[]) => {
    const rules = decisions.map((decision, i) => rule(`rule-${i}`, decision)).join('')
    const policy = policyOf(`version: 1\n${rules === '' ? '' : `rules:\n${rules}`}`)
    return judgeCall(policy, { tool: 'x', arguments: {} }).decision
  }

  it.each([
    [[], 'ask'],
    [['allow'], 'allow'],
    [['allow', 'ask'], 'ask'],
    [['ask', 'allow'], 'ask'],
    [['allow', 'ask', 'deny'], 'deny'],
    [['deny', 'allow'], 'deny'],
  ])('of %j is %s', (decisions, expected) => {
    expect(decisionOf(...decisions)).toBe(expected)
  })

  it('of a rule that cannot be evaluated is never milder', () => {
    const text = (decision: string) =>
      `version: 1\nrules:\n  - { name: r, decision: ${decision}, reason: r, when: "lists.none == ['x']" }\n`
    const verdictOf = (decision: string) => judgeCall(policyOf(text(decision)), { tool: 'x', arguments: {} })
    expect(verdictOf('allow')).toMatchObject({ decision: 'ask', rules: [] })
    expect(verdictOf('deny')).toMatchObject({ decision: 'deny', rules: [{ name: 'r' }] })
  })
})

describe('the packs that ship', () => {
  const policy = policyOf(`version: 1
include: ${PACKS}
lists: { hosts: [example.org], recipients: [ann@example.org] }
tools:
  get_weather: { effects: [read], arguments: { city: text } }
  order_pizza: { effects: [pay], arguments: { total: amount } }
`)

  it.each([
    ['Read', { file_path: 'src/a.ts' }, 'allow', []],
    ['Read', { file_path: '/etc/hostname' }, 'allow', []],
    ['Read', { file_path: '.env' }, 'ask', ['secret-file']],
    ['Write', { file_path: 'src/a.ts', content: 'x' }, 'allow', []],
    ['Write', { file_path: '../x', content: 'x' }, 'ask', ['write-elsewhere']],
    ['Write', { file_path: '.git/hooks/pre-commit', content: 'x' }, 'ask', ['write-elsewhere']],
    ['delete_file', { path: '/etc/passwd' }, 'deny', ['delete-system']],
    ['WebFetch', { url: 'http://localhost:3000', prompt: 'x' }, 'allow', []],
    ['WebFetch', { url: 'https://www.example.org/a', prompt: 'x' }, 'allow', []],
    ['WebFetch', { url: 'https://example.org.evil.example/', prompt: 'x' }, 'ask', []],
    ['send_email', { to: 'ann@example.org', subject: 'x', body: 'y' }, 'allow', []],
    ['send_email', { to: ['ann@example.org', 'eve@evil.example'], body: 'y' }, 'ask', ['message-to-others']],
    [
      'send_email',
      { to: 'ann@example.org', bcc: 'eve@evil.example', body: 'y' },
      'ask',
      ['message-to-others'],
    ],
    ['get_weather', { city: 'Lisbon' }, 'allow', []],
    ['order_pizza', { total: 12 }, 'ask', ['payment']],
    ['read_query', { query: 'select 1' }, 'allow', []],
    ['read_query', { query: 'drop table t' }, 'ask', ['rows-changed']],
    ['frobnicate', {}, 'ask', ['unknown-tool']],
    ['get_something', {}, 'ask', ['unknown-tool']],
    ['r\u0435ad_file', { path: 'x' }, 'ask', ['unknown-tool']],
    ['Bash', { command: 'sudo ls' }, 'ask', ['run-as-another']],
    ['Bash', { command: 'ls', description: 'rm -rf /' }, 'allow', []],
    ['Bash', { commands: ['ls', 'rm -rf /'] }, 'deny', ['delete-system']],
    ['Bash', { command: 'ls', extra: { command: 'rm -rf /' } }, 'deny', ['delete-system']],
  ])('%s %j: %s', (tool, args, decision, because) => {
    const verdict = judgeCall(policy, { tool, arguments: args })
    expect(verdict.decision).toBe(decision)
    const names = verdict.rules.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(because))
  })
})

describe('a policy file', () => {
  it('of the documentation is taken', () => {
    const page = readFileSync(new URL('../../../../docs/policies.md', import.meta.url), 'utf8')
    const policy = policyOf(/```yaml\n([^`]+)```/.exec(page)?.[1] ?? '')
    const command = 'psql -d x staging -c "select 1"'
    expect(judgeCall(policy, { tool: 'Bash', arguments: { command } }).decision).toBe('deny')
    expect(policy.facts.tools).toMatchObject({ open_ticket: { effects: ['send'], isUntrusted: true } })
  })

  it('with faults is refused with all of them and their lines', () => {
    const faults = faultsOf(`version: 1
include: [shel]
without: [nothing]
rules:
  - { name: a, decision: allow, reason: r, when: "tool ==" }
  - { name: b, decision: allow, reason: r, when: "tols == 'x'" }
  - { name: b, decision: allow, reason: r, when: "size(tool)" }
`)
    expect(faults).toHaveLength(6)
    expect(faults[0]).toBe('2: there is no pack shel; there are work, shell, files, http, mail, money, sql')
    expect(faults[1]).toBe('3: there is no rule nothing to leave out')
    expect(
      faults
        .slice(2)
        .map((fault) => fault.slice(0, 20))
        .sort(),
    ).toEqual([
      '5: condition of a: U',
      '6: condition of b: U',
      '7: condition of b: a',
      '7: the name b is alr',
    ])
  })

  it('may replace a rule of a pack, or leave it out', () => {
    const call = { tool: 'frobnicate', arguments: {} }
    const replaced = policyOf(`version: 1
include: [work]
rules: [{ name: unknown-tool, decision: deny, reason: r, when: "!known" }]
`)
    expect(judgeCall(replaced, call).decision).toBe('deny')
    const without = policyOf('version: 1\ninclude: [work]\nwithout: [unknown-tool]\n')
    expect(judgeCall(without, call).rules).toEqual([])
  })
})
