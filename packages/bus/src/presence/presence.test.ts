import { Permissions } from '@jamey/auth'
import { errorEventSchema, heartbeatSchema, statusSchema } from '@jamey/contracts'
import { FakeClock, settled } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { MqttBus } from '../entry/mqtt-bus.js'
import type { BusConfig } from '../model/config.js'
import { PermissionError } from '../support/errors.js'
import { FakeBroker, type Sent } from '../test-support/fake-broker.js'
import { decodeEnvelope } from '../wire/envelope.js'

const PRESENCE = ['publish:jamey/events/heartbeat', 'publish:jamey/events/errors']

function setUp(permissions = PRESENCE, extra: Partial<BusConfig> = {}) {
  const broker = new FakeBroker()
  const clock = new FakeClock()
  const client = broker.connect('me')
  const component = { name: 'memory', version: '1.2.3' }
  const config = { url: 'mqtt://fake', clientId: 'me', permissions, component, clock, ...extra }
  const bus = new MqttBus(config, new Permissions(permissions, { clientId: 'me' }), client)
  return { broker, clock, client, bus }
}

function dataOf(sent: Sent | undefined): unknown {
  return decodeEnvelope(sent?.topic ?? '', sent?.payload ?? Buffer.alloc(0)).payload.data
}

describe('presence', () => {
  it('says online with every connection and offline when it closes, both retained', async () => {
    const { broker, client, bus } = setUp()
    await settled()
    client.become('reconnecting')
    client.become('connected')
    await settled()
    await bus.close()
    const sent = broker.to('jamey/events/status/me')
    expect(sent.map(({ options }) => [options.qos, options.retain])).toEqual([
      [1, true],
      [1, true],
      [1, true],
    ])
    expect(sent.map((one) => statusSchema.parse(dataOf(one)))).toMatchObject([
      { state: 'online', component: 'memory', version: '1.2.3' },
      { state: 'online' },
      { state: 'offline', reason: 'closed' },
    ])
  })

  it('has a will that says offline in its place', () => {
    const { bus } = setUp()
    const will = bus.presence?.will()
    expect(will).toMatchObject({ topic: 'jamey/events/status/me', qos: 1, retain: true })
    const { data } = decodeEnvelope('jamey/events/status/me', will?.payload as Uint8Array).payload
    expect(statusSchema.parse(data)).toMatchObject({ state: 'offline', reason: 'connection lost' })
  })

  it('sends heartbeats with the figures of the process while connected', async () => {
    const { broker, clock, client, bus } = setUp(PRESENCE, { heartbeatSeconds: 10 })
    await clock.advance(20_000)
    client.become('reconnecting')
    await clock.advance(10_000)
    const beats = broker.to('jamey/events/heartbeat')
    expect(beats.map(({ options }) => options.qos)).toEqual([0, 0])
    const data = beats.map((one) => heartbeatSchema.parse(dataOf(one)))
    expect(data.map(({ sequence, uptime_seconds }) => [sequence, uptime_seconds])).toEqual([
      [1, 10],
      [2, 20],
    ])
    expect(data[0]?.process.pid).toBe(process.pid)
    expect(data[0]?.process.rss_bytes).toBeGreaterThan(1_000_000)
    expect(data[1]?.messages).toEqual({ published: 2, received: 0 })
    await bus.close()
    expect(clock.pendingTimers).toBe(0)
  })

  it('goes on with its heartbeats, and in the right age, while the time of day is set back and forth', async () => {
    const { broker, clock, bus } = setUp(PRESENCE, { heartbeatSeconds: 10 })
    await clock.advance(10_000)
    clock.correct(-3_600_000)
    await clock.advance(10_000)
    clock.correct(7_200_000)
    await clock.advance(10_000)
    const beats = broker.to('jamey/events/heartbeat').map((one) => heartbeatSchema.parse(dataOf(one)))
    expect(beats.map(({ uptime_seconds }) => uptime_seconds)).toEqual([10, 20, 30])
    await bus.close()
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %s seconds between heartbeats', (seconds) => {
    expect(() => setUp(PRESENCE, { heartbeatSeconds: seconds })).toThrow(`heartbeatSeconds is ${seconds}`)
  })

  it('reports failures without their stack, and only so many in a second', async () => {
    const { broker, bus, clock } = setUp()
    await bus.reportError(new PermissionError('publish:x', 'me'), { topic: 'x', correlationId: 'c' })
    const [sent] = broker.to('jamey/events/errors')
    expect(errorEventSchema.parse(dataOf(sent))).toEqual({
      component: 'memory',
      kind: 'permission-missing',
      message: expect.stringContaining('lacks the permission publish:x'),
      retryable: false,
      topic: 'x',
      correlation_id: 'c',
    })
    for (let i = 0; i < 20; i++) await bus.reportError('just text')
    expect(broker.to('jamey/events/errors')).toHaveLength(10)
    expect(bus.stats().reportsLost).toBe(11)
    await clock.advance(1000)
    await bus.reportError(new TypeError('again'), { kind: 'mine' })
    expect(dataOf(broker.to('jamey/events/errors').at(-1))).toMatchObject({ kind: 'mine', message: 'again' })
  })

  it('logs only so many failures in a second, and then how many it left out', async () => {
    const lines: object[] = []
    const log = { debug() {}, info() {}, error() {}, warn: (facts: object) => lines.push(facts) }
    const { bus, clock } = setUp(PRESENCE, { log })
    for (let i = 0; i < 1000; i++) await bus.reportError(new Error('x'), { topic: 'jamey/memory/query' })
    expect(lines).toHaveLength(10)
    await clock.advance(1000)
    await bus.reportError(new Error('again'))
    await bus.reportError(new Error('again'))
    const again = { err: { message: 'again' } }
    expect(lines.slice(10)).toMatchObject([{ leftOut: 990 }, again, again])
  })

  it('never throws, though it may not report', async () => {
    const { broker, bus } = setUp([])
    await bus.reportError(new Error('x'))
    expect(broker.to('jamey/events/errors')).toEqual([])
    expect(bus.stats().reportsLost).toBe(1)
  })
})
