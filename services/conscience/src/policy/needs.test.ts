import { describe, expect, it } from 'vitest'
import { MetNeeds } from './needs.js'
import type { Circumstances } from './policy.js'
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
]

function outcomes(condition: string, isQuick: boolean): unknown[] {
  const { applies } = new PolicyConditions({ isQuick }).compile(condition)
  return CIRCUMSTANCES.map((one) => {
    try {
      return applies(one)
    } catch (error) {
      return (error as Error).message.split('\n')[0]
    }
  })
}

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
