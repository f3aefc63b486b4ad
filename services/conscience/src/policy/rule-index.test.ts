import { describe, expect, it } from 'vitest'
import type { Circumstances } from './circumstances.js'
import { circumstancesOf, PLACE } from './circumstances.support.js'
import { parsePolicy } from './policy-file.js'

const RULES = [
  "tool == 'Read'",
  "tool == 'Bash' && size(commands) > 0",
  "commands.exists(c, c.words[0] == 'git')",
  "'pay' in effects",
  'size(unread) > 0',
  'size(texts) > 0',
]
const named = (when: string, i: number) =>
  `{name: r${i}, decision: ask, reason: r, when: ${JSON.stringify(when)}}`
const policyOf = (rules: readonly string[]) =>
  parsePolicy(`{version: 1, rules: [${rules.map(named).join(', ')}]}`, 'policy.yaml', PLACE)

describe('the rules that a call is tried with', () => {
  const { index } = policyOf(RULES)
  const names = (...by: Circumstances[]) =>
    index.candidates(by[0] as Circumstances, by[1]).map(({ name }) => name)
  const bash = circumstancesOf('Bash', { command: 'ls' })

  it('are those of its tool, its facts and its effects, in their order', () => {
    expect(names(circumstancesOf('Read', { file_path: 'a' }))).toEqual(['r0', 'r5'])
    // Which programs a command runs is not what kinds of calls are told apart by.
    expect(names(bash)).toEqual(['r1', 'r2', 'r5'])
    expect(names(circumstancesOf('Read', {}))).toEqual(['r0'])
    expect(names(circumstancesOf('send_payment', { amount: 'much' }))).toEqual(['r3', 'r4', 'r5'])
  })

  it('are the same where such a call comes again, and another tool is no such call', () => {
    expect(index.candidates(circumstancesOf('Bash', { command: 'pwd' }))).toBe(index.candidates(bash))
    expect(names({ ...bash, tool: 'Read' })).toEqual(['r0', 'r2', 'r5'])
    expect(names({ ...bash, tool: 'frobnicate' })).toEqual(['r2', 'r5'])
  })

  it('are those of either, where a call is tried under two circumstances', () => {
    expect(names(bash, { ...bash, unread: [{ where: '', reason: 'x' }] })).toEqual(['r1', 'r2', 'r4', 'r5'])
  })

  it('are right however many kinds of calls there were', () => {
    const many = policyOf(Array.from({ length: 11 }, (_, i) => `tool == 't${i}' || size(texts) == ${i}`))
    const tools = policyOf(Array.from({ length: 260 }, (_, i) => `tool == 't${i}'`))
    for (let i = 0; i < 260; i++) {
      for (const known of [true, false]) {
        for (const kind of ['call', 'text'] as const) {
          const one = { ...bash, tool: `t${i}`, known, kind }
          if (tools.index.candidates(one)[0]?.name !== `r${i}`) throw new Error(`not of t${i}`)
          expect(many.index.candidates(one)).toHaveLength(11)
        }
      }
    }
    expect(tools.index.candidates({ ...bash, tool: 't0' }).map(({ name }) => name)).toEqual(['r0'])
  })
})
