import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parsePolicyCases, testPolicy } from './policy-cases.js'
import { parsePolicy } from './policy-file.js'

const file = fileURLToPath(new URL('../../policies.cases.yaml', import.meta.url))
/** Every pack, with somebody on each list, and two tools of its own whose effects no tool of another's has. */
const POLICY = `version: 1
include: [work, shell, files, http, mail, money, sql, git, cloud, secrets, self, text]
workspace: /srv/project
lists: { hosts: [example.org], recipients: [team@example.org], accounts: [DE89370400440532013000] }
tools:
  post_form: { effects: [send], arguments: { url: url, content: text } }
  change_setting: { effects: [admin], arguments: { name: text, value: text } }
`

describe('the packs that ship', () => {
  const policy = parsePolicy(POLICY, 'policy.yaml')
  const test = testPolicy(policy, parsePolicyCases(readFileSync(file, 'utf8'), file))

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
  it('are of a call or of words, and not of both', () => {
    const faulty = 'cases:\n  - { decision: ask }\n  - { tool: x, action: y, decision: ask }\n'
    expect(() => parsePolicyCases(faulty, 'cases.yaml')).toThrow(
      /cases\.yaml:2:5: cases\.0: needs either tool or action.*\n.*cases\.yaml:3:5: cases\.1: needs either/,
    )
  })
})
