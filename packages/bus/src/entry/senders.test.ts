import { Permissions } from '@jamey/auth'
import { type DataInput, pingOf, topics } from '@jamey/contracts'
import { FakeClock, settled } from '@jamey/testing'
import { afterEach, describe, expect, it } from 'vitest'
import type { BusConfig } from '../model/config.js'
import type { Message } from '../model/message.js'
import { FakeBroker } from '../test-support/fake-broker.js'
import { decodeEnvelope, encodeEnvelope } from '../wire/envelope.js'
import { MqttBus } from './mqtt-bus.js'

const contract = topics.api.requests
const call: DataInput<typeof contract> = { operation: 'memory.query', input: { text: 'Lisbon' } }
const update: DataInput<typeof topics.memory.updates> = { change: 'forgotten', memory_ids: ['x'] }
const ID = '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11'
const CHAIN = '6f9c1b7e-5b0a-4d0e-8a43-0c4f6f4f6f4f'
const REQUESTS = ['publish:jamey/api/requests']
const SERVING = ['subscribe:$share/api/jamey/api/requests/#', 'publish:jamey/api/responses/+/api/#']

const open: MqttBus[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((bus) => bus.close({ drain: false })))
})

function setUp(stamped: readonly string[]) {
  const broker = new FakeBroker()
  broker.stamped = stamped
  const clock = new FakeClock()
  const make = (clientId: string, permissions: string[], more: Partial<BusConfig> = {}): MqttBus => {
    const config = { url: 'mqtt://fake', clientId, permissions, clock, ...more }
    const bus = new MqttBus(config, new Permissions(permissions, { clientId }), broker.connect(clientId))
    open.push(bus)
    return bus
  }
  return { broker, clock, make }
}

/** A request as somebody writes it who says that it is `claim`. */
function written(topic: string, claim: string, more: object = {}): Buffer {
  return encodeEnvelope({
    message_id: ID,
    timestamp: '2024-11-14T20:00:00Z',
    topic,
    payload: { action: contract.action, data: call },
    metadata: {
      client_id: claim,
      correlation_id: ID,
      reply_to: `jamey/api/responses/${claim}/api/x`,
      ...more,
    },
  })
}

/** Serves, and says who asked and for whom. */
async function serving(make: ReturnType<typeof setUp>['make'], more: Partial<BusConfig> = {}) {
  const server = make('server', SERVING, more)
  const seen: Message<unknown>[] = []
  await server.serve(contract, {}, (request) => {
    seen.push(request)
    return { output: {} }
  })
  return { server, seen }
}

/** What is seen of a message that says it is for eva, below a topic whose senders nobody tells. */
async function spokenFor(broker: FakeBroker, topic: string, seen: unknown[]): Promise<unknown> {
  const properties = { userProperties: [['jamey-on-behalf-of', 'eva'] as const] }
  await Promise.all(broker.deliver(topic, 'm', properties, 'somebody'))
  return seen.at(-1)
}

