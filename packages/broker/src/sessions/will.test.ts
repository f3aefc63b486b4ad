import type { Will } from '@jamey/protocol'
import { FakeClock, RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'

function will(properties?: Will['properties'], retain = false): Will {
  return { topic: 'w', payload: Buffer.from('gone'), qos: 1, retain, properties }
}

describe('will', () => {
  it('is published when the connection is lost, retained where asked [MQTT-3.1.2-8] [MQTT-3.1.2-15]', async () => {
    const { port } = await startBroker()
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('w', 1)
    const dying = await RawClient.connect(port, { will: will(undefined, true) })
    await dying.vanish()
    expect(text(await watcher.expect('publish'))).toBe('w=gone q1')
    const late = await RawClient.connect(port)
    await late.subscribe('w')
    expect(await late.received()).toEqual(['w=gone retain'])
  })

  it('is forgotten at DISCONNECT 0x00 and published at 0x04 [MQTT-3.14.4-3] [MQTT-3.1.2-8]', async () => {
    const { port } = await startBroker()
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('w', 1)
    await (await RawClient.connect(port, { will: will() })).leave(0x00)
    expect(await watcher.received()).toEqual([])
    await (await RawClient.connect(port, { will: will() })).leave(0x04)
    expect(text(await watcher.expect('publish'))).toBe('w=gone q1')
  })

  it('waits for its delay, and for nothing longer than the session [MQTT-3.1.3-9]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock })
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('w', 1)
    const properties = { sessionExpiryInterval: 60 }
    const late = will({ willDelayInterval: 10 })
    const one = await RawClient.connect(port, { clientId: 'one', properties, will: late })
    await one.vanish()
    await until(() => broker.stats().connections === 1)
    await clock.advance(9_000)
    expect(await watcher.received()).toEqual([])
    await clock.advance(1_000)
    expect(text(await watcher.expect('publish'))).toBe('w=gone q1')
    const slow = will({ willDelayInterval: 500 })
    const two = await RawClient.connect(port, { clientId: 'two', properties, will: slow })
    await two.vanish()
    await until(() => broker.stats().connections === 1)
    await clock.advance(60_000)
    expect(text(await watcher.expect('publish'))).toBe('w=gone q1')
    expect(broker.stats().willsPublished).toBe(2)
  })

  it('is not published when the client is back before the delay has passed [MQTT-3.1.3-9]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock })
    const properties = { sessionExpiryInterval: 60 }
    const connect = { clientId: 'one', properties, will: will({ willDelayInterval: 10 }) }
    await (await RawClient.connect(port, connect)).vanish()
    await until(() => broker.stats().connections === 0)
    const back = await RawClient.connect(port, { ...connect, cleanStart: false })
    await clock.advance(30_000)
    expect(broker.stats().willsPublished).toBe(0)
    await back.leave()
    await clock.advance(30_000)
    expect(broker.stats().willsPublished).toBe(0)
  })

  it('of a session that is taken over clean is published at once', async () => {
    const { port } = await startBroker()
    const watcher = await RawClient.connect(port)
    await watcher.subscribe('w', 1)
    const properties = { sessionExpiryInterval: 60 }
    await RawClient.connect(port, { clientId: 'one', properties, will: will({ willDelayInterval: 10 }) })
    await RawClient.connect(port, { clientId: 'one', properties })
    expect(text(await watcher.expect('publish'))).toBe('w=gone q1')
  })
})
