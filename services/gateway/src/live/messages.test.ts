import { Permissions } from '@jamey/auth'
import { connectBus } from '@jamey/bus'
import { COMPONENTS, topics } from '@jamey/contracts'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { call, post, SECRET } from '../service/gateway.support.js'
import { bearer, type LiveFixture, type LiveFixtureOptions, startLive } from './live.support.js'

let live: LiveFixture
const start = async (options: LiveFixtureOptions = {}) => {
  live = await startLive(options)
}

afterEach(() => live.stop())

const publish = async (topic: string, body: unknown, permissions: readonly string[], name = 'eva') =>
  post(`${live.url}/v1/messages/${topic}`, body, await bearer(name, permissions))
const ask = async (topic: string, body: unknown, permissions: readonly string[], name = 'eva') =>
  post(`${live.url}/v1/requests/${topic}`, body, await bearer(name, permissions))

/** A bus of a client, as programs have. */
async function join(clientId: string, permissions: readonly string[]) {
  const url = `mqtt://127.0.0.1:${live.broker.addresses[0]?.port}`
  const bus = await connectBus({ url, insecure: true, clientId, permissions, jwtSecret: SECRET, log: QUIET })
  onTestFinished(() => bus.close({ timeoutMs: 1_000 }))
  return bus
}
const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

describe('a message', () => {
  it('goes out in its form, with the word for whom it is', async () => {
    await start()
    const client = await live.client('lamp-1')
    const seen: unknown[] = []
    await client.subscribe('home/#', ({ topic, payload, properties, qos }) => {
      const { contentType, userProperties } = properties ?? {}
      seen.push([topic, Buffer.from(payload).toString('latin1'), contentType, userProperties, qos])
    })
    const bodies = [
      { payload: { on: true } },
      { payload_text: 'on', content_type: 'text/plain' },
      { payload_base64: '/wA=', qos: 0 },
    ]
    for (const body of bodies) {
      const answer = await publish('home/lamp', body, ['publish:home/#'])
      expect(answer).toMatchObject({ status: 200, body: { accepted: true, reason_code: 0 } })
    }
    const encoded = await publish('home%2Flamp%20two', { payload: 1 }, ['publish:home/#'])
    expect(encoded.status).toBe(200)
    const eva = [['jamey-on-behalf-of', 'eva']]
    await expect.poll(() => seen.length).toBe(4)
    expect(seen).toEqual([
      ['home/lamp', '{"on":true}', 'application/json', eva, 1],
      ['home/lamp', 'on', 'text/plain', eva, 1],
      ['home/lamp', '\xff\0', undefined, eva, 0],
      ['home/lamp two', '1', 'application/json', eva, 1],
    ])
    expect((await publish('nobody/hears', { payload: 1 }, ['publish:#'])).body['reason_code']).toBe(0x10)
  })

  it('is retained, and taken away, where that is asked for', async () => {
    await start()
    await publish('home/lamp', { payload_text: 'on', retain: true }, ['#'])
    const client = await live.client('late')
    const seen: string[] = []
    await client.subscribe('home/lamp', ({ payload }) => void seen.push(Buffer.from(payload).toString()))
    await expect.poll(() => seen).toEqual(['on'])
    await publish('home/lamp', { payload_text: '', retain: true }, ['#'])
    const later = await live.client('later')
    await later.subscribe('home/lamp', () => void seen.push('still there'))
    expect(seen).not.toContain('still there')
  })

  it('needs the permission of its caller, and that of the gateway', async () => {
    await start({ more: ['publish:home/#'] })
    expect(await publish('home/lamp', { payload: 1 }, ['subscribe:#', 'publish:home/door'])).toMatchObject({
      status: 403,
      body: { type: 'urn:jamey:problem:permission-missing', permission: 'publish:home/lamp' },
    })
    expect(await publish('garden/lamp', { payload: 1 }, ['#'])).toMatchObject({
      status: 403,
      body: {
        type: 'urn:jamey:problem:gateway-permission-missing',
        permission: 'publish:garden/lamp',
      },
    })
    expect((await publish('home/lamp', { payload: 1 }, ['publish:home/lamp'])).status).toBe(200)
  })

  it('needs a token, also on this machine', async () => {
    await start()
    for (const path of ['messages/jamey/events/errors', 'requests/jamey/memory/query']) {
      expect(await post(`${live.url}/v1/${path}`, { payload: {} })).toMatchObject({
        status: 401,
        body: { type: 'urn:jamey:problem:token-required' },
      })
    }
  })

  it.each([
    ['home/+', { payload: 1 }, 'topic'],
    ['home/%23', { payload: 1 }, 'topic'],
    ['home/%00', { payload: 1 }, 'topic'],
    ['$SYS/broker', { payload: 1 }, 'topic'],
    ['$share/g/home', { payload: 1 }, 'topic'],
    ['a'.repeat(1_025), { payload: 1 }, 'topic'],
    ['home/lamp', {}, 'payload'],
    ['home/lamp', { payload: 1, payload_text: 'a' }, 'payload'],
    ['home/lamp', { payload_base64: '?' }, 'payload_base64'],
    ['home/lamp', { payload: 1, qos: 3 }, 'qos'],
    ['home/lamp', { payload: 1, retain: 'yes' }, 'retain'],
    ['home/lamp', { payload: 1, content_type: 'text/plain\r\nset-cookie: a=b' }, 'content_type'],
    ['home/lamp', { payload: 1, on_behalf_of: 'root' }, 'on_behalf_of'],
  ])('that cannot be sent is told: %# %.20s', async (topic, body, field) => {
    await start()
    const answer = await publish(topic, body, ['#', '$SYS/#'])
    expect(answer).toMatchObject({ status: 400, body: { field } })
  })

  it.each([
    'jamey/events/status/jamey-gateway',
    'jamey/events/status/eva',
    'jamey/events/heartbeat',
    'jamey/events/leases/api',
    'jamey/conscience/results',
    'jamey/conscience/keys/jamey-gateway',
    'jamey/memory/updates',
    'jamey/memory/store',
    'jamey/memory/store/eva',
    'jamey/api/responses/jamey-operator/api/x',
    'jamey/anything',
  ])('never speaks for a component or for another sender: %s', async (topic) => {
    await start()
    const answer = await publish(topic, { payload: {} }, ['#', 'relay:+'])
    expect([400, 403]).toContain(answer.status)
  })

  it('of a contract is checked, and its receivers know for whom it is', async () => {
    await start()
    const watcher = await join('watcher', ['subscribe:jamey/events/#'])
    const seen: unknown[] = []
    await watcher.subscribe(topics.events.errors, ({ sender, principal, data }) => {
      seen.push([sender.clientId, sender.isVerified, principal.clientId, data.kind])
    })
    const { topic } = topics.events.errors
    const payload = { component: 'robot', kind: 'stuck', message: 'The door is shut.', retryable: true }
    const wrong = await publish(topic, { payload: { ...payload, retryable: 'no' } }, ['jamey/#'])
    expect(wrong).toMatchObject({ status: 400, body: { field: 'retryable' } })
    expect((await publish(topic, { payload, retain: true }, ['jamey/#'])).status).toBe(400)
    expect((await publish(topic, { payload }, ['jamey/#'])).status).toBe(200)
    await expect.poll(() => seen).toEqual([['jamey-gateway', true, 'eva', 'stuck']])
  })

  it('over MQTT 3.1.1 is refused, which has no place to say for whom it is', async () => {
    await start({ protocolVersion: 4 })
    expect((await publish('home/lamp', { payload: 1 }, ['#'])).status).toBe(503)
  })
})

