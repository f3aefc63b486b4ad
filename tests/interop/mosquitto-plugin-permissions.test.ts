import { isTopicFilter, isTopicName } from '@jamey/protocol'
import { PERMISSION_CASES, type PermissionCase, type RawClient } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

import { TokenMosquitto } from './token-mosquitto.js'

/** The table of cases that every part decides by, over MQTT, with tokens that Mosquitto's plugin reads. */

const NOT_AUTHORIZED = 0x87
const NO_SUBSCRIBERS = 0x10
/** Sees and says everything but what belongs to others. */
const ANYBODY = 'the witness'
const WITNESS = ['#', 'subscribe:$internal/#', 'publish:$internal/#', 'act-for:+']

let mosquitto: TokenMosquitto

beforeAll(async () => {
  mosquitto = await TokenMosquitto.start({ options: 'plugin_opt_stamp #' })
})
afterAll(() => mosquitto?.stop())

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

const of = (cases: readonly PermissionCase[], action: PermissionCase['action']): PermissionCase[] =>
  cases.filter((each) => each.action === action)
/** Mosquitto's own, whatever is permitted, and what it ends the connection for. */
const isSendable = (topic: string): boolean =>
  isTopicName(topic) && !/^\$(SYS|share|CONTROL)(\/|$)/.test(topic)
/** Who alone sees what is published there. */
const readerOf = (topic: string): string => /^jamey\/api\/responses\/([^/]+)/.exec(topic)?.[1] ?? ANYBODY
/** Who alone says something there. */
const writerOf = (topic: string): string => /^jamey\/events\/status\/([^/]+)/.exec(topic)?.[1] ?? ANYBODY

describe.each([5, 4] as const)('Mosquitto with the plugin, MQTT %s', (version) => {
  it.each(groups())('does as the table says: %s', async (_, { clientId, permissions, cases }) => {
    const client = await mosquitto.connect(clientId, permissions, version)
    const connected = new Map([[clientId, client]])
    const witness = async (name: string): Promise<RawClient> => {
      const one = connected.get(name) ?? (await mosquitto.connect(name, WITNESS))
      connected.set(name, one)
      return one
    }
    onTestFinished(async () => {
      await Promise.all([...connected.values()].map((each) => each.leave()))
    })
    const found: string[] = []
    const expectations: string[] = []
    const note = (each: PermissionCase, isAllowed: boolean): void => {
      found.push(`${each.name}: ${isAllowed}`)
      expectations.push(`${each.name}: ${each.isAllowed}`)
    }

    const published = of(cases, 'publish').filter(({ topic }) => isSendable(topic))
    for (const each of published) {
      const reader = await witness(readerOf(each.topic))
      await reader.subscribe(each.topic, 0)
      const { code, isDelivered } = await publish(client, reader, each.topic)
      // One of 3.1.1 is told nothing; nobody gets it, which is what counts.
      expect(code, each.name).toBe(each.isAllowed || version === 4 ? 0 : NOT_AUTHORIZED)
      note(each, isDelivered)
    }

    const received = of(cases, 'receive').filter(({ topic }) => isSendable(topic))
    const listed = permissions.flatMap((entry) => filtersOf(entry, clientId))
    const wanted = new Set([
      ...listed,
      ...received.map(({ topic }) => topic),
      '#',
      `jamey/api/responses/${clientId}/#`,
    ])
    if (received.length > 0) await client.subscribe([...wanted].map((filter) => ({ filter })))
    for (const each of received) {
      const { code, isDelivered } = await publish(await witness(writerOf(each.topic)), client, each.topic)
      expect([0, NO_SUBSCRIBERS], each.name).toContain(code)
      note(each, isDelivered)
    }

    const subscribed = of(cases, 'subscribe').filter(({ topic }) => isTopicFilter(topic))
    for (const each of subscribed) {
      const { reasonCodes } = await client.subscribe(each.topic)
      const code = reasonCodes[0] ?? 0
      expect([0, version === 5 ? NOT_AUTHORIZED : 0x80], each.name).toContain(code)
      note(each, code === 0)
      await client.settle()
    }

    const actedFor = of(cases, 'act-for').filter(({ ruling }) => ruling !== 'invalid')
    const told = version === 5 && actedFor.length > 0 ? await actsFor(clientId, permissions) : []
    for (const each of version === 5 ? actedFor : []) {
      note(each, told.includes('+') || told.includes(each.topic))
    }
    expect(found).toEqual(expectations)
  })
})

describe('what is no topic filter', () => {
  const malformed = PERMISSION_CASES.filter(
    ({ ruling, action }) => ruling === 'invalid' && action === 'subscribe',
  )
  it.each(malformed)('ends in no subscription: $name', async ({ clientId, permissions, topic }) => {
    const client = await mosquitto.connect(clientId, permissions)
    onTestFinished(() => client.vanish())
    // The connection ends, or the text cannot even be written.
    const ended = (): number => NOT_AUTHORIZED
    const code = await client.subscribe(topic).then(({ reasonCodes }) => reasonCodes[0], ended)
    expect(code).toBe(NOT_AUTHORIZED)
  })
})

/** What the server says of a message, and whether `reader` gets it. */
async function publish(writer: RawClient, reader: RawClient, topic: string) {
  writer.publish(topic, 'm', { qos: 1, packetIdentifier: 7 })
  const answers = await writer.settle()
  const code = answers.find((packet) => packet.type === 'puback')?.reasonCode
  const seen = reader === writer ? answers : await reader.settle()
  return { code, isDelivered: seen.some((packet) => packet.type === 'publish' && packet.topic === topic) }
}

/** For whom the stamp on its messages says that it may act. */
async function actsFor(clientId: string, permissions: readonly string[]): Promise<string[]> {
  const client = await mosquitto.connect(clientId, [...permissions, 'publish:told'])
  const witness = await mosquitto.connect(ANYBODY, WITNESS)
  await witness.subscribe('told', 0)
  client.publish('told', 'x')
  await client.settle()
  const [publish] = (await witness.settle()).filter((packet) => packet.type === 'publish')
  await Promise.all([client.leave(), witness.leave()])
  const pairs = publish?.properties?.userProperties ?? []
  expect(pairs).toContainEqual(['jamey-sender', clientId])
  return pairs.filter(([name]) => name === 'jamey-act-for').map(([, whom]) => whom)
}

/** What the entry lets one subscribe to, `%c` filled in. */
function filtersOf(entry: string, clientId: string): string[] {
  if (/^(publish|act-for):/.test(entry)) return []
  const levels = entry.replace(/^subscribe:/, '').split('/')
  const filter = levels.map((level) => (level === '%c' ? clientId : level)).join('/')
  return isTopicFilter(filter) ? [filter] : []
}
