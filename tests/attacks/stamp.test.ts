import { randomUUID } from 'node:crypto'
import type { SubscribeOptions } from '@jamey/mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envelope, type Peer } from './peer.js'
import { ASKING, AttackedSystem, VERSIONS } from './system.js'

/** One whom everybody may write to, below what the server stamps. */
const NOTICES = 'jamey/notices'
const WRITING = [`publish:${NOTICES}/#`]
const READING = [`subscribe:${NOTICES}/#`]
const FORGED: [string, string][] = [
  ['jamey-sender', 'jamey-conscience'],
  ['jamey-act-for', '+'],
  ['jamey-sender', 'jamey-operator'],
]
const EVALUATE = 'jamey/conscience/evaluate'
const HARMLESS = { tool: 'read_file', arguments: { path: 'README.md' } }
let system: AttackedSystem

beforeAll(async () => {
  system = await AttackedSystem.start()
})
afterAll(() => system?.stop())

/** What the server said of who published these, message by message. */
function stampsOf(peer: Peer, topic: string): string[][] {
  const found = peer.received.filter((message) => message.topic === topic)
  return found.map(({ properties }) =>
    (properties?.userProperties ?? [])
      .filter(([name]) => name === 'jamey-sender' || name === 'jamey-act-for')
      .map((pair) => pair.join('=')),
  )
}

describe('over MQTT 5, the stamp of the server', () => {
  it('is on what was retained, too, for whoever comes after its sender has gone', async () => {
    const attacker = await system.peer('attacker', WRITING)
    const topic = `${NOTICES}/${randomUUID()}`
    await attacker.say(topic, '{}', { userProperties: FORGED }, true)
    await attacker.leave()
    for (const options of [{}, { retainAsPublished: true }, { retainHandling: 1 as const }]) {
      const reader = await system.peer('reader', READING)
      await reader.hear(topic, options)
      await expect.poll(() => stampsOf(reader, topic)).toEqual([[`jamey-sender=${attacker.clientId}`]])
    }
  })

  it('is on every copy, whatever the subscriptions ask for', async () => {
    const reader = await system.peer('reader', [`${NOTICES}/#`])
    const topic = `${NOTICES}/${randomUUID()}`
    const asked: [string, SubscribeOptions][] = [
      [topic, { noLocal: true }],
      [`${NOTICES}/+`, { retainAsPublished: true, qos: 0 }],
      [`${NOTICES}/#`, { qos: 2 }],
    ]
    for (const [filter, options] of asked) await reader.hear(filter, options)
    const attacker = await system.peer('attacker', WRITING)
    await attacker.say(topic, '{}', { userProperties: FORGED })
    await expect.poll(() => reader.received.length).toBeGreaterThan(0)
    await reader.settle(NOTICES)
    const stamps = stampsOf(reader, topic)
    expect(stamps.length).toBeGreaterThan(0)
    expect(new Set(stamps.map(String))).toEqual(new Set([`jamey-sender=${attacker.clientId}`]))
  })

  it.each(VERSIONS)(
    'is that of who left a will, whatever the will says; left over MQTT %i',
    async (version) => {
      const reader = await system.peer('reader', READING)
      const topic = `${NOTICES}/${randomUUID()}`
      await reader.hear(topic)
      const properties = version === 5 ? { properties: { userProperties: FORGED } } : {}
      const will = { topic, payload: '{}', qos: 1 as const, retain: true, ...properties }
      const attacker = await system.peer('attacker', WRITING, version, { will })
      await system.vanish(attacker)
      await expect.poll(() => stampsOf(reader, topic)).toEqual([[`jamey-sender=${attacker.clientId}`]])
    },
  )

  it('says whom one may act for of those alone who may', async () => {
    const reader = await system.peer('reader', READING)
    const topic = `${NOTICES}/${randomUUID()}`
    await reader.hear(topic)
    const deputy = await system.peer('deputy', [...WRITING, 'act-for:agent-7'])
    const attacker = await system.peer('attacker', WRITING)
    await deputy.say(topic, '{}', { userProperties: FORGED })
    await attacker.say(topic, '{}', { userProperties: FORGED })
    await expect
      .poll(() => stampsOf(reader, topic))
      .toEqual([
        [`jamey-sender=${deputy.clientId}`, 'jamey-act-for=agent-7'],
        [`jamey-sender=${attacker.clientId}`],
      ])
  })
})

describe('over MQTT 5, what a request has beside its payload', () => {
  it('does no harm by its size: a Response Topic, Correlation Data and user properties of some 60 KB', async () => {
    const attacker = await system.peer('attacker', ASKING)
    const victim = await system.peer('victim', ASKING)
    const long = 'x'.repeat(60_000)
    for (const inbox of [attacker.inbox('conscience'), victim.inbox('conscience')]) {
      const claims = { replyTo: `${inbox}/${long}`, correlationId: randomUUID() }
      const correlationData = Buffer.from(long)
      const userProperties = [[long, long.slice(0, 100)]]
      const payload = envelope(attacker.clientId, EVALUATE, 'evaluate', HARMLESS, claims)
      const responseTopic = claims.replyTo
      await attacker.say(EVALUATE, payload, { responseTopic })
      await attacker.say(EVALUATE, payload, { responseTopic, correlationData, userProperties })
    }
    await expect(victim.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty('data.approved', true)
    await expect(attacker.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty('data.approved', true)
    await victim.quiet()
    expect(victim.received.filter(({ topic }) => topic.includes(long))).toEqual([])
  })

  it('has no answer given anywhere but at the level of the service in the own inbox', async () => {
    const attacker = await system.peer('attacker', ASKING)
    const watcher = await system.peer('watcher', ['subscribe:jamey/#'])
    await watcher.hear('jamey/#')
    const correlationId = randomUUID()
    for (const replyTo of [
      'jamey/api/responses/victim/conscience/answers',
      `jamey/api/responses/${attacker.clientId}`,
      `jamey/api/responses/${attacker.clientId}/memory/answers`,
      `jamey/api/responses/${attacker.clientId}//answers`,
      `jamey/api/responses/${attacker.clientId}/../victim/conscience/answers`,
      `jamey/api/responses/${watcher.clientId}/conscience/answers`,
      'jamey/conscience/results',
      'jamey/notices/answers',
    ]) {
      const payload = envelope(attacker.clientId, EVALUATE, 'evaluate', HARMLESS, { replyTo, correlationId })
      await attacker.say(EVALUATE, payload, { responseTopic: replyTo })
      await attacker.say(EVALUATE, payload)
    }
    await expect(attacker.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty('data.approved', true)
    expect(await attacker.answersAfterAWhile(correlationId)).toEqual([])
    expect(watcher.received.filter(({ topic }) => topic.includes('/answers'))).toEqual([])
  })
})
