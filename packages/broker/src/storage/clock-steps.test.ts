import type { Will } from '@jamey/protocol'
import { FakeClock, RawClient, settled, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { insecureAuthenticator, MemoryBrokerStore } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const HOUR_MS = 3_600_000
const stays = { clientId: 's', cleanStart: false, properties: { sessionExpiryInterval: 600 } }

function will(properties?: Will['properties']): Will {
  return { topic: 'w', payload: Buffer.from('gone'), qos: 1, retain: false, properties }
}

describe.each([
  ['forward', HOUR_MS],
  ['back', -HOUR_MS],
])('a time of day that is set %s an hour', (_way, stepMs) => {
  it('ends no living client, and no silent one later or earlier than it would', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock })
    const alive = await RawClient.connect(port, { keepAlive: 10, will: will() })
    const silent = await RawClient.connect(port, { keepAlive: 10 })
    await clock.advance(10_000)
    clock.correct(stepMs)
    expect(await alive.received()).toEqual([])
    await clock.advance(4_999)
    expect(broker.stats()).toMatchObject({ connections: 2, willsPublished: 0 })
    await clock.advance(1)
    expect(await silent.expect('disconnect')).toMatchObject({ reasonCode: 0x8d })
    expect(await alive.received()).toEqual([])
    expect(broker.stats()).toMatchObject({ keepAliveTimeouts: 1, willsPublished: 0 })
  })

  it('moves no connect time-out, will delay, session expiry, message expiry or $SYS', async () => {
    const clock = new FakeClock()
    const limits = { connectTimeoutMs: 10_000, sysIntervalSeconds: 10 }
    const { broker, port } = await startBroker({ clock, limits })
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('w', 1)
    const late = will({ willDelayInterval: 60 })
    const properties = { sessionExpiryInterval: 90 }
    await (await RawClient.connect(port, { clientId: 'dying', properties, will: late })).vanish()
    await until(() => broker.stats().connections === 1)
    const unauthenticated = await RawClient.open(port)
    await watcher.publishOnce('r', 'kept', { retain: true, properties: { messageExpiryInterval: 70 } })
    await until(() => broker.stats().connectionsAccepted === 3)
    clock.correct(stepMs)
    await clock.advance(10_000)
    await unauthenticated.closed
    const reader = await RawClient.connect(port)
    await reader.subscribe('$SYS/broker/uptime')
    expect(await reader.received()).toEqual(['$SYS/broker/uptime=10 seconds retain'])
    await reader.leave()
    await clock.advance(49_999)
    expect(broker.stats().willsPublished).toBe(0)
    await watcher.subscribe('r')
    expect(await watcher.received()).toContain('r=kept retain')
    await clock.advance(1)
    expect(broker.stats()).toMatchObject({ willsPublished: 1, sessions: 2 })
    await clock.advance(10_000)
    const after = await RawClient.connect(port)
    await after.subscribe('r')
    expect(await after.received()).toEqual([])
    await after.leave()
    await clock.advance(20_000)
    expect(broker.stats()).toMatchObject({ sessionsExpired: 1, uptimeSeconds: 90 })
  })

  it('ends nobody whose credentials were good when they came, also not at a reload', async () => {
    const clock = new FakeClock()
    const { authenticate } = insecureAuthenticator()
    const authenticator = {
      authenticate: async (request: Parameters<typeof authenticate>[0]) => ({
        ...(await authenticate(request)),
        expiresAtMs: clock.timeOfDay() + 60_000,
      }),
    }
    const { broker, port } = await startBroker({ clock, authenticator })
    const client = await RawClient.connect(port)
    clock.correct(stepMs)
    broker.reload({ limits: { sysIntervalSeconds: 0 } })
    await clock.advance(59_999)
    expect(await client.received()).toEqual([])
    await clock.advance(1)
    expect(await client.expect('disconnect')).toMatchObject({ reasonCode: 0x87 })
  })

  it('expires no queued message early or late, though it lies in a store', async () => {
    const clock = new FakeClock()
    const { port } = await startBroker({ clock, store: new MemoryBrokerStore() })
    const s = await RawClient.connect(port, stays)
    await s.subscribe('t', 1)
    await s.leave()
    const publisher = await RawClient.connect(port)
    const publish = (payload: string, seconds: number) =>
      publisher.publishOnce('t', payload, { properties: { messageExpiryInterval: seconds } })
    await publish('short', 60)
    await publish('long', 120)
    clock.correct(stepMs)
    await publish('short after', 60)
    await publish('long after', 120)
    await clock.advance(90_000)
    const back = await RawClient.connect(port, stays)
    expect(await back.received()).toEqual(['t=long q1', 't=long after q1'])
  })

  it('between two lives of the broker is believed, and prolongs nothing beyond its interval', async () => {
    const clock = new FakeClock()
    const store = new MemoryBrokerStore()
    const first = await startBroker({ clock, store })
    await (await RawClient.connect(first.port, stays)).leave()
    const publisher = await RawClient.connect(first.port)
    await publisher.publishOnce('r', 'kept', { retain: true, properties: { messageExpiryInterval: 600 } })
    await first.broker.close({ graceMs: 0 })
    await clock.advance(60_000)
    clock.correct(stepMs)
    const { broker, port } = await startBroker({ clock, store })
    await clock.advance(0)
    const isOver = stepMs > 0
    expect(broker.stats()).toMatchObject({ sessions: isOver ? 0 : 1, retainedMessages: isOver ? 0 : 1 })
    await clock.advance(600_000)
    const late = await RawClient.connect(port)
    await late.subscribe('r')
    expect(await late.received()).toEqual([])
    expect(broker.stats().sessions).toBe(1)
  })
})

