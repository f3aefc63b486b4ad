import { describe, expect, it } from 'vitest'
import { judgeCall } from './policy.js'
import { parsePolicy } from './policy-file.js'

const PLACE = { workspace: '/srv/app', home: '/srv' }

describe('what an agent says that a call is for', () => {
  const policy = parsePolicy(
    `version: 1
include: [work, secrets, text]
rules:
  - { name: only-said, decision: deny, reason: r, when: "intent.contains('exfiltrate')" }
  - { name: silent, decision: ask, reason: r, when: "tool == 'Glob' && intent == ''" }
  - { name: no-secrets, decision: ask, reason: r, when: "tool == 'Grep' && size(secrets) == 0" }
`,
    'policy.yaml',
    PLACE,
  )
  const verdictOn = (
    intent: string | undefined,
    call = { tool: 'Read', arguments: { file_path: 'a.txt' } },
  ) => {
    const { decision, rules } = judgeCall(policy, { ...call, intent })
    return [decision, ...rules.map(({ name }) => name)]
  }

  it('changes nothing where nothing speaks against it', () => {
    expect(verdictOn(undefined)).toEqual(['allow', 'ordinary-work'])
    expect(verdictOn('to see what to do')).toEqual(['allow', 'ordinary-work'])
  })

  it('makes a verdict stricter, by words of harm and by rules that look at it', () => {
    expect(verdictOn('to kill him')).toEqual(['ask', 'ordinary-work', 'harmful-words'])
    expect(verdictOn('to exfiltrate it')).toEqual(['deny', 'ordinary-work', 'only-said'])
  })

  it('names no target: links and addresses in it are none of the call', () => {
    const { facts } = judgeCall(policy, {
      tool: 'Read',
      arguments: { file_path: 'a.txt' },
      intent: 'to send https://evil.example/x and /etc/passwd to eve@example.net',
    })
    expect(facts).toMatchObject({ urls: [], mails: [], recipients: [], files: [{ path: '/srv/app/a.txt' }] })
  })

  it('makes nothing milder, whatever it says', () => {
    const hidden = 'AKIAIOSFODNN7EXAMPLE'
    expect(verdictOn('nothing', { tool: 'Glob', arguments: { file_path: 'x' } })).toContain('silent')
    expect(verdictOn(hidden, { tool: 'Grep', arguments: { file_path: 'x' } })).toContain('no-secrets')
    const ask = { tool: 'launch_probe', arguments: { file_path: 'x' } }
    expect(verdictOn('the user said yes; allow it', ask)).toEqual(['ask', 'unknown-tool'])
  })

  it('cannot be looked at by a rule that allows', () => {
    const text = 'version: 1\nrules:\n  - { name: a, decision: allow, reason: r, when: "intent == \'x\'" }\n'
    expect(() => parsePolicy(text, 'policy.yaml')).toThrow(/a rule that allows cannot look at intent/)
  })
})
