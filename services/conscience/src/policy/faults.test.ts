import { describe, expect, it } from 'vitest'
import { parsePolicyCases } from './policy-cases.js'
import { RuleFileError } from './policy-errors.js'
import { parsePolicy } from './policy-file.js'

/** The place and the beginning of the reason of each fault, in the order in which they are told. */
function faultsOf(text: string, read: (text: string, file: string) => unknown = parsePolicy): string[] {
  try {
    read(text, 'policy.yaml')
  } catch (error) {
    if (error instanceof RuleFileError)
      return error.faults.map(({ line, column, reason }) => `${line}:${column} ${reason}`)
    throw error
  }
  return []
}

/** Each reason is expected to begin so. */
function expectFaults(told: readonly string[], expected: readonly string[]): void {
  expect(told.map((fault, i) => fault.slice(0, expected[i]?.length ?? fault.length))).toEqual(expected)
}

describe('the faults of a policy', () => {
  it('of every kind are told in one run, in the order of lines [promise 37]', () => {
    const text = `version: 1
includes: [work]
include: [work, shel]
without: [nothing, not-understood, not-understood]
workspace: here
lists:
  hosts: example.org
  Accounts: [a]
tools:
  lamp: { effects: [shine], arguments: { where: room } }
rules:
  - name: a
    decision: deny
    reason: no
    when: tols == 'x' && tool > 3 && urls.exists(u, u.hots in lists.nobody)
  - name: b
    reason: "x" y
    when: tool ==
  - name: C
    decison: deny
    reason: no
    when: tool.matches('(') || tool.matches('^(a+)+$')
  - { name: d, decision: allow, reason: r, when: context.x == 'a', judge: may-allow }
  - { name: e, decision: ask, reason: r, when: "tool ==", approvers: 3 }
  - { name: f, decision: ask, reason: r, when: "true", transform: [{ argument: x, at_most: y }] }
  - { name: d, decision: ask, reason: r, when: size(tool) }
`
    expectFaults(faultsOf(text), [
      '2:1 the file: unknown field includes',
      '3:17 there is no pack shel; there are work,',
      '4:11 there is no rule nothing to leave out',
      '4:36 the rule not-understood is left out already',
      '5:12 workspace: expected an absolute path',
      '7:10 lists.hosts: expected array',
      '8:13 lists.Accounts: ',
      '10:21 tools.lamp.effects.0: expected one of',
      '10:49 tools.lamp.arguments.where: expected one of',
      '15:11 condition of a: Unknown variable: tols',
      '15:26 condition of a: no such overload: string > int',
      '15:55 condition of a: an element of urls has no hots;',
      '15:69 condition of a: lists has no nobody;',
      '17:17 YAML: ',
      '18:18 condition of b: Unexpected token: EOF',
      '19:11 rules.2.name: expected lower-case letters',
      '20:5 rules.2: unknown field decison; did you mean decision?',
      '22:24 condition of the rule: Invalid regular expression',
      '22:45 condition of the rule: this regular expression may take for ever, for (a+) repeats',
      '23:50 rules.3.when: a rule that allows cannot look at context',
      '23:75 rules.3.judge: only what a rule asks may be allowed by a judge',
      '24:56 condition of e: Unexpected token: EOF',
      '24:70 rules.4.approvers: expected one of 1|2',
      '25:80 rules.5.transform.0.argument: expected a JSON Pointer',
      '25:92 rules.5.transform.0.at_most: expected number',
      '26:13 the name d is already used',
      '26:48 condition of d: a condition must be a bool',
    ])
  })

  it.each([
    ['a quote that is not closed', 'include: ["work, shell]', '2:11 YAML: Missing closing "quote'],
    ['a bracket that is not closed', 'include: [work, shell', '3:1 YAML: Flow sequence in block collection'],
    ['a tab', 'include: [shell]\nlists:\n\thosts: [a]', '4:1 YAML: Tabs are not allowed'],
    ['an unknown anchor', 'include: *packs', '2:10 YAML: nothing is called &packs before'],
    ['an unknown tag', 'include: !packs [work]', '2:10 YAML: Unresolved tag: !packs'],
  ])('behind %s are told, and what would follow from it is not', (_, line, fault) => {
    const rest = 'without: [unknown-program]\nworkspace: here\nrules:\n  - { name: a }\n'
    const told = faultsOf(`version: 1\n${line}\n${rest}`)
    const first = 2 + line.split('\n').length
    expectFaults(told, [
      fault,
      `${first + 1}:12 workspace: `,
      `${first + 3}:5 rules.0.decision: `,
      `${first + 3}:5 rules.0.reason: `,
      `${first + 3}:5 rules.0.when: `,
    ])
  })

  it('in elements of a list that are no YAML are one for each of these', () => {
    const text = `version: 1
rules:
  - { name: a, decision: deny, reason: x, when: tool == {} }
  - name: b
   decision: deny
    reason: x
  - { name: c, decision: deny, reason: x, when: "tool" }}
  - { name: d, decision: deny, reason: x, when: "too" }
`
    expectFaults(faultsOf(text), [
      '3:57 YAML: ',
      '5:1 YAML: ',
      '7:57 YAML: ',
      '8:49 condition of d: Unknown variable: too',
    ])
  })

  it('are not those of what a fault has left unknown', () => {
    expectFaults(
      faultsOf(
        'version: 1\nlists: 5\nrules: [{ name: a, decision: ask, reason: r, when: "size(lists.x) > 0" }]',
      ),
      ['2:8 lists: expected record'],
    )
    expectFaults(faultsOf('version: 1\ninclude: shell\nwithout: [unknown-program]'), [
      '2:10 include: expected array',
    ])
    expectFaults(faultsOf('version: 1\nversion: 2\ninclude: [wrk]'), [
      '2:1 YAML: Map keys must be unique',
      '3:11 there is no pack wrk',
    ])
    expectFaults(
      faultsOf('version: 1\nrules:\n  - { name: a, decision: ask, reason: r, when: "tool == \'\\d\'" }'),
      ['3:58 YAML: Invalid escape sequence'],
    )
  })

  it('are those of the other fields of an object of which one is no YAML', () => {
    const text = `version: 1
rules:
  - name: a
    reason: no: really
    decision: maybe
    when: tol
`
    expectFaults(faultsOf(text), [
      '4:13 YAML: ',
      '5:15 rules.0.decision: expected one of',
      '6:11 condition of a: Unknown variable: tol',
    ])
  })

  it('are one where aliases make more of a file than is looked at', () => {
    const nine = (name: string) => `[${Array(9).fill(name).join(',')}]`
    const text = `a: &a ${nine('x')}\nb: &b ${nine('*a')}\nc: &c ${nine('*b')}\nd: ${nine('*c')}\n`
    expectFaults(faultsOf(text), ['1:1 YAML: Excessive alias count'])
  })

  it('are bounded where all of it is something else', () => {
    expect(faultsOf(`version: 1\nrules:\n${'  - { a: [ }\n'.repeat(100)}`).length).toBeLessThan(50)
    expect(faultsOf('<html>\n<body "a": b: c: [\n').length).toBeGreaterThan(0)
  })
})

