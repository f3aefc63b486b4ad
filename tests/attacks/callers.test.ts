import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { envelope } from './peer.js'
import { ASKING, AttackedSystem, type Json, REMEMBERING, VERSIONS } from './system.js'

const EVALUATE = '/v1/conscience/evaluate'
const HARMLESS = JSON.stringify({ action: 'water the plants' })
let system: AttackedSystem

beforeAll(async () => {
  system = await AttackedSystem.start()
})
afterAll(() => system?.stop())

function evaluate(token: string, init: RequestInit = {}): Promise<Json> {
  return system.json(EVALUATE, token, { method: 'POST', body: HARMLESS, ...init })
}

function store(token: string, content: string, headers: Record<string, string> = {}): Promise<Json> {
  return system.json('/v1/memories', token, { method: 'POST', body: JSON.stringify({ content }), headers })
}

describe('over HTTP, a caller', () => {
  it('is named in verdicts and memories, not the gateway', async () => {
    const token = await system.token('caller', [...ASKING, ...REMEMBERING])
    expect(await evaluate(token)).toMatchObject({ status: 200, body: { requested_by: 'caller' } })
    expect(await store(token, 'of a caller')).toMatchObject({
      status: 201,
      body: { memory: { source: 'caller' } },
    })
  })

  it('has nothing by the right to the API alone', async () => {
    const token = await system.token('caller', ['publish:jamey/api/requests'])
    expect((await evaluate(token)).status).toBe(403)
    expect((await system.call('/v1/memories?q=x', token)).status).toBe(403)
    expect((await store(token, 'x')).status).toBe(403)
  })

  it('has one operation by the right to that one', async () => {
    const token = await system.token('caller', ASKING)
    expect((await evaluate(token)).status).toBe(200)
    expect((await system.call('/v1/memories?q=x', token)).status).toBe(403)
  })

  it('does not get the answer of another by guessing its identifiers', async () => {
    const key = randomUUID()
    const headers = { 'idempotency-key': key, 'x-request-id': key }
    const [victim, attacker] = [
      await system.token('victim-http', REMEMBERING),
      await system.token('attacker-http', REMEMBERING),
    ]
    const content = 'what the victim stored'
    const first = await store(victim, content, headers)
    expect(first.status).toBe(201)
    const second = await store(attacker, content, headers)
    expect(second.status).toBe(409)
    expect(second.body).not.toHaveProperty('memory')
    expect(JSON.stringify(second)).not.toContain('victim-http')
    const again = await store(victim, content, headers)
    expect(again).toMatchObject({ status: 200, body: { created: false, memory: first.body.memory } })
  })

  it('has words of its own as identifiers, whoever else has the same', async () => {
    const headers = { 'idempotency-key': `order ${randomUUID()}` }
    const [one, other] = [
      await system.token('one-http', REMEMBERING),
      await system.token('other-http', REMEMBERING),
    ]
    expect(await store(one, 'mine', headers)).toMatchObject({ body: { memory: { owner: 'one-http' } } })
    expect(await store(other, 'mine', headers)).toMatchObject({ body: { memory: { owner: 'other-http' } } })
  })

  it('does not get the verdict of another by the same request identifier', async () => {
    const [victim, attacker] = [
      await system.token('victim-id', ASKING),
      await system.token('attacker-id', ASKING),
    ]
    const headers = { 'x-request-id': randomUUID() }
    const [mine, theirs] = await Promise.all([evaluate(victim, { headers }), evaluate(attacker, { headers })])
    expect(mine).toMatchObject({ status: 200, body: { requested_by: 'victim-id' } })
    expect(theirs).toMatchObject({ status: 200, body: { requested_by: 'attacker-id' } })
  })

  it('cannot name somebody else in headers or body', async () => {
    const token = await system.token('caller', ASKING)
    const names = ['x-client-id', 'x-forwarded-user', 'jamey-sender', 'jamey-act-for']
    const headers = Object.fromEntries(names.map((name) => [name, 'jamey-operator']))
    expect(await evaluate(token, { headers })).toMatchObject({ body: { requested_by: 'caller' } })
    const body = JSON.stringify({ action: 'water the plants', on_behalf_of: { client_id: 'jamey-operator' } })
    expect((await evaluate(token, { body })).status).toBe(400)
  })
})

describe.each(VERSIONS)('over MQTT %i, the requests of the API', (version) => {
  it('are for the gateway: a client that publishes there gets no operation that its own rights do not give', async () => {
    const attacker = await system.peer('attacker', ['publish:jamey/api/requests'], version)
    const calls = [
      { operation: 'memory.query', input: { query: 'x' } },
      { operation: 'memory.forget', input: { before: '2999-01-01T00:00:00Z' } },
      { operation: 'memory.store', input: { content: 'x' } },
      { operation: 'conscience.evaluate', input: { action: 'water the plants' } },
    ]
    for (const call of calls) {
      const answer = await attacker.ask('jamey/api/requests', 'call', call)
      expect(answer).toMatchObject({ error: { kind: 'not-permitted' } })
    }
  })
})

it('over MQTT 5, nobody answers into the inbox of the gateway', async () => {
  const attacker = await system.peer('attacker', [...ASKING, ...REMEMBERING])
  const topic = 'jamey/api/responses/jamey-gateway/conscience/answers'
  expect(await system.takes(attacker, topic, envelope('jamey-conscience', topic, 'evaluate', {}))).toBe(false)
})

describe('over HTTP, what happens on the bus', () => {
  const publish = async (topic: string, token: string) =>
    (await system.json(`/v1/messages/${topic}`, token, { method: 'POST', body: '{"payload":{}}' })).status

  it('is neither seen nor added to beyond what a token permits', async () => {
    const token = await system.token('watcher-http', ['lab/#'])
    for (const filter of ['#', 'jamey/#', 'jamey/conscience/results', 'jamey/api/responses/#', '$SYS/#']) {
      const path = `/v1/events?filter=${encodeURIComponent(filter)}`
      expect((await system.call(path, token)).status).toBe(403)
    }
    expect(await publish('jamey/events/errors', token)).toBe(403)
    expect(await publish('lab/lamp', token)).toBe(200)
  })

  it('is nothing that a component said, whatever the token of who sends it permits', async () => {
    const token = await system.token('everything-http', ['#', 'relay:+'])
    for (const topic of [
      'jamey/conscience/results',
      'jamey/conscience/keys/jamey-gateway',
      'jamey/events/status/jamey-conscience',
      'jamey/events/leases/api',
      'jamey/api/responses/victim/conscience/x',
      'jamey/conscience/evaluate/victim',
    ]) {
      expect([400, 403]).toContain(await publish(topic, token))
    }
  })
})
