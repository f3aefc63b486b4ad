import { Permissions } from '@jamey/auth'
import { statusSchema, topics } from '@jamey/contracts'
import { SubscriptionError } from '@jamey/mqtt'
import { FakeClock, settled } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { MqttBus } from '../entry/mqtt-bus.js'
import type { BusConfig } from '../model/config.js'
import { FakeBroker } from '../test-support/fake-broker.js'
import { decodeEnvelope } from '../wire/envelope.js'

const TOPIC = 'jamey/api/requests'
const SHARED = `$share/api/${TOPIC}/#`
const ALONE = `${TOPIC}/#`
const INBOX = /^jamey\/api\/responses/

/** A service over a fake broker, and what it writes into its log. */
function setUp(settings: Partial<BusConfig> = {}) {
  const broker = new FakeBroker()
  const clock = new FakeClock()
  const logged: string[] = []
  const warn = (_: object, message: string): void => void logged.push(message)
  const permissions = [
    `subscribe:${SHARED}`,
    `subscribe:${TOPIC}/#`,
    `publish:${TOPIC}`,
    'publish:jamey/api/responses/+/api/#',
  ]
  const config = {
    url: 'mqtt://fake',
    clientId: 'one',
    permissions,
    clock,
    log: { debug: () => {}, info: warn, warn, error: warn },
    component: { name: 'api', version: '1' },
    heartbeatSeconds: 0,
    ...settings,
  }
  const client = broker.connect('one')
  const bus = new MqttBus(config, new Permissions(permissions, { clientId: 'one' }), client)
  const serve = () => bus.serve(topics.api.requests, { group: 'api' }, () => ({ output: {} }))
  const served = () => broker.filters.filter((filter) => !INBOX.test(filter))
  const status = () => {
    const sent = broker.to('jamey/events/status/one').at(-1)
    return statusSchema.parse(
      decodeEnvelope(sent?.topic ?? '', sent?.payload ?? Buffer.alloc(0)).payload.data,
    )
  }
  return { broker, clock, client, bus, serve, served, logged, status }
}

describe('a service that serves before there is a connection', () => {
  it('subscribes when it is known what the server can', async () => {
    const { broker, client, serve, served } = setUp()
    client.become('connecting')
    const serving = serve()
    await settled()
    expect(served()).toEqual([])
    broker.sharedSubscriptionAvailable = false
    client.become('connected')
    await serving
    expect(served()).toEqual([ALONE])
  })

  it('is given up with the bus, at once', async () => {
    const { client, bus, serve, clock } = setUp()
    client.become('connecting')
    const refused = expect(serve()).rejects.toMatchObject({ code: 'bus-closed' })
    await bus.close()
    await refused
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('a service at a server without shared subscriptions', () => {
  it('serves alone where the server of MQTT 5.0 says so, and says so itself', async () => {
    const { broker, serve, served, logged, status, bus } = setUp()
    broker.sharedSubscriptionAvailable = false
    const { stop } = await serve()
    await settled()
    expect(served()).toEqual([ALONE])
    expect(logged).toEqual([expect.stringContaining('is served without its group')])
    expect(status()).toMatchObject({ state: 'online', reason: expect.stringContaining(TOPIC) })
    // It is no fault: what is to be done is done.
    expect(bus.faults).toEqual([])
    await stop()
    await settled()
    expect(status().reason).toBeUndefined()
  })

  it('finds out that one of 3.1.1 takes $share for a topic of that name, as RabbitMQ does', async () => {
    const { broker, clock, serve, served, logged } = setUp()
    broker.protocolVersion = 4
    broker.takesSharesLiterally = true
    const serving = serve()
    await settled()
    expect(served()).toEqual([SHARED])
    await clock.advance(2000)
    await serving
    expect(served()).toEqual([ALONE])
    expect(logged).toHaveLength(1)
  })

  it('serves alone at once where one of 3.1.1 refuses it, as NATS does', async () => {
    const { broker, serve, served } = setUp()
    broker.protocolVersion = 4
    broker.beforeSubscribe = (filter) => {
      if (filter === SHARED) throw new SubscriptionError('refused', 'no', { reasonCode: 0x80 })
    }
    await serve()
    expect(served()).toEqual([ALONE])
  })

  it('stays in its group where one of 3.1.1 shares', async () => {
    const { broker, serve, served, logged } = setUp()
    broker.protocolVersion = 4
    await serve()
    expect(served()).toEqual([SHARED])
    expect(logged).toEqual([])
  })

  it.each([
    ['available', SHARED],
    ['unavailable', ALONE],
  ] as const)('asks nobody where it was told: %s', async (sharedSubscriptions, expected) => {
    const { broker, serve, served } = setUp({ sharedSubscriptions })
    broker.protocolVersion = 4
    broker.takesSharesLiterally = true
    await serve()
    expect(served()).toEqual([expected])
    expect(broker.to(ALONE)).toEqual([])
  })

  it('changes its place where the next server can what the last one could not, and the other way round', async () => {
    const { broker, client, clock, serve, served } = setUp()
    await serve()
    expect(served()).toEqual([SHARED])
    for (const [canShare, expected] of [
      [false, ALONE],
      [true, SHARED],
    ] as const) {
      client.become('reconnecting')
      broker.sharedSubscriptionAvailable = canShare
      broker.beforeSubscribe = (filter) => {
        if (filter === SHARED && !canShare) throw new SubscriptionError('not-supported', 'no')
      }
      broker.forget(SHARED)
      broker.forget(ALONE)
      client.become('connected')
      await clock.advance(1000)
      expect(served()).toEqual([expected])
    }
  })
})