describe('a process that was stopped for longer than the keep alive', () => {
  /** What arrives while a deadline waits for the input. */
  class PausedClock extends FakeClock {
    input: (() => Promise<void>) | undefined

    override readonly afterInput = (callback: () => void): void => {
      void (this.input?.() ?? Promise.resolve()).then(callback)
    }
  }

  it('reads what has arrived before it calls anybody silent', async () => {
    const clock = new PausedClock()
    const { broker, port } = await startBroker({ clock })
    const alive = await RawClient.connect(port, { keepAlive: 10, will: will() })
    const silent = await RawClient.connect(port, { keepAlive: 10 })
    clock.input = async () => {
      clock.input = undefined
      alive.send({ type: 'pingreq' })
      await alive.expect('pingresp')
    }
    await clock.advance(15_000)
    await settled()
    expect(await silent.expect('disconnect')).toMatchObject({ reasonCode: 0x8d })
    expect(await alive.received()).toEqual([])
    expect(broker.stats()).toMatchObject({ connections: 1, willsPublished: 0 })
  })

  it('reads a CONNECT that has arrived before its time-out', async () => {
    const clock = new PausedClock()
    const { port } = await startBroker({ clock, limits: { connectTimeoutMs: 5_000 } })
    const client = await RawClient.open(port)
    await settled()
    let connected: Promise<unknown> | undefined
    clock.input = async () => {
      clock.input = undefined
      connected = client.handshake()
      await connected
    }
    await until(() => clock.pendingTimers > 0)
    await clock.advance(5_000)
    expect(await connected).toMatchObject({ reasonCode: 0 })
    expect(await client.received()).toEqual([])
  })
})

describe('what a retained message of the broker says', () => {
  it('is of the time of day in its records, so that its next life may be on another clock', async () => {
    const clock = new FakeClock(5_000)
    clock.correct(1_900_000_000_000)
    const store = new MemoryBrokerStore()
    const { broker, port } = await startBroker({ clock, store })
    const publisher = await RawClient.connect(port)
    await publisher.publishOnce('r', 'kept', { retain: true, properties: { messageExpiryInterval: 60 } })
    await broker.close({ graceMs: 0 })
    const other = new FakeClock(77_000_000)
    other.correct(1_900_000_000_000 + 5_000 - 77_000_000 + 20_000)
    const next = await startBroker({ clock: other, store })
    const client = await RawClient.connect(next.port)
    await client.subscribe('r')
    const [message] = await client.settle()
    expect(message?.type === 'publish' && text(message)).toBe('r=kept retain')
    expect(message).toMatchObject({ properties: { messageExpiryInterval: 40 } })
  })
})
