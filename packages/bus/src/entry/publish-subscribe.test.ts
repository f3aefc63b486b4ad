import { Permissions } from '@jamey/auth'
import { type MemoryUpdate, topics } from '@jamey/contracts'
import { FakeClock, settled } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import type { BusConfig } from '../model/config.js'
import type { Message } from '../model/message.js'
import { FakeBroker } from '../test-support/fake-broker.js'
import { decodeEnvelope, isUuid } from '../wire/envelope.js'
import { MqttBus } from './mqtt-bus.js'

const ID = '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11'
const CHAIN = '6f9c1b7e-5b0a-4d0e-8a43-0c4f6f4f6f4f'

function setUp(permissions = ['jamey/#', 'subscribe:$share/g/jamey/#'], extra: Partial<BusConfig> = {}) {
  const broker = new FakeBroker()
  const clock = new FakeClock()
  const config = { url: 'mqtt://fake', clientId: 'me', permissions, clock, ...extra }
  const client = broker.connect('me')
  const bus = new MqttBus(config, new Permissions(permissions, { clientId: 'me' }), client)
  return { broker, clock, bus, client }
}

const update: MemoryUpdate = { change: 'stored', memory_ids: ['a'] }

describe('publishing', () => {
  it('sends an envelope with the contract topic, QoS and JSON properties', async () => {
    const { bus, broker } = setUp()
    const { messageId, reasonCode } = await bus.publish(topics.memory.updates, update)
    const [sent] = broker.sent
    expect(sent).toMatchObject({
      topic: 'jamey/memory/updates',
      options: {
        qos: 1,
        retain: false,
        properties: { contentType: 'application/json', payloadFormatIndicator: 1 },
      },
    })
    const envelope = decodeEnvelope('jamey/memory/updates', sent?.payload ?? Buffer.alloc(0))
    expect(envelope).toEqual({
      message_id: messageId,
      timestamp: '2024-11-14T20:00:00.000Z',
      topic: 'jamey/memory/updates',
      payload: { action: 'update', data: update },
      metadata: { client_id: 'me', correlation_id: envelope.metadata.correlation_id },
    })
    expect(isUuid(messageId)).toBe(true)
    expect(isUuid(envelope.metadata.correlation_id)).toBe(true)
    expect(reasonCode).toBe(0x10)
  })

  it('counts how long the server takes to acknowledge, where it does', async () => {
    const { bus, clock } = setUp()
    const published = bus.publish(topics.memory.updates, update)
    await clock.advance(40)
    await published
    const times = [...bus.latencies().publications]
    expect(times.map(([operation, { count }]) => [operation, count])).toEqual([
      ['jamey/memory/updates update', 1],
    ])
  })

  it('keeps the ids and the trace context that are given', async () => {
    const { bus, broker } = setUp()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await bus.publish(topics.memory.updates, update, { messageId: ID, correlationId: CHAIN, traceparent })
    const { message_id, metadata } = JSON.parse(String(broker.sent[0]?.payload))
    expect(broker.sent[0]?.options.properties?.userProperties).toEqual([['traceparent', traceparent]])
    expect([message_id, metadata]).toEqual([ID, { client_id: 'me', correlation_id: CHAIN, traceparent }])
  })

  it('fills topic parameters, our own client identifier by itself, and refuses more than a level', async () => {
    const { bus, broker } = setUp()
    const status = { state: 'online', component: 'x', version: '1', since: '2024-11-14T20:00:00Z' } as const
    await bus.publish(topics.events.status, status)
    expect(broker.sent[0]).toMatchObject({ topic: 'jamey/events/status/me', options: { retain: true } })
    for (const client_id of ['a/b', '+', '#', '']) {
      await expect(bus.publish(topics.events.status, status, { parameters: { client_id } })).rejects.toThrow(
        TypeError,
      )
    }
    await expect(
      bus.publish(topics.events.status, status, { parameters: { client_id: 'other' } }),
    ).rejects.toMatchObject({ permission: undefined, message: expect.stringContaining('another client') })
  })

  it('checks contract, then permission, then rate limit, before anything is sent [promises 24, 26]', async () => {
    const { bus, broker } = setUp(['publish:jamey/memory/updates'], {
      rateLimit: { messagesPerSecond: 1, overflow: 'reject' },
    })
    const wrong = { change: 'vanished', memory_ids: [] } as unknown as MemoryUpdate
    await expect(bus.publish(topics.memory.updates, wrong)).rejects.toMatchObject({
      field: 'payload.data.change',
    })
    const heartbeat = bus.publish(topics.memory.store, { content: 'x' })
    await expect(heartbeat).rejects.toMatchObject({
      code: 'permission-missing',
      permission: 'publish:jamey/memory/store',
      retryable: false,
    })
    expect(broker.sent).toEqual([])
    await bus.publish(topics.memory.updates, update)
    await expect(bus.publish(topics.memory.updates, update)).rejects.toMatchObject({ code: 'rate-limited' })
    expect(broker.sent).toHaveLength(1)
    expect(bus.stats()).toMatchObject({ published: 1, rateLimited: 1 })
  })

  it('gives the client what is left of the time after waiting for the rate limit', async () => {
    const { bus, broker, clock } = setUp(['jamey/#'], { rateLimit: { messagesPerSecond: 1 } })
    await bus.publish(topics.memory.updates, update)
    const second = bus.publish(topics.memory.updates, update, { timeoutMs: 1500 })
    await clock.advance(1000)
    await second
    expect(broker.sent[1]?.options.timeoutMs).toBe(500)
  })

  it('is over once the bus is closed, which happens once', async () => {
    const { bus, client } = setUp()
    await Promise.all([bus.close(), bus.close()])
    expect(client.isClosed).toBe(true)
    await expect(bus.publish(topics.memory.updates, update)).rejects.toMatchObject({ code: 'bus-closed' })
    await expect(bus.subscribe(topics.memory.updates, () => {})).rejects.toMatchObject({ code: 'bus-closed' })
  })
})

