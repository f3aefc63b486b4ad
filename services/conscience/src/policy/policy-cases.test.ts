import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { judgeCall } from './policy.js'
import { parsePolicyCases, testPolicy } from './policy-cases.js'
import { DEFAULT_POLICY_FILE, loadPolicy, parsePolicy, supposing } from './policy-file.js'

const file = fileURLToPath(new URL('../../policy.cases.yaml', import.meta.url))

describe('the packs that ship', () => {
  const { cases, given } = parsePolicyCases(readFileSync(file, 'utf8'), file)
  const policy = loadPolicy(DEFAULT_POLICY_FILE)
  const test = testPolicy(supposing(policy, given), cases)

  it('decide their cases as these say, by the rules that these name', () => {
    const failures = test.failures.map(({ case: { name }, verdict, missing }) => ({
      name,
      decision: verdict.decision,
      missing,
    }))
    expect(failures).toEqual([])
  })

  it('have a case for every rule but one, which takes a session of thousands of calls', () => {
    expect(test).toMatchObject({ unused: ['session-full'], constant: [] })
    expect(test.cases).toBeGreaterThan(40)
  })
})

describe('cases', () => {
  it('suppose entries of lists, and tools, beside those that the policy has', () => {
    const policy = parsePolicy(
      'version: 1\nlists: { hosts: [a.example] }\ntools: { lamp: { effects: [pay] } }\n',
      'policy.yaml',
    )
    const { given } = parsePolicyCases(
      'given: { lists: { hosts: [b.example] }, tools: { lamp: { effects: [read] }, fan: { effects: [read] } } }\ncases: [{ tool: fan, decision: ask }]\n',
      'cases.yaml',
    )
    const supposed = supposing(policy, given)
    expect(supposed.lists['hosts']).toEqual(['a.example', 'b.example'])
    const effectsOf = (tool: string) => judgeCall(supposed, { tool, arguments: {} }).facts.effects
    expect([effectsOf('lamp'), effectsOf('fan')]).toEqual([['pay'], ['read']])
    expect(judgeCall(policy, { tool: 'fan', arguments: {} }).facts.isKnown).toBe(false)
  })

  it('are of a call or of words, and not of both', () => {
    const faulty = 'cases:\n  - { decision: ask }\n  - { tool: x, action: y, decision: ask }\n'
    expect(() => parsePolicyCases(faulty, 'cases.yaml')).toThrow(
      /cases\.yaml:2:5: cases\.0: needs either tool or action.*\n.*cases\.yaml:3:5: cases\.1: needs either/,
    )
  })
})
