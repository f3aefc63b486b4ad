import { randomUUID } from 'node:crypto'
import { COMPONENTS } from '@jamey/contracts'
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

/**
 * A compromised component has the very rights of its manifest. It can refuse its own work and answer it falsely;
 * that is all it can do to others.
 */
describe.each(VERSIONS)('over MQTT %i, a compromised memory', (version) => {
  const taken = () => system.peer('jamey-memory', COMPONENTS.memory.permissions, version)

  it('cannot answer for the conscience', async () => {
    const memory = await taken()
    const victim = await system.peer('victim', ASKING, version)
    const correlationId = randomUUID()
    const topic = victim.inbox('conscience')
    await memory.say(topic, envelope(memory.clientId, topic, 'evaluate', {}, { correlationId }))
    await expect(victim.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty('data.approved')
    expect(await victim.answersAfterAWhile(correlationId)).toEqual([])
  })

  it('cannot give verdicts, hear or swallow what the conscience is asked, or speak for it', async () => {
    const memory = await taken()
    for (const topic of [
      'jamey/conscience/results',
      'jamey/conscience/keys',
      'jamey/events/status/jamey-conscience',
    ]) {
      expect(await system.takes(memory, topic, envelope('jamey-conscience', topic, 'result', {}), true)).toBe(
        false,
      )
    }
    for (const filter of [
      'jamey/conscience/#',
      '$share/conscience/jamey/conscience/evaluate/#',
      'jamey/api/#',
    ]) {
      await expect(memory.hear(filter)).rejects.toMatchObject({ name: 'SubscriptionError' })
    }
  })

  it('cannot act for others', async () => {
    const memory = await taken()
    const metadata = { on_behalf_of: { client_id: 'jamey-operator', permissions: ['jamey/#'] } }
    const topic = 'jamey/memory/query'
    const answer = await memory.ask(topic, 'query', {}, { metadata })
    expect(answer).toMatchObject({ error: { kind: 'not-permitted' } })
  })
})

describe.each(VERSIONS)('over MQTT %i, a compromised conscience', (version) => {
  it('cannot answer for the memory, nor store, read or forget', async () => {
    const conscience = await system.peer('jamey-conscience', COMPONENTS.conscience.permissions, version)
    const victim = await system.peer('victim', REMEMBERING, version)
    const correlationId = randomUUID()
    const topic = victim.inbox('memory')
    await conscience.say(topic, envelope(conscience.clientId, topic, 'query', {}, { correlationId }))
    for (const asked of [
      'jamey/memory/store',
      'jamey/memory/query',
      'jamey/memory/forget',
      'jamey/memory/others/query',
    ]) {
      expect(await system.takes(conscience, asked, envelope(conscience.clientId, asked, 'query', {}))).toBe(
        false,
      )
    }
    await expect(conscience.hear('jamey/memory/#')).rejects.toMatchObject({ name: 'SubscriptionError' })
    await expect(victim.ask('jamey/memory/query', 'query', {})).resolves.toHaveProperty('data.total')
    expect(await victim.answersAfterAWhile(correlationId)).toEqual([])
  })
})

describe.each(VERSIONS)('over MQTT %i, a compromised gateway', (version) => {
  it('cannot answer for a service, give verdicts, or hear what others ask', async () => {
    const gateway = await system.peer('jamey-gateway', COMPONENTS.gateway.permissions, version)
    for (const topic of [
      'jamey/api/responses/victim/conscience/answers',
      'jamey/conscience/results',
      'jamey/memory/updates',
    ]) {
      expect(await system.takes(gateway, topic, envelope(gateway.clientId, topic, 'result', {}))).toBe(false)
    }
    for (const filter of ['jamey/conscience/evaluate/#', 'jamey/memory/#', 'jamey/api/responses/victim/#']) {
      await expect(gateway.hear(filter)).rejects.toMatchObject({ name: 'SubscriptionError' })
    }
  })

  it('speaks for those alone that it may act for, with what they may do, and hears the answer itself', async () => {
    // What whoever is named may do is the gateway's word; docs/security.md says so.
    const permissions = COMPONENTS.gateway.permissions.map((entry) =>
      entry.replace('act-for:+', 'act-for:agent-7'),
    )
    const gateway = await system.peer('gateway', permissions, version)
    const victim = await system.peer('victim', ASKING, version)
    const onBehalfOf = (clientId: string, entries: readonly string[]) => ({
      metadata: { on_behalf_of: { client_id: clientId, permissions: entries } },
    })
    const allowed = await gateway.ask(EVALUATE, 'evaluate', HARMLESS, onBehalfOf('agent-7', ASKING))
    expect(allowed).toMatchObject({ data: { requested_by: 'agent-7' } })
    for (const claims of [
      onBehalfOf(victim.clientId, ASKING),
      onBehalfOf('agent-7', []),
      onBehalfOf('+', ASKING),
      { clientId: 'agent-7', replyTo: gateway.inbox('conscience') },
      { ...onBehalfOf('agent-7', ASKING), replyTo: victim.inbox('conscience') },
    ]) {
      const correlationId = randomUUID()
      const replyTo = gateway.inbox('conscience')
      const payload = envelope(gateway.clientId, EVALUATE, 'evaluate', HARMLESS, {
        replyTo,
        ...claims,
        correlationId,
      })
      await gateway.say(EVALUATE, payload)
      const answers = [
        ...(await gateway.answersAfterAWhile(correlationId)),
        ...victim.answersTo(correlationId),
      ]
      expect(answers.filter(({ data }) => data !== undefined)).toEqual([])
    }
    await expect(victim.ask(EVALUATE, 'evaluate', HARMLESS)).resolves.toHaveProperty('data.approved')
  })
})

describe.each(VERSIONS)('over MQTT %i, an ordinary client', (version) => {
  it('cannot leave forged verdicts or states behind, retained or not', async () => {
    const attacker = await system.peer('attacker', [...ASKING, ...REMEMBERING], version)
    const topics = [
      'jamey/conscience/results',
      `jamey/conscience/results/${attacker.clientId}`,
      'jamey/conscience/keys',
      'jamey/events/status/jamey-conscience',
      'jamey/events/status/jamey-memory',
      'jamey/memory/updates',
      'jamey/api/responses/victim/conscience/answers',
    ]
    for (const topic of topics) {
      const payload = envelope('jamey-conscience', topic, 'result', { approved: true })
      expect(await system.takes(attacker, topic, payload, true)).toBe(false)
    }
    const watcher = await system.peer('watcher', topics.map((topic) => `subscribe:${topic}`).slice(0, -1))
    for (const topic of topics.slice(0, -1)) await watcher.hear(topic)
    await attacker.ask(EVALUATE, 'evaluate', HARMLESS)
    const texts = watcher.received.map(({ payload }) => Buffer.from(payload).toString('utf8'))
    expect(texts.filter((text) => text.includes('"data":{"approved":true}'))).toEqual([])
  })

  it('hears nothing in the inboxes of others, by whatever filter', async () => {
    const attacker = await system.peer('attacker', ['#', 'jamey/#', 'jamey/api/responses/#'], version)
    for (const filter of ['jamey/api/responses/#', 'jamey/+/responses/#', '+/+/+/#', 'jamey/#', '#']) {
      await attacker.hear(filter).catch(() => {})
    }
    for (const filter of [
      'jamey/api/responses/+/#',
      'jamey/api/responses/victim/#',
      'jamey/api/responses/+/conscience/answers',
    ]) {
      await expect(attacker.hear(filter)).rejects.toMatchObject({ name: 'SubscriptionError' })
    }
    const victim = await system.peer('victim', ASKING, version)
    const correlationId = randomUUID()
    await victim.ask(EVALUATE, 'evaluate', HARMLESS, { correlationId })
    await attacker.answersAfterAWhile(correlationId)
    const seen = attacker.received.map(({ topic }) => topic)
    expect(seen.filter((topic) => topic.startsWith('jamey/api/responses/'))).toEqual([])
  })
})
