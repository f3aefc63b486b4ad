import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DEFAULT_RULES_FILE, evaluate, loadRules, parseRules, RuleFileError } from '../index.js'

function faultsOf(text: string): string[] {
  try {
    parseRules(text, 'r.yaml')
  } catch (error) {
    if (!(error instanceof RuleFileError)) throw error
    return error.message.split('\n').slice(1)
  }
  return []
}

const GOOD = `
  - name: good
    description: Fine
    weight: 1
    effect: encourage
    condition: "true"`

describe('a rule file', () => {
  it('ships with the package and can be used', () => {
    const rules = loadRules()
    expect(rules.file).toBe(DEFAULT_RULES_FILE)
    expect(rules.version).toMatch(/^1-[0-9a-f]{8}$/)
    const named = Object.fromEntries(rules.rules.map((rule) => [rule.name, rule.weight]))
    expect(named).toMatchObject({ 'no-harm': 10, truth: 8 })
  })

  it('that is not YAML is refused with line and column [promise 37]', () => {
    expect(faultsOf('version: 1\nrules:\n  - name: a\n    name: b\n   - x\n')).toEqual([
      expect.stringMatching(/^r\.yaml:4:5: YAML: Map keys must be unique/),
      expect.stringMatching(/^r\.yaml:5:4: YAML: All sequence items/),
    ])
  })

  it('is told all its faults at once, each with its place [promise 37]', () => {
    const faults = faultsOf(`version: 1
rules:
  - name: No Harm
    description: x
    weight: 11
    effect: forbids
    condition: 'true'
    colour: red
  - name: b
    weight: 0
    effect: forbid
    condition: ''
`)
    expect(faults).toEqual([
      expect.stringMatching(/^r\.yaml:3:11: rules\.0\.name: .*lower-case.*\(found "No Harm"\)$/),
      expect.stringMatching(/^r\.yaml:5:13: rules\.0\.weight: .*at most 10 \(found 11\)$/),
      expect.stringMatching(
        /^r\.yaml:6:13: rules\.0\.effect: .*"forbid"\|"discourage"\|"encourage".*"forbids"/,
      ),
      expect.stringMatching(/^r\.yaml:8:5: rules\.0: unknown field colour$/),
      expect.stringMatching(/^r\.yaml:9:5: rules\.1\.description: .*found nothing/),
      expect.stringMatching(/^r\.yaml:10:13: rules\.1\.weight: .*above 0 \(found 0\)$/),
      expect.stringMatching(/^r\.yaml:12:16: rules\.1\.condition: /),
    ])
  })

  it('is told every broken condition where in the file it breaks', () => {
    const faults = faultsOf(`version: 1
words: {people: [user], action: [a]}
definitions:
  harms: does(action, peple)
rules:
  - {name: a, description: d, weight: 1, effect: forbid, condition: "action &&"}
  - name: a
    description: d
    weight: 1
    effect: forbid
    condition: >-
      harms()
      && contxt.x == 1
  - name: b
    description: d
    weight: 1
    effect: forbid
    condition: shouts(action)
  - {name: c, description: d, weight: 1, effect: forbid, condition: context.consent}
  - {name: d, description: d, weight: 1, effect: forbid, condition: "action.matches('(a+)+$')"}
  - {name: e, description: d, weight: 1, effect: forbid, condition: "[1].all(a, [1].all(b, [1].all(c, true)))"}
  - {name: f, description: d, weight: 1, effect: forbid, condition: "flag(context, 1, true)"}
`)
    expect(faults).toEqual([
      expect.stringMatching(/^r\.yaml:2:\d+: word list action: .*already registered/),
      expect.stringMatching(/^r\.yaml:4:23: definition harms: Unknown variable: peple/),
      expect.stringMatching(/^r\.yaml:6:\d+: condition of a: Unexpected token: EOF/),
      expect.stringMatching(/^r\.yaml:7:11: the name a is already used by rule 1$/),
      expect.stringMatching(/^r\.yaml:13:10: condition of a: Unknown variable: contxt/),
      expect.stringMatching(/^r\.yaml:18:16: condition of b: .*shouts\(string\).*no such function/),
      expect.stringMatching(
        /^r\.yaml:19:\d+: condition of c: a condition must be a bool, this one is a dyn; compare/,
      ),
      expect.stringMatching(/^r\.yaml:20:\d+: condition of d: matches\(\) is not available/),
      expect.stringMatching(/^r\.yaml:21:\d+: condition of e: more than 2 loops/),
      expect.stringMatching(/^r\.yaml:22:\d+: condition of f: .*flag\(/),
    ])
  })

  for (const [what, text] of [
    ['empty', ''],
    ['a list', '- 1'],
    ['without rules', 'version: 1\nrules: []'],
    ['without a version', `rules:${GOOD}`],
    [
      'a billion laughs',
      `a: &a [x,x,x,x]\nb: &b [${'*a,'.repeat(60)}]\nversion: [${'*b,'.repeat(60)}]\nrules: 1`,
    ],
  ] as const) {
    it(`that is ${what} is refused`, () => {
      expect(faultsOf(text).length).toBeGreaterThan(0)
    })
  }

  it('that is missing, a folder or too large is refused by name [promise 37]', () => {
    const folder = mkdtempSync(join(tmpdir(), 'jamey-rules-'))
    const large = join(folder, 'large.yaml')
    writeFileSync(large, `# ${'x'.repeat(1_100_000)}`)
    try {
      for (const file of [join(folder, 'none.yaml'), folder, large]) {
        expect(() => loadRules(file)).toThrow(`${file}:1:1: cannot be read: `)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('may take words back and define conditions that are evaluated once', () => {
    const rules = parseRules(
      `version: 7
words: {writing: [log, -log in]}
definitions: {writes: "does(action, writing)"}
rules:
  - {name: a, description: d, weight: 2, effect: encourage, condition: writes()}
  - {name: b, description: d, weight: 2, effect: discourage, condition: "writes() && !flag(context, 'ok', false)"}`,
      'r.yaml',
    )
    expect(
      evaluate(rules, { action: 'log the event' }).rules.map(({ name, reason }) => [name, reason]),
    ).toEqual([
      ['a', '“log”'],
      ['b', '“log”'],
    ])
    expect(evaluate(rules, { action: 'log in' }).decision).toBe('unrecognised')
    expect(
      evaluate(rules, { action: 'log it', context: { ok: true } }).rules.map((rule) => rule.name),
    ).toEqual(['a'])
  })

  it('is all the rules there are, unless it extends those that are shipped', () => {
    const rule =
      '  - {name: no-polkas, description: d, weight: 5, effect: forbid, condition: "mentions(action, dances)"}'
    const text = `version: 1\nwords: {dances: [polka]}\nrules:\n${rule}\n`
    const alone = parseRules(text, 'r.yaml')
    expect(alone.rules.map(({ name }) => name)).toEqual(['no-polkas'])
    const both = parseRules(`extends: shipped\n${text}`, 'r.yaml')
    const shipped = loadRules().rules.map(({ name }) => name)
    expect(both.rules.map(({ name }) => name)).toEqual([...shipped, 'no-polkas'])
    expect(evaluate(both, { action: 'dance a polka' }).decision).toBe('forbidden')
    expect(
      evaluate(both, { action: "delete the customer's records", context: { consent: false } }).decision,
    ).toBe('forbidden')
    expect(both.version).not.toBe(alone.version)
  })

  it('that extends may replace words, definitions and rules by their names, and leave rules out', () => {
    const rules = parseRules(
      `version: 1
extends: shipped
without: [no-theft]
words: {violence: [tickle]}
rules:
  - {name: consent, description: mine, weight: 1, effect: discourage, condition: "mentions(action, ['polka'])"}
`,
      'r.yaml',
    )
    const names = rules.rules.map(({ name }) => name)
    expect(names).not.toContain('no-theft')
    expect(names.filter((name) => name === 'consent')).toHaveLength(1)
    expect(rules.rules.find(({ name }) => name === 'consent')?.description).toBe('mine')
    expect(evaluate(rules, { action: 'tickle the user' }).decision).toBe('forbidden')
    expect(faultsOf('version: 1\nextends: shipped\nwithout: [no-polkas]\n')).toEqual([
      'r.yaml:3:11: there is no rule no-polkas to leave out',
    ])
    expect(faultsOf('version: 1\nwithout: [no-theft]\nrules: []\n').join()).toMatch(/extends: shipped/)
    expect(faultsOf('version: 1\nextends: mine.yaml\n').join()).toContain('shipped')
  })

  it('of docs/rules.md can be used, and does what is said of it', () => {
    const page = readFileSync(new URL('../../../../docs/rules.md', import.meta.url), 'utf8')
    const [, text = ''] = /^```yaml\n(.*?)^```/ms.exec(page) ?? []
    const rules = parseRules(text, 'rules.md')
    const names = rules.rules.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['no-harm', 'quiet-fridays', 'gentle-robots']))
    expect(names).not.toContain('ask-before-paying')
    const applied = (action: string, context = {}) =>
      evaluate(rules, { action, context }).rules.map(({ name }) => name)
    expect(applied('roll out the new version', { friday: true })).toContain('quiet-fridays')
    expect(applied('roll out the new version')).not.toContain('quiet-fridays')
    expect(applied('swing the arm', { speed: 0.9 })).toContain('gentle-robots')
  })
})