describe('a claim to publish for another', () => {
  it('is not taken from a client without the right to act for that one', async () => {
    await start()
    const watcher = await join('watcher', ['subscribe:jamey/events/#'])
    const seen: string[] = []
    await watcher.subscribe(topics.events.errors, ({ principal }) => void seen.push(principal.clientId))
    const liar = await join('liar', ['publish:jamey/events/errors'])
    const data = { component: 'robot', kind: 'stuck', message: 'x', retryable: true }
    const onBehalfOf = { clientId: 'root', permissions: ['#'] }
    await liar.publish(topics.events.errors, data, { onBehalfOf })
    await liar.publish(topics.events.errors, data)
    await expect.poll(() => seen).toEqual(['liar'])
    expect(watcher.stats().refusedSenders).toBe(1)
  })
})

describe('a request', () => {
  it('is answered, on behalf of its caller and with that one’s permissions', async () => {
    await start()
    const { clientId, permissions } = COMPONENTS.memory
    const memory = await join(clientId, permissions)
    const asked: unknown[] = []
    await memory.serve(topics.memory.query, ({ sender, principal, data }) => {
      asked.push([sender.clientId, principal.clientId, principal.permissions?.list, data.query])
      return { memories: [], total: 0 }
    })
    const rights = ['publish:jamey/memory/query']
    const answer = await ask('jamey/memory/query', { payload: { query: 'lisbon' }, action: 'query' }, rights)
    expect(answer).toMatchObject({
      status: 200,
      body: { payload: { memories: [], total: 0 }, service: 'memory' },
    })
    expect(asked).toEqual([['jamey-gateway', 'eva', rights, 'lisbon']])
    expect(await ask('jamey/memory/query', {}, ['publish:jamey/memory/store'])).toMatchObject({
      status: 403,
      body: { permission: 'publish:jamey/memory/query' },
    })
  })

  it('that nobody serves, or that is none, is told', async () => {
    await start()
    expect((await ask('jamey/memory/query', { timeout_ms: 10_000 }, ['#'])).status).toBe(503)
    expect(await ask('jamey/memory/query', { payload: { limit: 'many' } }, ['#'])).toMatchObject({
      status: 400,
      body: { field: 'limit' },
    })
    expect(await ask('jamey/memory/query', { action: 'destroy' }, ['#'])).toMatchObject({
      status: 400,
      body: { field: 'action', detail: expect.stringContaining('expected one of query') },
    })
    for (const topic of ['home/lamp', 'jamey/events/errors']) {
      expect(await ask(topic, {}, ['#'])).toMatchObject({ status: 400, body: { field: 'topic' } })
    }
  })
})

describe('a manifest', () => {
  it('bounds what a caller sees and sends by the gateway, beside its token, as it is now', async () => {
    let allowed = ['subscribe:home/#', 'publish:home/lamp']
    const boundsOf = (clientId: string) => new Permissions(clientId === 'eva' ? allowed : [], { clientId })
    await start({ gateway: { boundsOf } })
    const statusOf = async (filter: string, name = 'eva') => {
      const headers = await bearer(name, ['#'])
      const answer = await call(`${live.url}/v1/events?filter=${filter}`, { headers }).catch(() => undefined)
      return answer?.status
    }
    expect(await statusOf('garden/lamp')).toBe(403)
    expect(await statusOf('home/lamp', 'bob')).toBe(403)
    expect((await publish('home/lamp', { payload: 1 }, ['#'])).status).toBe(200)
    expect((await publish('home/door', { payload: 1 }, ['#'])).status).toBe(403)
    allowed = []
    expect((await publish('home/lamp', { payload: 1 }, ['#'])).status).toBe(403)
  })
})
