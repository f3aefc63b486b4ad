import type { Will } from '@jamey/protocol'
import { FakeClock, RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'

function will(options: Partial<Will> = {}): Will {
  return {
    topic: 'w',
    payload: Buffer.from('gone'),
    qos: 1,
    retain: false,
    properties: undefined,
    ...options,
  }
}

async function watch(port: number): Promise<RawClient> {
  const watcher = await RawClient.connect(port)
  await watcher.subscribe([{ filter: 'w', qos: 2, retainAsPublished: true }])
  return watcher
}

describe.each([4, 5] as const)('a will of version %i', (version) => {
  const dying = { protocolVersion: version, clientId: 'dying' } as const

  it.each([0, 1, 2] as const)(
    'of QoS %i is kept until the connection is lost, then published [MQTT-3.1.2-7] [MQTT-3.1.2-8] [MQTT-3.1.2-9] [MQTT-3.1.2-14] [MQTT-3.1.2-8 of 3.1.1] [MQTT-3.1.2-9 of 3.1.1] [MQTT-3.1.2-16 of 3.1.1]',
    async (qos) => {
      const { broker, port } = await startBroker()
      const watcher = await watch(port)
      const client = await RawClient.connect(port, { ...dying, will: will({ qos }) })
      expect(await watcher.settle()).toEqual([])
      await client.vanish()
      expect(text(await watcher.expect('publish'))).toBe(`w=gone${qos > 0 ? ` q${qos}` : ''}`)
      expect(broker.stats().retainedMessages).toBe(0)
    },
  )

  it('that asks for it is retained [MQTT-3.1.2-15] [MQTT-3.1.2-17 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const watcher = await watch(port)
    await (await RawClient.connect(port, { ...dying, will: will({ retain: true }) })).vanish()
    expect(text(await watcher.expect('publish'))).toBe('w=gone q1 retain')
    const late = await watch(port)
    expect(text(await late.expect('publish'))).toBe('w=gone q1 retain')
  })

  it('is forgotten at DISCONNECT [MQTT-3.14.4-3] [MQTT-3.1.2-10] [MQTT-3.14.4-3 of 3.1.1] [MQTT-3.1.2-10 of 3.1.1]', async () => {
    const clock = new FakeClock()
    const { port } = await startBroker({ clock })
    const watcher = await watch(port)
    const client = await RawClient.connect(port, { ...dying, cleanStart: false, will: will() })
    await client.leave()
    await clock.advance(100_000)
    await (await RawClient.connect(port, { ...dying, cleanStart: false })).vanish()
    expect(await watcher.settle()).toEqual([])
  })

  it('is published once, and not again when its session is used without one [MQTT-3.1.2-10] [MQTT-3.1.2-10 of 3.1.1] [MQTT-3.1.2-12 of 3.1.1]', async () => {
    const { broker, port } = await startBroker()
    const watcher = await watch(port)
    const stays = version === 5 ? { sessionExpiryInterval: 100 } : undefined
    const connect = { ...dying, cleanStart: false, properties: stays }
    await (await RawClient.connect(port, { ...connect, will: will() })).vanish()
    expect(text(await watcher.expect('publish'))).toBe('w=gone q1')
    await (await RawClient.connect(port, connect)).vanish()
    await until(() => broker.stats().connections === 1)
    expect(await watcher.settle()).toEqual([])
    expect(broker.stats().willsPublished).toBe(1)
  })

  it('that there is not is not published [MQTT-3.1.2-8] [MQTT-3.1.2-12 of 3.1.1]', async () => {
    const { broker, port } = await startBroker()
    await (await RawClient.connect(port, dying)).vanish()
    await until(() => broker.stats().connections === 0)
    expect(broker.stats().willsPublished).toBe(0)
  })

  it('is published when the server ends the connection for a violation [MQTT-3.1.2-8] [MQTT-3.1.2-8 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const watcher = await watch(port)
    const client = await RawClient.connect(port, { ...dying, will: will() })
    client.sendBytes(Buffer.from([0x00, 0x00]))
    expect(text(await watcher.expect('publish'))).toBe('w=gone q1')
    await client.closed
  })

  it('is published when the connection is taken over [MQTT-3.1.2-8] [MQTT-3.1.2-8 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const watcher = await watch(port)
    await RawClient.connect(port, { ...dying, will: will() })
    await RawClient.connect(port, { ...dying, will: will({ payload: Buffer.from('mine') }) })
    expect(text(await watcher.expect('publish'))).toBe('w=gone q1')
    expect(await watcher.settle()).toEqual([])
  })
})

describe('a will of version 5', () => {
  it('is published at any DISCONNECT but 0x00 [MQTT-3.1.2-8]', async () => {
    const { port } = await startBroker()
    const watcher = await watch(port)
    for (const reasonCode of [0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99]) {
      await (await RawClient.connect(port, { will: will({ qos: 0 }) })).leave(reasonCode)
      expect(text(await watcher.expect('publish'))).toBe('w=gone')
    }
  })

  it('waits for its delay, or for the end of its session where that is sooner [MQTT-3.1.2-8]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock })
    const watcher = await watch(port)
    const late = will({ properties: { willDelayInterval: 20 } })
    for (const [sessionExpiryInterval, afterMs] of [
      [100, 20_000],
      [20, 20_000],
      [5, 5_000],
    ] as const) {
      const client = await RawClient.connect(port, { properties: { sessionExpiryInterval }, will: late })
      await client.vanish()
      await until(() => broker.stats().connections === 1)
      await clock.advance(afterMs - 1)
      expect(await watcher.settle()).toEqual([])
      await clock.advance(1)
      expect(text(await watcher.expect('publish'))).toBe('w=gone q1')
    }
    await (await RawClient.connect(port, { will: late })).vanish()
    expect(text(await watcher.expect('publish'))).toBe('w=gone q1')
  })

  it('is not published when the client is back in its session in time, nor later [MQTT-3.1.3-9]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock })
    const connect = { clientId: 'c', cleanStart: false, properties: { sessionExpiryInterval: 1000 } }
    const late = will({ properties: { willDelayInterval: 20 } })
    const client = await RawClient.connect(port, { ...connect, will: late })
    // Taken over while it is connected, too.
    const second = await RawClient.connect(port, { ...connect, will: late })
    await client.closed
    await second.vanish()
    await until(() => broker.stats().connections === 0)
    await clock.advance(19_999)
    await RawClient.connect(port, connect)
    await clock.advance(500_000)
    expect(broker.stats().willsPublished).toBe(0)
  })

  it('is published as it was given: properties, User Properties in their order, without its delay [MQTT-3.1.3-10] [MQTT-3.3.2-18]', async () => {
    const { port } = await startBroker()
    const watcher = await watch(port)
    const properties = {
      payloadFormatIndicator: 1,
      contentType: 'text/plain',
      responseTopic: 'r',
      correlationData: Buffer.from([0, 255]),
      userProperties: [
        ['b', '1'],
        ['a', '2'],
        ['b', '0'],
      ],
    } as const
    const given = will({ properties: { ...properties, willDelayInterval: 0, messageExpiryInterval: 50 } })
    await (await RawClient.connect(port, { will: given })).vanish()
    const { properties: got } = await watcher.expect('publish')
    expect(got).toEqual({ ...properties, correlationData: Uint8Array.of(0, 255), messageExpiryInterval: 50 })
  })
})