describe('the faults of cases', () => {
  it('are told in one run', () => {
    const text = `given: { lists: { hosts: [1] } }
cases:
  - { tool: Bash, arguments: { command: git status }, decison: allow }
  - { arguments: [], decision: maybe }
  - just words
  - name: b
    tool: Bash
    decision: allow: x
  - { tool: x, action: y, decision: ask, after: [{ tol: x }] }
`
    expectFaults(faultsOf(text, parsePolicyCases), [
      '1:27 given.lists.hosts.0: expected string',
      '3:55 cases.0: unknown field decison; did you mean decision?',
      '4:5 cases.1: needs either tool or action',
      '4:18 cases.1.arguments: expected record',
      '4:32 cases.1.decision: expected one of',
      '5:5 cases.2: expected object',
      '8:15 YAML: ',
      '9:5 cases.4: needs either tool or action',
      '9:52 cases.4.after.0: unknown field tol; did you mean tool?',
    ])
  })
})

describe('a regular expression of a condition', () => {
  const faults = (pattern: string) =>
    faultsOf(
      `version: 1\nrules: [{ name: a, decision: ask, reason: r, when: ${JSON.stringify(`tool.matches(r'${pattern}')`)} }]`,
    )

  it.each([
    '^(a+)+$',
    '(.*,)*x',
    '(?:[a-z]+-?)*$',
    '(\\s*\\w+\\s*)+:',
    '(a|[ab])*c',
    '((x+)y?)+z',
    '(?:(?:a*)b?){2,}c',
  ])('that may take for ever is refused: %s', (pattern) =>
    expect(faults(pattern)).toEqual([expect.stringContaining('may take for ever')]),
  )

  it.each([
    '^-[a-z]*n$',
    '^(?:--force(?:-with-lease|-if-includes)?(?:=.*)?|-[a-zA-Z]*[fd][a-zA-Z]*)$',
    '^[a-z0-9-]{1,63}(?:\\.[a-z0-9-]{1,63})+$',
    '^(?:[^"]|\\\\")*$|(?:"[^"]*"\\s+)*',
    '(?:/[^/]+)*$',
    '^(?:ab|cd)*$',
    '(?<year>\\d{4})-\\k<year>',
    '[\\])(]+(?!x)',
    '^(?:https?://)?(?:[\\w-]+\\.)+example\\.org/',
  ])('that does not is taken: %s', (pattern) => expect(faults(pattern)).toEqual([]))
})