describe('subscribing', () => {
  it('hands out checked data with its envelope', async () => {
    const { bus } = setUp()
    const seen: Message<unknown>[] = []
    await bus.subscribe(topics.memory.updates, (message) => {
      seen.push(message)
    })
    await bus.publish(topics.memory.updates, update, { messageId: ID })
    await settled()
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({
      data: update,
      envelope: { message_id: ID },
      topic: 'jamey/memory/updates',
      sender: { clientId: 'me', isVerified: true },
      principal: { clientId: 'me', permissions: undefined },
      isRetained: false,
    })
  })

  it('keeps messages from the handler that are not valid, and acknowledges them [promise 37]', async () => {
    const { bus, broker } = setUp()
    let calls = 0
    await bus.subscribe(topics.memory.updates, () => {
      calls++
    })
    await Promise.all(broker.deliver('jamey/memory/updates', 'nonsense'))
    await Promise.all(
      broker.deliver(
        'jamey/memory/updates',
        JSON.stringify({
          message_id: ID,
          timestamp: '2024-11-14T20:00:00Z',
          topic: 'jamey/memory/updates',
          payload: { action: 'update', data: { change: 'vanished', memory_ids: [] } },
          metadata: { client_id: 'x', correlation_id: CHAIN },
        }),
      ),
    )
    expect(calls).toBe(0)
    expect(bus.stats().invalid).toBe(2)
  })

  it('leaves other actions of the topic to others', async () => {
    const { bus } = setUp()
    const seen: string[] = []
    await bus.subscribe(topics.memory.store, () => void seen.push('store'))
    await bus.subscribe(topics.memory.forget, () => void seen.push('forget'))
    await bus.publish(topics.memory.forget, { id: 'x' })
    await settled()
    expect(seen).toEqual(['forget'])
    expect(bus.stats()).toMatchObject({ received: 1, invalid: 0 })
  })

  it('covers every client where a parameter is left open, and skips removed retained messages', async () => {
    const { bus, broker } = setUp()
    const subscription = await bus.subscribe(topics.events.status, () => {})
    expect(broker.filters).toEqual(['jamey/events/status/+'])
    await Promise.all(broker.deliver('jamey/events/status/x', ''))
    expect(bus.stats().invalid).toBe(0)
    await subscription.unsubscribe()
    expect(broker.filters).toEqual([])
    await bus.subscribe(topics.events.status, { parameters: { client_id: 'a' }, group: 'g' }, () => {})
    expect(broker.filters).toEqual(['$share/g/jamey/events/status/a'])
  })

  it('ends with the scope it is used in', async () => {
    const { bus, broker } = setUp()
    {
      await using subscription = await bus.subscribe(topics.events.status, { group: 'g' }, () => {})
      expect([subscription.unsubscribe, broker.filters.length]).toEqual([expect.any(Function), 1])
    }
    expect(broker.filters).toEqual([])
  })

  it('asks a server of MQTT 3.1.1 again for what has QoS 0, which RabbitMQ forgets of a session that it keeps', async () => {
    const { bus, broker, client } = setUp()
    broker.protocolVersion = 4
    const heartbeats = await bus.subscribe(topics.events.heartbeat, () => {})
    await bus.subscribe(topics.memory.updates, () => {})
    const reconnect = async () => {
      broker.asked.length = 0
      client.become('reconnecting')
      client.become('connected')
      await settled()
      return broker.asked
    }
    expect(await reconnect()).toEqual(['jamey/events/heartbeat/#'])
    broker.protocolVersion = 5
    expect(await reconnect()).toEqual([])
    broker.protocolVersion = 4
    await heartbeats.unsubscribe()
    expect(await reconnect()).toEqual([])
  })

  it('needs a permission that covers the whole filter [promise 23]', async () => {
    const { bus } = setUp(['jamey/events/status/a'])
    await expect(bus.subscribe(topics.events.status, () => {})).rejects.toMatchObject({
      permission: 'subscribe:jamey/events/status/+',
    })
  })

  it('tells the client of a handler that failed, for its policy to decide', async () => {
    const { bus, broker } = setUp()
    await bus.subscribe(topics.memory.updates, () => {
      throw new Error('out of order')
    })
    await bus.publish(topics.memory.updates, update)
    await expect(broker.sent[0]?.handled[0]).rejects.toThrow('out of order')
    expect(bus.stats().handlerFailures).toBe(1)
  })
})
