import { describe, expect, it } from 'vitest'
import type { Circumstances } from './circumstances.js'
import { outcomesOf } from './circumstances.support.js'
import { MetNeeds } from './needs.js'
import { PolicyConditions } from './policy-condition.js'
import { NO_SESSION } from './session-view.js'

const NONE = {
  kind: 'call',
  known: false,
  tool: 't',
  context: {},
  intent: '',
  attested: {},
  session: NO_SESSION,
  lists: {},
  effects: [],
  commands: [],
  files: [],
  urls: [],
  mails: [],
  recipients: [],
  amounts: [],
  numbers: [],
  sql: [],
  code: [],
  secrets: [],
  signals: [],
  texts: [],
  unread: [],
} as unknown as Circumstances

/** Each list and effect by itself, and all together. */
const CIRCUMSTANCES: readonly Circumstances[] = [
  NONE,
  { ...NONE, known: true },
  { ...NONE, kind: 'text' },
  { ...NONE, code: [1, 2], urls: [1, 2, 3] } as unknown as Circumstances,
  ...['effects', 'commands', 'texts', 'unread'].map(
    (name) => ({ ...NONE, [name]: [1] }) as unknown as Circumstances,
  ),
  ...(['read', 'send', 'admin'] as const).map((effect) => ({ ...NONE, effects: [effect] })),
  {
    ...NONE,
    known: true,
    effects: ['send', 'pay'],
    commands: [{ words: ['x'] }],
  } as unknown as Circumstances,
  { ...NONE, commands: [{ words: ['git', 'push'] }, { words: ['y'] }] } as unknown as Circumstances,
  { ...NONE, commands: [{ words: ['git'] }] } as unknown as Circumstances,
  { ...NONE, commands: [{ words: [] }] } as unknown as Circumstances,
  { ...NONE, effects: ['read', 'pay'] },
  { ...NONE, effects: ['read', 'something else'] } as unknown as Circumstances,
  { ...NONE, session: { ...NO_SESSION, full: true } },
  { ...NONE, session: { ...NO_SESSION, tainted: false } },
  { ...NONE, context: { consent: false, a: 1 } },
  { ...NONE, attested: { consent: true } },
]

const outcomes = (condition: string, isQuick: boolean) => outcomesOf(condition, { isQuick }, CIRCUMSTANCES)

