import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Held, ruleOf, writePage } from './conformance/page.js'
import { readStatements, STANDARDS } from './conformance/statements.js'
import { findTestNames } from './test-names.js'

const root = resolve(import.meta.dirname, '../..')
const statements = STANDARDS.flatMap((standard) => readStatements(standard))
const names = findTestNames(root, ['packages/protocol/src', 'packages/broker/src', 'tests/interop'], 'MQTT-')
const held: Held[] = statements.map((statement) => {
  const rule = ruleOf(statement)
  return { statement, tests: names.filter(({ rules }) => rules.includes(rule)) }
})

describe('conformance', () => {
  it('has each statement of a standard once', () => {
    const rules = statements.map(ruleOf)
    expect(rules.filter((rule, index) => rules.indexOf(rule) !== index)).toEqual([])
    // As many as Appendix B of each standard lists.
    expect(STANDARDS.map((standard) => readStatements(standard).length)).toEqual([251, 141])
  })

  it('is tested, or says why not, for every statement that concerns a server', () => {
    const bare = held.filter(
      ({ statement, tests }) =>
        statement.concerns !== 'client' && statement.reason === undefined && tests.length === 0,
    )
    expect(bare.map(({ statement }) => `${ruleOf(statement)}: ${statement.asks}`)).toEqual([])
  })

  it('is claimed by no test for a rule that does not exist', () => {
    const known = new Set(statements.map(ruleOf))
    const unknown = names.flatMap(({ file, line, rules }) =>
      rules.filter((rule) => !known.has(rule)).map((rule) => `${file}:${line}: [${rule}]`),
    )
    expect(unknown).toEqual([])
  })

  it('stands in docs/conformance.md as npm run conformance writes it', async () => {
    await expect(writePage(held)).toMatchFileSnapshot(join(root, 'docs/conformance.md'))
  })
})
