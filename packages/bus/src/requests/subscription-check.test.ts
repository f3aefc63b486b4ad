import { Permissions } from '@jamey/auth'
import { statusSchema, topics } from '@jamey/contracts'
import { SubscriptionError } from '@jamey/mqtt'
import { FakeClock, settled } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { MqttBus } from '../entry/mqtt-bus.js'
import { FakeBroker } from '../test-support/fake-broker.js'
import { decodeEnvelope } from '../wire/envelope.js'

const TOPIC = 'jamey/api/requests'
const SHARED = `$share/api/${TOPIC}/#`
const SERVE = [`subscribe:${SHARED}`, 'publish:jamey/api/responses/+/api/#']

/** Members of one group over one fake broker, and what they write into their logs. */
function setUp() {
  const broker = new FakeBroker()
  const clock = new FakeClock()
  const logged: string[] = []
  const warn = (_: object, message: string): void => void logged.push(message)
  const debugged: unknown[] = []
  const log = { debug: (facts: object) => void debugged.push(facts), info: warn, warn, error: warn }
  const member = async (clientId: string, permissions = [...SERVE, `publish:${TOPIC}`]) => {
    const component = { name: 'api', version: '1' }
    const config = { url: 'mqtt://fake', clientId, permissions, clock, log, component, heartbeatSeconds: 0 }
    const client = broker.connect(clientId)
    const bus = new MqttBus(config, new Permissions(permissions, { clientId }), client)
    const served = await bus.serve(topics.api.requests, { group: 'api' }, () => ({ output: {} }))
    return { bus, client, served }
  }
  const pings = () => broker.to(TOPIC).length
  const status = (clientId: string) => {
    const sent = broker.to(`jamey/events/status/${clientId}`).at(-1)
    return statusSchema.parse(
      decodeEnvelope(sent?.topic ?? '', sent?.payload ?? Buffer.alloc(0)).payload.data,
    )
  }
  return { broker, clock, logged, debugged, member, pings, status }
}

