import { Permissions } from '@jamey/auth'
import { topics } from '@jamey/contracts'
import { ConnectionError, SubscriptionError } from '@jamey/mqtt'
import { FakeClock, settled } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { MqttBus } from '../entry/mqtt-bus.js'
import type { ServeOptions } from '../model/message.js'
import { FakeBroker } from '../test-support/fake-broker.js'

const SHARED = '$share/api/jamey/api/requests/#'

function setUp() {
  const broker = new FakeBroker()
  const clock = new FakeClock()
  const logged: string[] = []
  const warn = (_: object, message: string): void => void logged.push(message)
  const log = { debug: () => {}, info: warn, warn, error: warn }
  const permissions = [`subscribe:${SHARED}`, 'publish:jamey/api/responses/+/api/#']
  const client = broker.connect('server')
  const config = { url: 'mqtt://fake', clientId: 'server', permissions, clock, log }
  const bus = new MqttBus(config, new Permissions(permissions, { clientId: 'server' }), client)
  const serve = (options: Partial<ServeOptions> = {}) =>
    bus.serve(topics.api.requests, { group: 'api', ...options }, () => ({ output: {} }))
  return { broker, clock, client, bus, logged, serve }
}

const refusal = () => new SubscriptionError('refused', 'not authorized', { reasonCode: 0x87 })

describe('a service whose server refuses the subscription', () => {
  it('asks again with backoff where it was told to, says so each time, and serves once it is granted', async () => {
    const { broker, clock, bus, logged, serve } = setUp()
    broker.beforeSubscribe = () => {
      throw refusal()
    }
    const serving = serve({ whenRefused: 'retry' })
    await settled()
    await clock.advance(1000)
    await clock.advance(1999)
    expect(broker.asked).toEqual([SHARED, SHARED])
    expect(bus.faults).toMatchObject([
      { kind: 'refused', message: expect.stringContaining('not authorized') },
    ])
    broker.beforeSubscribe = () => {}
    await clock.advance(1)
    await serving
    expect(broker.filters).toEqual([SHARED])
    expect(bus.faults).toEqual([])
    expect(logged).toHaveLength(2)
    await bus.close()
    expect(clock.pendingTimers).toBe(0)
  })

  it('is told so at once otherwise', async () => {
    const { broker, clock, serve } = setUp()
    broker.beforeSubscribe = () => {
      throw refusal()
    }
    await expect(serve()).rejects.toMatchObject({ code: 'refused' })
    expect(clock.pendingTimers).toBe(0)
  })

  it('is waited for no longer when the bus is closed', async () => {
    const { broker, clock, bus, serve } = setUp()
    broker.beforeSubscribe = () => {
      throw refusal()
    }
    const serving = serve({ whenRefused: 'retry' }).catch((error: { code: string }) => error.code)
    await settled()
    await bus.close()
    expect(await serving).toBe('bus-closed')
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('a service that has never been connected', () => {
  it('is told when its connection is given up, whether it asked before or after', async () => {
    const { broker, client, clock, serve } = setUp()
    let grant: () => void = () => {}
    broker.beforeSubscribe = () =>
      new Promise((resolve) => {
        grant = resolve
      })
    client.become('connecting')
    const serving = serve().catch((error: { code: string }) => error.code)
    await settled()
    client.become('error', new ConnectionError('breaker-open', 'gave up', { retryable: true }))
    expect(await serving).toBe('breaker-open')
    // Granted after all, it brings no requests to a service that is gone.
    grant()
    await settled()
    expect(broker.filters).toEqual([])
    await expect(serve()).rejects.toMatchObject({ code: 'breaker-open' })
    expect(clock.pendingTimers).toBe(0)
  })

  it('does not keep its bus from closing at once', async () => {
    const { broker, client, clock, bus, serve } = setUp()
    broker.beforeSubscribe = () => new Promise(() => {})
    client.become('connecting')
    const serving = serve().catch((error: { code: string }) => error.code)
    await settled()
    await bus.close()
    expect(await serving).toBe('bus-closed')
    expect(clock.pendingTimers).toBe(0)
  })
})