describe('a condition whose needs are told without evaluating it', () => {
  it.each([
    'known',
    "tool == 't'",
    "tool == 'u'",
    "!(tool == 'u')",
    "tool == 'u' || known",
    "tool == 'u' || tool == 't'",
    "tool == 'u' && tool == 't'",
    "tool == 't' && size(texts) > 0",
    "commands.exists(tool, tool == 't')",
    "commands[5] == tool && tool == 'u'",
    '!known',
    '!!known',
    "kind == 'text'",
    "kind == 'call' && !known",
    "'send' in effects",
    "!('send' in effects)",
    "'send' in effects && 'pay' in effects",
    "'send' in effects || 'read' in effects",
    "'send' in effects && known || 'send' in effects && size(commands) > 0",
    "'nothing' in effects || 'read' in effects",
    "commands.exists(c, c.words[0] == 'x')",
    "commands.exists(commands, commands.words[0] == 'x')",
    "!commands.exists(c, c.words[0] == 'x')",
    'commands.all(c, c == 1)',
    "commands.exists(c, c.missing == 'x') && size(texts) > 0",
    "context.missing == 'x' && size(texts) > 0",
    "context.missing == 'x' || size(texts) > 0",
    'size(urls) > 2 && size(code) > 1',
    ...['==', '!=', '>', '>=', '<', '<='].flatMap((op) =>
      ['-1', '0', '1', '2', '3'].map((limit) => `size(urls) ${op} ${limit}`),
    ),
    ...['==', '!=', '>', '>=', '<', '<='].map((op) => `size(urls) ${op} size(code)`),
    "size(tool) > 0 && size('') == 0",
    "effects.exists(e, e in ['pay', 'send'])",
    "effects.exists(e, !(e in ['read', 'write']) && e != 'pay')",
    "effects.exists(e, e == 'read' || e == 'admin')",
    "effects.exists(e, e == 'nothing')",
    "effects.exists(known, known == 'read')",
    "effects.exists(e, e == 'read' && context.missing == 1)",
    "!effects.exists(e, e == 'read')",
    "effects.all(e, e in ['read', 'pay'])",
    "effects.all(e, e in ['read', 'pay']) && size(effects) > 0",
    "effects.all(e, e != 'read' && context.missing == 1)",
    "effects.all(e, context.missing == 1 || e == 'read')",
    "!effects.all(e, e in ['read'])",
    'session.full && size(urls) == 0',
    '!session.full',
    "session.tainted && 'pay' in effects",
    'session.known || session.full',
    "'consent' in context",
    "'consent' in context || 'consent' in attested",
    "!('consent' in context)",
    "'consent' in context && context.consent == false",
    'context.missing in context',
    "['a', 'consent'].exists(name, name in attested || (name in context && context[name] == false))",
    "['a', 'b'].exists(name, context[name] == 1)",
    "['a'].exists(known, known in context)",
    '[context.missing].exists(n, n in context)',
    "'send' in effects || size(code) > 0",
    "commands.exists(c, c.words == ['git', 'push'])",
    'commands.exists(c, c.words == [])',
    "commands.exists(c, c.words[0] in ['x', 'y'])",
    "commands.exists(c, c.words[1] == 'push')",
    "commands.exists(c, c.words[0] == 'git' || c.words[0] == 'y' && c.words == ['y'])",
    "commands.exists(c, c.words[0] == 'git' || 'push' in c.words)",
    "commands.exists(c, 'push' in c.words && c.words[0] == 'git')",
    "commands.exists(c, c.words[0] != 'git')",
    "commands.exists(c, !(c.words[0] == 'git'))",
    "commands.exists(c, c.words[0] == 'git') || urls.exists(u, u.host == 'x')",
    "commands.exists(c, urls.exists(u, u.words[0] == 'git'))",
  ])('comes to the same as with CEL: %s', (condition) => {
    expect(outcomes(condition, true)).toEqual(outcomes(condition, false))
  })

  it('is not evaluated where they are not met', () => {
    const { applies } = new PolicyConditions().compile(
      "size(commands) > 0 && 'send' in effects && texts.exists(t, t.text == 'x')",
    )
    const untouchable = {
      ...NONE,
      effects: ['send'],
      get intent(): string {
        throw new Error('the intent was looked at')
      },
    } as Circumstances
    expect(applies(untouchable)).toBe(false)
    const other = new PolicyConditions().compile("size(unread) > 0 && intent == 't'")
    expect(other.applies(untouchable)).toBe(false)
    const ofAnother = new PolicyConditions().compile("tool == 'u' && intent == 't'")
    expect(ofAnother.applies(untouchable)).toBe(false)
    const ofThis = new PolicyConditions().compile("tool == 't' && intent == 't'")
    expect(() => ofThis.applies(untouchable)).toThrow('the intent was looked at')
    for (const needs of [
      "effects.exists(e, e in ['pay', 'read'])",
      "effects.all(e, e == 'read')",
      'session.full',
      "('a' in context || 'a' in attested)",
      "['a', 'b'].exists(name, name in context)",
      "commands.exists(c, c.words[0] == 'git' || c.words[0] in ['hg', 'svn'])",
    ]) {
      const unmet = new PolicyConditions().compile(`${needs} && intent == 't'`)
      const git = { ...NONE, commands: [{ words: ['ls'] }], effects: ['send'] } as unknown as Circumstances
      const looking = Object.defineProperty(git, 'intent', {
        get: () => {
          throw new Error('the intent was looked at')
        },
      })
      expect(unmet.applies(looking)).toBe(false)
    }
  })

  it('is told anew of other circumstances, also where two take turns', () => {
    const met = new MetNeeds()
    const [one, other, third] = [NONE, { ...NONE, known: true }, { ...NONE, effects: ['pay'] }] as const
    const fresh = (of: Circumstances) => new MetNeeds().of(of)
    for (const circumstances of [one, other, one, third, other, third, one] as Circumstances[]) {
      expect(met.of(circumstances)).toEqual(fresh(circumstances))
    }
  })
})