describe.each([
  { way: 'the server stamps', stamped: ['jamey/#'], topic: 'jamey/api/requests' },
  { way: 'the topic tells the sender', stamped: [], topic: 'jamey/api/requests/asker' },
])('where $way', ({ stamped, topic }) => {
  it('a request, its answer, a message and a ping are from who published them', async () => {
    const { broker, make } = setUp(stamped)
    const { server, seen } = await serving(make)
    const asker = make('asker', [...REQUESTS, 'publish:jamey/memory/updates'])
    expect(await asker.request(contract, call, { timeoutMs: 1000 })).toEqual({ output: {} })
    expect(broker.to('jamey/api/requests/#').map((sent) => sent.topic)).toEqual([topic])
    expect(seen[0]).toMatchObject({
      topic: 'jamey/api/requests',
      envelope: { topic },
      sender: { clientId: 'asker', isVerified: true },
      principal: { clientId: 'asker', permissions: undefined },
    })
    const pong = await asker.request(pingOf(contract.topic, 'api'), {}, { timeoutMs: 1000 })
    expect(pong).toEqual({ client_id: 'server' })
    const reader = make('reader', ['subscribe:jamey/memory/updates/#'])
    const read: Message<unknown>[] = []
    await reader.subscribe(topics.memory.updates, (message) => void read.push(message))
    await asker.publish(topics.memory.updates, update)
    await settled()
    expect(read).toMatchObject([
      { topic: 'jamey/memory/updates', sender: { clientId: 'asker', isVerified: true } },
    ])
    expect([server, asker, reader].map((bus) => bus.stats().refusedSenders)).toEqual([0, 0, 0])
  })

  it('requests of a chain do not mix, and a repetition of one gets its answer', async () => {
    const { broker, make } = setUp(stamped)
    const seen: unknown[] = []
    await make('server', SERVING).serve(contract, {}, ({ data: { input } }) => {
      seen.push(input)
      return { output: input }
    })
    const asker = make('asker', REQUESTS)
    const ask = (input: { text: string }, messageId?: string) =>
      asker.request(contract, { ...call, input }, { timeoutMs: 1000, correlationId: CHAIN, messageId })
    const [a, b, c] = [{ text: 'a' }, { text: 'b' }, { text: 'c' }] as const
    expect(await Promise.all([ask(a), ask(b)])).toEqual([{ output: a }, { output: b }])
    expect([await ask(c, ID), await ask(a, ID)]).toEqual([{ output: c }, { output: c }])
    expect(seen).toEqual([a, b, c])
    const sent = broker.to('jamey/api/requests/#')
    const told = sent.map(({ topic, payload }) => decodeEnvelope(topic, payload).metadata.correlation_id)
    expect(new Set(told)).toEqual(new Set([CHAIN]))
    const responseTopics = new Set(sent.map(({ options }) => options.properties?.responseTopic))
    expect(responseTopics.size).toBe(stamped.length === 0 ? 3 : 1)
  })

  it('who writes the name of another is refused, counted and reported, and answered nowhere', async () => {
    const { broker, make } = setUp(stamped)
    const { server, seen } = await serving(make, { component: { name: 'server', version: '1' } })
    const at = topic.replace('asker', 'attacker')
    const reader = make('reader', ['subscribe:jamey/memory/updates/#'])
    await reader.subscribe(topics.memory.updates, () => void seen.push({} as Message<unknown>))
    await Promise.all(broker.deliver(at, written(at, 'victim'), undefined, 'attacker'))
    const updates = at.replace('api/requests', 'memory/updates')
    await Promise.all(broker.deliver(updates, written(updates, 'victim'), undefined, 'attacker'))
    await settled()
    expect(seen).toEqual([])
    expect(server.stats()).toMatchObject({ refusedSenders: 1, served: 0 })
    expect(broker.to('jamey/api/responses/#')).toEqual([])
    const asker = make('asker', REQUESTS)
    expect(await asker.request(contract, call, { timeoutMs: 1000 })).toEqual({ output: {} })
  })

  it('somebody is asked for by those alone who may act for others', async () => {
    const { broker, make } = setUp(stamped)
    broker.actsFor.set('jamey-gateway', ['+'])
    broker.actsFor.set('half', ['eva'])
    const { seen } = await serving(make, { actFor: ['jamey-gateway', 'half'] })
    const onBehalfOf = { clientId: 'eva', permissions: ['publish:jamey/api/requests'] }
    const gateway = make('jamey-gateway', [...REQUESTS, 'act-for:+'])
    await gateway.request(contract, call, { timeoutMs: 1000, onBehalfOf })
    expect(seen[0]).toMatchObject({
      sender: { clientId: 'jamey-gateway', isVerified: true },
      principal: { clientId: 'eva', permissions: { list: onBehalfOf.permissions } },
    })
    const asker = make('asker', [...REQUESTS, 'act-for:+'])
    await expect(asker.request(contract, call, { timeoutMs: 1000, onBehalfOf })).rejects.toMatchObject({
      name: 'RemoteError',
      kind: 'not-permitted',
      retryable: false,
    })
    expect(seen).toHaveLength(1)
  })

  it('what a gateway passes on is no envelope of the gateway', async () => {
    const { broker, make } = setUp(stamped)
    broker.actsFor.set('jamey-gateway', ['+'])
    const { server, seen } = await serving(make)
    const at = topic.replace('asker', 'jamey-gateway')
    const forged = written(at, 'jamey-gateway', { on_behalf_of: { client_id: 'eva', permissions: ['#'] } })
    const passedOn = { userProperties: [['jamey-on-behalf-of', 'mallory'] as const] }
    await Promise.all(broker.deliver(at, forged, passedOn, 'jamey-gateway'))
    await settled()
    expect(seen).toEqual([])
    expect(server.stats()).toMatchObject({ refusedSenders: 1, served: 0 })
    await Promise.all(broker.deliver(at, forged, undefined, 'jamey-gateway'))
    await settled()
    expect(seen).toHaveLength(1)
  })

  it('a message past the contracts is for another by the word of one who may act for that one alone', async () => {
    const { broker, make } = setUp(stamped)
    broker.actsFor.set('jamey-gateway', ['+'])
    const reader = make('reader', ['subscribe:#'])
    const seen: unknown[] = []
    await reader.mqtt.subscribe('#', {}, (message) => {
      seen.push([reader.senderOf(message), reader.principalOf(message)])
    })
    const forEva = { userProperties: [['jamey-on-behalf-of', 'eva'] as const] }
    const twice = { userProperties: [...forEva.userProperties, ...forEva.userProperties] }
    const inside = { on_behalf_of: { client_id: 'eva', permissions: [] } }
    const deliver = (from: string, payload: string | Buffer, properties?: typeof twice | typeof forEva) =>
      Promise.all(broker.deliver(topic.replace('asker', from), payload, properties, from))
    for (const from of ['mallory', 'jamey-gateway']) {
      await deliver(from, 'm', forEva)
      const at = topic.replace('asker', from)
      await deliver(from, written(at, from, inside))
      await deliver(from, written(at, 'victim', inside))
      await deliver(from, 'm', twice)
    }
    const mallory = Array(4).fill(['mallory', 'mallory'])
    const [own, passedOn] = [
      ['jamey-gateway', 'jamey-gateway'],
      ['jamey-gateway', 'eva'],
    ]
    const gateway = [passedOn, passedOn, own, own]
    expect(seen).toEqual([...mallory, ...gateway])
    expect(await spokenFor(broker, 'home/lamp', seen)).toEqual([undefined, undefined])
    broker.guarded = ['#']
    expect(await spokenFor(broker, 'home/lamp', seen)).toEqual([undefined, 'eva'])
  })

  it('whoever is asked for needs the permission itself', async () => {
    const { broker, make } = setUp(stamped)
    broker.actsFor.set('jamey-gateway', ['+'])
    const { seen } = await serving(make)
    const gateway = make('jamey-gateway', [...REQUESTS, 'act-for:+'])
    for (const permissions of [[], ['subscribe:jamey/#'], ['publish:a#']]) {
      const onBehalfOf = { clientId: 'eva', permissions }
      await expect(gateway.request(contract, call, { timeoutMs: 1000, onBehalfOf })).rejects.toMatchObject({
        kind: 'not-permitted',
      })
    }
    expect(seen).toEqual([])
  })
})

