import { describe, expect, it } from 'vitest'
import { PolicyConditions } from './policy-condition.js'

const conditions = new PolicyConditions()
const faultsIn = (condition: string) => conditions.faultsIn(condition, ['hosts'])

describe('a member that there is none of', () => {
  it.each([
    ["commands.exists(c, c.word[0] == 'psql')", 'an element of commands', 'word'],
    ['size(files.filter(f, f.isSecrt)) > 0', 'an element of files', 'isSecrt'],
    ["files.filter(f, f.isSecret).exists(f, f.acces == 'read')", 'an element of files', 'acces'],
    ["size(commands) > 0 && commands[0].name == 'x'", 'an element of commands', 'name'],
    ['session.taint', 'session', 'taint'],
    ["calls_within(60).exists(c, c.effect == 'pay')", 'an element of calls_within', 'effect'],
    ['listed(tool, lists.hsts)', 'lists', 'hsts'],
    ['amounts.all(a, urls.exists(u, u.amount > 1))', 'an element of urls', 'amount'],
  ])('is told where the policy is read: %s', (condition, what, name) => {
    const message = expect.stringContaining(`${what} has no ${name}; it has `)
    const offset = condition.lastIndexOf(`.${name}`) + 1
    expect(faultsIn(condition)).toContainEqual(expect.objectContaining({ message, offset }))
  })

  it.each([
    "commands.exists(c, c.words[0] == 'psql' && c.arguments.exists(a, a == 'staging'))",
    // An element may hide a name, and what a map of the deployer has is not known here.
    "recipients.exists(files, files.text == 'x')",
    "context.consent == true && lists.hosts.exists(h, h == 'x')",
    'total(calls_within(60).map(c, c.amount)) + total(amounts.map(a, a.amount)) > 5.0',
    "texts.exists(t, has(t.role) && t.role == 'secret')",
  ])('is not seen in what is right: %s', (condition) => {
    expect(faultsIn(condition).filter(({ message }) => message.includes(' has no '))).toEqual([])
  })
})