describe('a service that hears nothing', () => {
  it('asks itself a second after it connected, and then after every 15 seconds without a request', async () => {
    const { broker, clock, member, pings } = setUp()
    const { bus } = await member('one')
    await clock.advance(999)
    expect(pings()).toBe(0)
    await clock.advance(1)
    expect(pings()).toBe(1)
    await clock.advance(14_999)
    expect(pings()).toBe(1)
    await clock.advance(1)
    expect(pings()).toBe(2)
    // It came back, so nothing had to be mended.
    expect(broker.asked.filter((filter) => filter === SHARED)).toHaveLength(1)
    expect(bus.faults).toEqual([])
    await bus.close()
    expect(clock.pendingTimers).toBe(0)
  })

  it('tries nothing that it may not, and subscribes again in its place', async () => {
    const { broker, clock, debugged, logged, member, pings } = setUp()
    const { bus } = await member('one', SERVE)
    debugged.splice(0)
    await clock.advance(1000)
    for (let second = 0; second < 30; second++) await clock.advance(1000)
    expect(pings()).toBe(0)
    expect(broker.asked.filter((filter) => filter === SHARED)).toHaveLength(1 + 3)
    expect([debugged, logged, bus.faults]).toEqual([[], [], []])
  })

  it('asks nothing while requests come', async () => {
    const { broker, clock, member, pings } = setUp()
    const { bus: asker } = await member('asker')
    const { served } = await member('one')
    await served.stop()
    for (let i = 0; i < 10; i++) {
      await clock.advance(10_000)
      await asker.request(topics.api.requests, { operation: 'memory.query', input: {} }, { timeoutMs: 1000 })
    }
    // The first question fell due before the first request.
    expect(pings()).toBe(1 + 10)
    expect(broker.to('jamey/api/responses/#')).toHaveLength(1 + 10)
  })

  it('because the server lost its subscription says so in log and status within seconds, and mends it', async () => {
    const { broker, clock, logged, member, status } = setUp()
    const { bus, client } = await member('one')
    await clock.advance(1000)
    client.become('reconnecting')
    broker.forget(SHARED)
    client.become('connected')
    let isRefusing = true
    broker.beforeSubscribe = () => {
      if (isRefusing) throw new SubscriptionError('timeout', 'no answer')
    }
    await clock.advance(1000)
    expect(bus.faults).toMatchObject([{ kind: 'refused', message: expect.stringContaining(TOPIC) }])
    expect(status('one')).toMatchObject({ state: 'online', faults: bus.faults })
    isRefusing = false
    await clock.advance(1000)
    expect(broker.filters).toContain(SHARED)
    expect(bus.faults).toMatchObject([{ kind: 'unheard' }])
    await clock.advance(2000)
    expect(bus.faults).toEqual([])
    expect(status('one').faults).toBeUndefined()
    expect(logged).toEqual([
      expect.stringContaining('does not give the subscription: no answer'),
      expect.stringContaining('nobody hears the requests'),
      'requests are heard again',
    ])
  })

  it('because the server cannot answer for a while is heard within seconds of its answer, and says so once', async () => {
    const { broker, clock, logged, member } = setUp()
    const { bus } = await member('one')
    broker.forget(SHARED)
    let isSilent = true
    broker.beforeSubscribe = () => {
      if (isSilent) throw new SubscriptionError('timeout', 'no answer')
    }
    await clock.advance(1000)
    for (let second = 0; second < 120; second++) await clock.advance(1000)
    expect(bus.faults).toMatchObject([{ kind: 'refused' }])
    isSilent = false
    for (let second = 0; second < 10; second++) await clock.advance(1000)
    expect(bus.faults).toEqual([])
    expect(logged).toEqual([
      expect.stringContaining('does not give the subscription: no answer'),
      expect.stringContaining('nobody hears the requests'),
      'requests are heard again',
    ])
  })

  it('and gets no word from the server either is given one late answer before it says so', async () => {
    const { broker, clock, member } = setUp()
    const { bus } = await member('one')
    // A server that takes requests and hands them to nobody.
    broker.forget(SHARED)
    broker.add({ filter: TOPIC, handler: async () => {} })
    await clock.advance(1000 + 5000)
    expect(bus.faults).toEqual([])
    expect(broker.filters).toContain(SHARED)
    broker.forget(SHARED)
    await clock.advance(1000 + 5000)
    expect(bus.faults).toMatchObject([{ kind: 'unheard' }])
  })

  it('takes the answer of another member for no proof of its own subscription, and asks the server for it anew', async () => {
    const { broker, clock, member } = setUp()
    const { bus: first } = await member('one')
    await clock.advance(1000)
    broker.forget(SHARED)
    const { bus: second } = await member('two')
    // The first member's question reaches the second alone.
    await clock.advance(15_000)
    expect(broker.filters.filter((filter) => filter === SHARED)).toHaveLength(2)
    expect([first.faults, second.faults]).toEqual([[], []])
  })

  it('needs no more rights for it than to serve: without them it asks the server for its subscription anew', async () => {
    const { broker, clock, member, pings } = setUp()
    const { bus } = await member('one', SERVE)
    broker.forget(SHARED)
    await clock.advance(1000)
    expect([pings(), bus.faults]).toEqual([0, []])
    expect(broker.filters).toContain(SHARED)
  })

  it('takes a refusal of the question for an answer', async () => {
    const { broker, clock, member } = setUp()
    const { bus } = await member('one')
    broker.forget(SHARED)
    const old = broker.connect('old')
    broker.add({
      filter: TOPIC,
      handler: async ({ properties, payload, topic }) => {
        const { metadata, payload: asked } = decodeEnvelope(topic, payload)
        const error = { kind: 'unknown-action', message: 'no', retryable: true }
        const answer = {
          message_id: '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11',
          timestamp: new Date(clock.timeOfDay()).toISOString(),
          topic: properties?.responseTopic,
          payload: { action: asked.action, error },
          metadata: { client_id: 'old', correlation_id: metadata.correlation_id },
        }
        await old.publish(properties?.responseTopic ?? '', Buffer.from(JSON.stringify(answer)), { qos: 1 })
      },
    })
    await clock.advance(1000)
    await settled()
    expect(bus.faults).toEqual([])
  })
})

describe('the health of a component', () => {
  it('is told in its status whenever it changes, and only then', async () => {
    const { broker, member, status } = setUp()
    const { bus } = await member('one')
    await settled()
    const told = () => broker.to('jamey/events/status/one').length
    const before = told()
    bus.setFault('disk', { kind: 'storage-full', message: 'no space' })
    bus.setFault('disk', { kind: 'storage-full', message: 'no space' })
    await settled()
    expect([told() - before, status('one').faults]).toEqual([
      1,
      [{ kind: 'storage-full', message: 'no space' }],
    ])
    bus.setFault('disk', undefined)
    bus.setFault('disk', undefined)
    await settled()
    expect([told() - before, status('one').faults]).toEqual([2, undefined])
  })
})