describe('where the server stamps', () => {
  it('the topic that names another than the stamp is refused, and one that names the same is not', async () => {
    const { broker, make } = setUp(['jamey/#'])
    const { server, seen } = await serving(make)
    const victims = 'jamey/api/requests/victim'
    await Promise.all(broker.deliver(victims, written(victims, 'victim'), undefined, 'attacker'))
    expect(server.stats()).toMatchObject({ refusedSenders: 1, served: 0 })
    await Promise.all(broker.deliver(victims, written(victims, 'victim'), undefined, 'victim'))
    expect(seen).toHaveLength(1)
  })

  it('its word counts, and not what a client wrote beside it, nor where it said nothing', async () => {
    const { broker, make } = setUp(['jamey/memory/#'])
    const { server, seen } = await serving(make)
    const properties = { userProperties: [['jamey-sender', 'victim'] as const] }
    await Promise.all(broker.deliver(contract.topic, written(contract.topic, 'victim'), properties))
    expect(server.stats()).toMatchObject({ refusedSenders: 1, served: 0 })
    expect(seen).toEqual([])
  })

  it('an answer of another than it says is dropped, and the wait goes on', async () => {
    const { broker, make } = setUp(['jamey/#'])
    const server = make('server', SERVING)
    await server.serve(contract, {}, async ({ envelope }) => {
      const { reply_to: topic = '', correlation_id } = envelope.metadata
      const payload = { action: 'call', data: { output: { forged: true } } }
      const metadata = { client_id: 'server', correlation_id }
      const forged = { message_id: ID, timestamp: '2024-11-14T20:00:00Z', topic, payload, metadata }
      const correlationData = Buffer.from(correlation_id)
      await Promise.all(broker.deliver(topic, encodeEnvelope(forged), { correlationData }, 'attacker'))
      return { output: {} }
    })
    const asker = make('asker', REQUESTS)
    expect(await asker.request(contract, call, { timeoutMs: 1000 })).toEqual({ output: {} })
    expect(asker.stats()).toMatchObject({ refusedSenders: 1, received: 1 })
  })
})

