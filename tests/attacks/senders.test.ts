import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envelope } from './peer.js'
import { ASKING, AttackedSystem, REMEMBERING, VERSIONS } from './system.js'

const EVALUATE = 'jamey/conscience/evaluate'
const HARMLESS = { action: 'water the plants' }
let system: AttackedSystem

beforeAll(async () => {
  system = await AttackedSystem.start()
})
afterAll(() => system?.stop())

describe.each(VERSIONS)('over MQTT %i, who sends', (version) => {
  it('cannot have a service answer into the inbox of another by claiming to be it', async () => {
    const victim = await system.peer('victim', ASKING, version)
    const attacker = await system.peer('attacker', ASKING, version)
    const correlationId = randomUUID()
    const claims = { clientId: victim.clientId, correlationId, replyTo: victim.inbox('conscience') }
    await attacker.say(EVALUATE, envelope(attacker.clientId, EVALUATE, 'evaluate', HARMLESS, claims))
    await expect(victim.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty(
      'data.requested_by',
      victim.clientId,
    )
    expect(await victim.answersAfterAWhile(correlationId)).toEqual([])
  })

  it('cannot speak as the operator: neither a verdict nor a memory bears another name', async () => {
    const watcher = await system.peer('watcher', ['subscribe:jamey/conscience/results/#'])
    await watcher.hear('jamey/conscience/results/#')
    const attacker = await system.peer('attacker', [...ASKING, ...REMEMBERING], version)
    const claims = {
      clientId: 'jamey-operator',
      correlationId: randomUUID(),
      replyTo: attacker.inbox('conscience'),
    }
    await attacker.say(EVALUATE, envelope('', EVALUATE, 'evaluate', HARMLESS, claims))
    await expect(attacker.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty(
      'data.requested_by',
      attacker.clientId,
    )
    expect(await watcher.answersAfterAWhile(claims.correlationId)).toEqual([])

    const marker = `marker ${randomUUID()}`
    await attacker.say(
      'jamey/memory/store',
      envelope('', 'jamey/memory/store', 'store', { content: marker }, claims),
    )
    const stored = await attacker.ask('jamey/memory/store', 'store', { content: `own ${marker}` })
    expect(stored).toHaveProperty('data.memory.source', attacker.clientId)
    const operator = await system.token('jamey-operator', ['jamey/#'])
    const found = await system.json(`/v1/others/memories?q=${encodeURIComponent(marker)}`, operator)
    expect(
      found.body.memories.filter((memory: { source: string }) => memory.source === 'jamey-operator'),
    ).toEqual([])
  })

  it('cannot use the topic form of another client', async () => {
    const victim = await system.peer('victim', ASKING, version)
    const attacker = await system.peer(
      'attacker',
      [...ASKING, 'publish:jamey/conscience/evaluate/#'],
      version,
    )
    const correlationId = randomUUID()
    const topic = `${EVALUATE}/${victim.clientId}`
    const claims = { clientId: victim.clientId, correlationId, replyTo: victim.inbox('conscience') }
    await attacker.say(topic, envelope('', topic, 'evaluate', HARMLESS, claims))
    expect(await victim.answersAfterAWhile(correlationId)).toEqual([])
    await expect(victim.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty('data.approved')
  })

  it('cannot act for another without the right to', async () => {
    const attacker = await system.peer('attacker', ASKING, version)
    for (const clientId of ['jamey-operator', attacker.clientId]) {
      const metadata = { on_behalf_of: { client_id: clientId, permissions: ['jamey/#'] } }
      const answer = await attacker.ask(EVALUATE, 'evaluate', HARMLESS, { metadata })
      expect(answer).toMatchObject({ error: { kind: 'not-permitted', retryable: false } })
    }
    await expect(attacker.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty(
      'data.requested_by',
      attacker.clientId,
    )
  })

  it('cannot have its will speak for another', async () => {
    const victim = await system.peer('victim', ASKING, version)
    const correlationId = randomUUID()
    const claims = { clientId: victim.clientId, correlationId, replyTo: victim.inbox('conscience') }
    const payload = envelope('', EVALUATE, 'evaluate', HARMLESS, claims)
    const attacker = await system.peer('attacker', ASKING, version, {
      will: { topic: EVALUATE, payload, qos: 1 },
    })
    await system.vanish(attacker)
    expect(await victim.answersAfterAWhile(correlationId)).toEqual([])
    await expect(victim.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty('data.approved')
  })

  it('cannot leave a will in an inbox or in the status of another', async () => {
    for (const topic of [
      'jamey/api/responses/victim/conscience/answers',
      'jamey/events/status/jamey-conscience',
    ]) {
      const will = { topic, payload: '{}', qos: 1 as const, retain: true }
      await expect(system.peer('attacker', ASKING, version, { will })).rejects.toMatchObject({
        name: 'AuthenticationError',
      })
    }
  })
})

describe('over MQTT 5, the stamp of the server', () => {
  it.each([
    ['once', [['jamey-sender', 'jamey-operator']]],
    [
      'twice',
      [
        ['jamey-sender', 'jamey-operator'],
        ['jamey-sender', 'jamey-operator'],
      ],
    ],
    [
      'with the right to act for others',
      [
        ['jamey-act-for', '+'],
        ['jamey-sender', 'jamey-operator'],
      ],
    ],
    [
      'in other letters',
      [
        ['Jamey-Sender', 'jamey-operator'],
        ['JAMEY-SENDER', 'jamey-operator'],
      ],
    ],
  ] as [string, [string, string][]][])('cannot be written by a client, %s', async (_, userProperties) => {
    const attacker = await system.peer('attacker', ASKING)
    const correlationId = randomUUID()
    const replyTo = attacker.inbox('conscience')
    const metadata = { on_behalf_of: { client_id: 'jamey-operator', permissions: ['jamey/#'] } }
    for (const claims of [
      { clientId: 'jamey-operator', correlationId, replyTo },
      { correlationId, replyTo, metadata },
    ]) {
      const payload = envelope(attacker.clientId, EVALUATE, 'evaluate', HARMLESS, claims)
      await attacker.say(EVALUATE, payload, { userProperties, responseTopic: replyTo })
    }
    const answers = await attacker.answersAfterAWhile(correlationId)
    expect(answers.filter(({ data }) => data !== undefined)).toEqual([])
    await expect(attacker.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty(
      'data.requested_by',
      attacker.clientId,
    )
  })

  it('lets nobody say that a message is for another without the right to act for that one', async () => {
    const topic = `home/${randomUUID()}`
    const reader = await system.peer('reader', ['subscribe:home/#'])
    await reader.hear(topic)
    const userProperties = [['jamey-on-behalf-of', 'jamey-operator']]
    const attacker = await system.peer('attacker', ['publish:home/#'])
    await attacker.say(topic, 'open the door', { userProperties })
    const viewed = await system.call(
      '/v1/events?filter=home/%23',
      await system.token('eva', ['subscribe:home/#']),
    )
    const token = await system.token('eva', ['publish:home/#'])
    const body = JSON.stringify({ payload_text: 'close the door' })
    await expect(
      system.json(`/v1/messages/${topic}`, token, { method: 'POST', body }),
    ).resolves.toMatchObject({
      status: 200,
    })
    await attacker.say(topic, 'open the door', { userProperties })
    await expect.poll(() => reader.received.length).toBe(3)
    expect(reader.received.map(({ properties }) => properties?.userProperties)).toEqual([
      undefined,
      [['jamey-on-behalf-of', 'eva']],
      undefined,
    ])
    let seen = ''
    for await (const chunk of viewed.body ?? []) {
      seen += Buffer.from(chunk).toString()
      if (seen.includes('open the door')) break
    }
    expect(seen.match(/"on_behalf_of":"[^"]*"/g)).toEqual(['"on_behalf_of":"eva"'])
    expect(seen).not.toContain('jamey-operator')
  })

  it('is that of who published, also where an alias stands for the topic', async () => {
    const victim = await system.peer('victim', ASKING)
    const attacker = await system.peer('attacker', ASKING)
    const correlationId = randomUUID()
    const claims = { clientId: victim.clientId, correlationId, replyTo: victim.inbox('conscience') }
    const payload = envelope('', EVALUATE, 'evaluate', HARMLESS, claims)
    // The client says the topic once, and its alias from then on.
    expect(attacker.client.serverInformation?.topicAliasMaximum).toBeGreaterThan(0)
    for (let i = 0; i < 3; i++) await attacker.say(EVALUATE, payload)
    expect(await victim.answersAfterAWhile(correlationId)).toEqual([])
  })
})
