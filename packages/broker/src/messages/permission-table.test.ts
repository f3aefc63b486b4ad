import { Permissions } from '@jamey/auth'
import { isTopicFilter, isTopicName, type ProtocolVersion } from '@jamey/protocol'
import { PERMISSION_CASES, type PermissionCase, RawClient } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import type { AuthenticationRequest, Identity } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const NOT_AUTHORIZED = 0x87
const everything: Identity = {
  username: 'witness',
  mayPublish: () => true,
  maySubscribe: () => true,
  mayReceive: () => true,
}

/** The cases of each client with the same list, which is connected once for all of them. */
function groups(): [string, { clientId: string; permissions: readonly string[]; cases: PermissionCase[] }][] {
  const found = new Map<string, PermissionCase[]>()
  for (const each of PERMISSION_CASES) {
    const key = JSON.stringify([each.clientId, each.permissions])
    found.set(key, [...(found.get(key) ?? []), each])
  }
  return [...found.values()].map((cases) => {
    const { name, clientId, permissions } = cases[0] as PermissionCase
    return [`${name.slice(0, name.indexOf(': "'))} (${clientId})`, { clientId, permissions, cases }]
  })
}

/** The client of a group beside one that sees and says everything, at a broker that decides by `Permissions`. */
async function start(clientId: string, permissions: readonly string[], protocolVersion: ProtocolVersion) {
  const decided = new Permissions(permissions, { clientId })
  const identity: Identity = {
    username: clientId,
    permissions: decided,
    mayPublish: (topic) => decided.mayPublish(topic),
    maySubscribe: (filter) => decided.maySubscribe(filter),
    mayReceive: (topic) => decided.mayReceive(topic),
  }
  const { port } = await startBroker({
    authenticator: {
      authenticate: async (request: AuthenticationRequest) =>
        request.clientId === 'the witness' ? everything : identity,
    },
  })
  const connect = () => RawClient.connect(port, { clientId, protocolVersion })
  return {
    connect,
    client: await connect(),
    witness: await RawClient.connect(port, { clientId: 'the witness' }),
  }
}

const of = (cases: readonly PermissionCase[], action: PermissionCase['action']): PermissionCase[] =>
  cases.filter((each) => each.action === action)

/** What only this broker forbids, whatever is permitted. */
const isOfTheBroker = (topic: string): boolean => topic.startsWith('$SYS/')

describe.each([5, 4] as const)('the broker over sockets, MQTT %s', (version) => {
  it.each(groups())('does as the table says: %s', async (_, { clientId, permissions, cases }) => {
    const { client, witness } = await start(clientId, permissions, version)
    const found: string[] = []
    const expectations: string[] = []
    const note = (each: PermissionCase, isAllowed: boolean): void => {
      found.push(`${each.name}: ${isAllowed}`)
      expectations.push(`${each.name}: ${each.isAllowed}`)
    }

    const published = of(cases, 'publish').filter(({ topic }) => isTopicName(topic) && !isOfTheBroker(topic))
    for (const { topic } of published) await witness.subscribe(topic, 0)
    for (const each of published) {
      const code = await client.publishOnce(each.topic, 'from the client')
      const delivered = await witness.received()
      // One of 3.1.1 is told nothing; nobody gets it, which is what counts. [MQTT-3.3.5-2 of 3.1.1]
      expect(code, each.name).toBe(each.isAllowed || version === 4 ? 0 : NOT_AUTHORIZED)
      note(each, delivered.includes(`${each.topic}=from the client`))
    }

    const listed = permissions.flatMap((entry) => filtersOf(entry, clientId))
    const received = of(cases, 'receive').filter(
      ({ topic }) => isTopicName(topic) && !topic.startsWith('$share/'),
    )
    const wanted = new Set([
      ...listed,
      ...received.map(({ topic }) => topic),
      '#',
      `jamey/api/responses/${clientId}/#`,
    ])
    if (received.length > 0) await client.subscribe([...wanted].map((filter) => ({ filter })))
    for (const each of received.filter(({ topic }) => !isOfTheBroker(topic))) {
      witness.publish(each.topic, 'from the witness')
      await witness.settle()
      note(each, (await client.received()).includes(`${each.topic}=from the witness`))
    }

    const subscribed = of(cases, 'subscribe').filter(({ topic }) => isTopicFilter(topic))
    for (const each of subscribed) {
      const { reasonCodes } = await client.subscribe(each.topic)
      const code = reasonCodes[0] ?? 0
      expect([0, version === 5 ? NOT_AUTHORIZED : 0x80]).toContain(code)
      note(each, code === 0)
      await client.settle()
    }
    expect(found).toEqual(expectations)
  })
})

/** What the entry lets one subscribe to, `%c` filled in. */
function filtersOf(entry: string, clientId: string): string[] {
  if (/^(publish|act-for):/.test(entry)) return []
  const levels = entry.replace(/^subscribe:/, '').split('/')
  const filter = levels.map((level) => (level === '%c' ? clientId : level)).join('/')
  return isTopicFilter(filter) ? [filter] : []
}

describe('what is no topic or filter at the broker', () => {
  const malformed = PERMISSION_CASES.filter(
    ({ ruling, action }) => ruling === 'invalid' && (action === 'publish' || action === 'subscribe'),
  )
  it.each(malformed)('ends in no delivery and no subscription: $name', async (each) => {
    const { client, witness } = await start(each.clientId, each.permissions, 5)
    await witness.subscribe('#', 0)
    // The connection ends, or the text cannot even be written.
    const ended = (): number => NOT_AUTHORIZED
    const code =
      each.action === 'subscribe'
        ? await client.subscribe(each.topic).then(({ reasonCodes }) => reasonCodes[0], ended)
        : await client.publishOnce(each.topic, 'm').catch(ended)
    expect(code).toBeGreaterThan(0x7f)
    expect(await witness.received()).toEqual([])
  })
})