describe('where nobody tells the sender', () => {
  it('requests are not served, and messages say that it is not verified', async () => {
    const { broker, make } = setUp([])
    const { server, seen } = await serving(make)
    await Promise.all(broker.deliver(contract.topic, written(contract.topic, 'victim')))
    expect([seen.length, server.stats().refusedSenders]).toEqual([0, 1])
    expect(broker.to('jamey/api/responses/#')).toEqual([])
    const reader = make('reader', ['subscribe:jamey/events/errors/#'])
    const read: Message<unknown>[] = []
    await reader.subscribe(topics.events.errors, (message) => void read.push(message))
    const { topic, action } = topics.events.errors
    const data = { component: 'x', kind: 'y', message: 'z', retryable: false }
    const metadata = { client_id: 'somebody', correlation_id: ID }
    const timestamp = '2024-11-14T20:00:00Z'
    const told = encodeEnvelope({ message_id: ID, timestamp, topic, payload: { action, data }, metadata })
    await Promise.all(broker.deliver(topic, told))
    expect(read[0]?.sender).toEqual({ clientId: 'somebody', isVerified: false })
  })

  it('requests are served where that is wanted, for nobody else, and into the inbox they claim', async () => {
    const { broker, make } = setUp([])
    const { seen } = await serving(make, { acceptUnverified: true, actFor: ['old'] })
    await Promise.all(broker.deliver(contract.topic, written(contract.topic, 'old')))
    expect(seen[0]?.sender).toEqual({ clientId: 'old', isVerified: false })
    expect(broker.to('jamey/api/responses/old/api/x')).toHaveLength(1)
    const on_behalf_of = { client_id: 'eva', permissions: ['jamey/#'] }
    await Promise.all(broker.deliver(contract.topic, written(contract.topic, 'old', { on_behalf_of })))
    expect(seen).toHaveLength(1)
  })

  it('what lies deeper than a sender is none of the contract', async () => {
    const { broker, make } = setUp([])
    const { server } = await serving(make)
    const deep = 'jamey/api/requests/a/b'
    await Promise.all(broker.deliver(deep, written(deep, 'b')))
    expect(server.stats()).toMatchObject({ invalid: 1, served: 0 })
  })
})

describe('the principal', () => {
  it('is part of what a request is, so that nobody gets the answer of another by its ids', async () => {
    const { broker, make } = setUp(['jamey/#'])
    broker.actsFor.set('jamey-gateway', ['+'])
    const server = make('server', SERVING)
    await server.serve(contract, {}, ({ principal }) => ({ output: { for: principal.clientId } }))
    const gateway = make('jamey-gateway', [...REQUESTS, 'act-for:+'])
    const ask = (clientId: string) => {
      const onBehalfOf = { clientId, permissions: ['jamey/#'] }
      const ids = { correlationId: ID, messageId: ID }
      return gateway.request(contract, call, { timeoutMs: 1000, onBehalfOf, ...ids })
    }
    expect(await ask('eva')).toEqual({ output: { for: 'eva' } })
    expect(await ask('eva')).toEqual({ output: { for: 'eva' } })
    expect(await ask('bob')).toEqual({ output: { for: 'bob' } })
    expect(server.stats()).toMatchObject({ served: 2, servedAgain: 1 })
  })

  it('has a bound of its own on what waits, behind the same gateway', async () => {
    const { broker, make } = setUp(['jamey/#'])
    broker.actsFor.set('jamey-gateway', ['+'])
    const server = make('server', SERVING)
    await server.serve(contract, { maximumPerSender: 1 }, () => new Promise(() => {}))
    const gateway = make('jamey-gateway', [...REQUESTS, 'act-for:+'])
    const ask = (clientId: string) => {
      const onBehalfOf = { clientId, permissions: ['jamey/#'] }
      return gateway.request(contract, call, { timeoutMs: 1000, onBehalfOf })
    }
    const waiting = [ask('eva'), ask('bob')]
    for (const one of waiting) one.catch(() => {})
    await expect(ask('eva')).rejects.toMatchObject({ kind: 'overloaded' })
    expect(server.stats()).toMatchObject({ serving: 2, overloaded: 1 })
  })

  it('is not passed on by who may act for nobody: nothing is sent', async () => {
    const { broker, make } = setUp(['jamey/#'])
    const asker = make('asker', REQUESTS)
    const onBehalfOf = { clientId: 'eva', permissions: [] }
    await expect(asker.request(contract, call, { timeoutMs: 1000, onBehalfOf })).rejects.toMatchObject({
      permission: 'act-for:eva',
    })
    expect(broker.sent).toEqual([])
  })
})

describe('the form of a topic', () => {
  it('follows the server of the last connection, and is understood everywhere before the first', () => {
    const { broker, make } = setUp(['jamey/#'])
    const bus = make('me', ['jamey/#'])
    expect(bus.topicFor('jamey/memory/store')).toBe('jamey/memory/store')
    expect(bus.topicFor('lab/convert')).toBe('lab/convert/me')
    broker.stamped = []
    expect(bus.topicFor('jamey/memory/store')).toBe('jamey/memory/store/me')
    broker.stamped = ['lab/+']
    expect(bus.topicFor('lab/convert')).toBe('lab/convert')
    const port = { ...broker.connect('early'), serverInformation: undefined, onState: () => () => {} }
    const early = new MqttBus(
      { url: 'mqtt://fake', clientId: 'early', permissions: [] },
      new Permissions([], { clientId: 'early' }),
      port as never,
    )
    expect(early.topicFor('jamey/memory/store')).toBe('jamey/memory/store/early')
  })
})
