import { isTopicFilter, isTopicName } from '@jamey/protocol'
import { PERMISSION_CASES, type PermissionCase } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { BrokerFilesError } from './broker-files.js'
import { rulesOf } from './client-rules.js'
import { client, sampleManifest } from './sample.support.js'
import { vernemqAcl } from './vernemq-acl.js'

interface Rules {
  readonly read: string[][]
  readonly write: string[][]
}

/** Reads the file as `vmq_acl` does: a line that it cannot read ends it. */
function rulesIn(text: string): Map<string, Rules> {
  const users = new Map<string, Rules>()
  let rules: Rules = { read: [], write: [] }
  for (const line of text.split('\n')) {
    const [, word, rest = ''] = /^(topic read|topic write|topic|user) (.*)$/.exec(line) ?? []
    if (line === '' || line.startsWith('#')) continue
    if (word === undefined) throw new Error(`${line} ends the file`)
    if (word === 'user') {
      rules = { read: [], write: [] }
      users.set(rest, rules)
      continue
    }
    const levels = rest.trim().split('/')
    if (word !== 'topic write') rules.read.push(levels)
    if (word !== 'topic read') rules.write.push(levels)
  }
  return users
}

/** As it compares: level by level, with a filter's wildcards as if they were names. */
function isCovered([level, ...rest]: readonly string[], [rule, ...rules]: readonly string[]): boolean {
  if (rule === '#' && rules.length === 0) return true
  if (level === undefined || rule === undefined) return level === rule
  return (rule === '+' || rule === level) && isCovered(rest, rules)
}

const made = new Map<string, Rules | undefined>()

function rulesFor({ clientId, permissions }: PermissionCase): Rules | undefined {
  const key = JSON.stringify([clientId, permissions])
  if (!made.has(key)) {
    try {
      made.set(key, rulesIn(vernemqAcl({ clients: [client(clientId, permissions)] })).get(clientId))
    } catch (error) {
      if (!(error instanceof BrokerFilesError)) throw error
      made.set(key, undefined)
    }
  }
  return made.get(key)
}

function isGranted({ read, write }: Rules, { action, topic }: PermissionCase): boolean {
  const levels = topic.split('/')
  if (action === 'publish') {
    return isTopicName(topic) && !topic.startsWith('$share/') && write.some((rule) => isCovered(levels, rule))
  }
  return isTopicFilter(topic) && read.some((rule) => isCovered(levels, rule))
}

describe('the rules of vmq_acl', () => {
  const expressible = PERMISSION_CASES.filter(
    (each) => (each.action === 'publish' || each.action === 'subscribe') && rulesFor(each) !== undefined,
  )

  it('are made for more than half of the table', () => {
    expect(expressible.length).toBeGreaterThan(200)
  })

  it.each(expressible.filter((each) => !each.isAllowed))('refuse what is not allowed: $name', (each) => {
    expect(isGranted(rulesFor(each) as Rules, each)).toBe(false)
  })

  it('grant the rest, but where a permission selects what belongs to others', () => {
    const missing = expressible.filter((each) => each.isAllowed && !isGranted(rulesFor(each) as Rules, each))
    const beyond = missing.filter((each) => {
      const { reachesInboxes, reachesStatuses } = rulesOf(client(each.clientId, each.permissions))
      return !reachesInboxes && !reachesStatuses
    })
    expect(beyond.map(({ name }) => name)).toEqual([])
  })

  it.each([
    ['eva', '#', 'a wildcard as the first level would let into every share group'],
    ['eva', 'subscribe:+/x', 'a wildcard as the first level would let into every share group'],
    ['eva', 'subscribe:lab/+', 'it would let subscribe to # in the place of the last +'],
    ['eva', 'subscribe:lab/+/#', 'it would let subscribe to # in the place of the last +'],
    ['eva', 'subscribe:$share/g/lab/+', 'it would let subscribe to # in the place of the last +'],
    [' eva', 'lab/x', 'it takes no white space at an end'],
    ['eva', 'subscribe:$share/g\u2028h/lab', 'and no control characters'],
  ])('are not made for %j with %s', (clientId, permission, fault) => {
    const make = () => vernemqAcl({ clients: [client(clientId, [permission])] })
    expect(make).toThrow(fault)
    expect(make).toThrow(/^vmq_acl of VerneMQ cannot enforce /)
  })

  it('have a line for each share group, and the word topic alone for both directions', () => {
    const text = vernemqAcl(sampleManifest(client('robot-7', ['lab/%c/heat', 'subscribe:$share/lab/jobs/#'])))
    expect(text.slice(text.indexOf('user robot-7'))).toBe(
      `user robot-7
topic lab/robot-7/heat
topic read jamey/api/responses/robot-7/#
topic read $share/lab/jobs/#
topic write jamey/events/status/robot-7
`,
    )
    expect(text).toContain('\ntopic read $share/conscience/jamey/conscience/evaluate/#\n')
    expect(text).not.toContain('readwrite')
    const operator = text.slice(text.indexOf('user jamey-operator'), text.indexOf('user robot-7'))
    expect(operator).not.toMatch(/^topic (read )?jamey\/(#|api\/#|api\/responses\/[#+])/m)
  })
})
