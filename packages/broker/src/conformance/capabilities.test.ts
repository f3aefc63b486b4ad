import type { QoS } from '@jamey/protocol'
import { RawClient } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { createBroker, insecureAuthenticator, MemoryBrokerStore } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

function will(qos: QoS, retain = false) {
  return { topic: 'gone', payload: Buffer.from('w'), qos, retain, properties: undefined }
}

describe('a server that offers everything', () => {
  it('announces neither a Maximum QoS nor Retain Available', async () => {
    const { port } = await startBroker({ maximumQos: 2, retainAvailable: true })
    const { properties } = await (await RawClient.open(port)).handshake()
    expect([properties?.maximumQoS, properties?.retainAvailable]).toEqual([undefined, undefined])
  })
})

describe.each([0, 1] as const)('a server with the Maximum QoS %i', (maximumQos) => {
  const above = (maximumQos + 1) as 1 | 2

  it('announces it [MQTT-3.2.2-9]', async () => {
    const { port } = await startBroker({ maximumQos })
    const { properties } = await (await RawClient.open(port)).handshake()
    expect(properties?.maximumQoS).toBe(maximumQos)
  })

  it.each([4, 5] as const)(
    'accepts subscriptions of any QoS of version %i, and grants what it has [MQTT-3.2.2-10]',
    async (version) => {
      const { broker, port } = await startBroker({ maximumQos })
      const s = await RawClient.connect(port, { protocolVersion: version })
      const { reasonCodes } = await s.subscribe(
        [0, 1, 2].map((qos) => ({ filter: `t/${qos}`, qos: qos as QoS })),
      )
      expect(reasonCodes).toEqual([0, Math.min(1, maximumQos), maximumQos])
      await broker.publish('t/2', 'm', { qos: maximumQos })
      expect(await s.received()).toEqual([maximumQos === 0 ? 't/2=m' : 't/2=m q1'])
    },
  )

  it('takes what is published up to it, and ends the connection for more', async () => {
    const { port } = await startBroker({ maximumQos })
    for (const version of [4, 5] as const) {
      const p = await RawClient.connect(port, { protocolVersion: version })
      p.publish('t', 'm', { qos: maximumQos, packetIdentifier: maximumQos })
      expect((await p.settle()).map(({ type }) => type)).toEqual(maximumQos === 0 ? [] : ['puback'])
      p.publish('t', 'm', { qos: above, packetIdentifier: 2 })
      if (version === 5) expect(await p.expect('disconnect')).toMatchObject({ reasonCode: 0x9b })
      expect(await p.next()).toBeUndefined()
    }
  })

  it('refuses a will above it, and takes one that is not [MQTT-3.2.2-12]', async () => {
    const { broker, port } = await startBroker({ maximumQos })
    const refused = await RawClient.open(port)
    expect((await refused.handshake({ will: will(above) })).reasonCode).toBe(0x9b)
    await refused.closed
    const old = await RawClient.open(port, 4)
    // Return code 3, server unavailable.
    expect((await old.handshake({ will: will(above) })).reasonCode).toBe(0x88)
    await RawClient.connect(port, { will: will(maximumQos) })
    expect(broker.stats().connections).toBe(1)
  })

  it('publishes no more for the program that embeds it', async () => {
    const { broker } = await startBroker({ maximumQos })
    await expect(broker.publish('t', 'm', { qos: above })).rejects.toMatchObject({ code: 'publish-invalid' })
  })
})

describe('a server that retains nothing', () => {
  const options = { retainAvailable: false }

  it('announces that, and ends the connection of who publishes with RETAIN', async () => {
    const { broker, port } = await startBroker(options)
    for (const version of [4, 5] as const) {
      const p = await RawClient.open(port, version)
      const { properties } = await p.handshake()
      if (version === 5) expect(properties?.retainAvailable).toBe(0)
      expect(await p.publishOnce('t', 'm')).toBe(version === 5 ? 0x10 : 0)
      p.publish('t', 'm', { retain: true })
      if (version === 5) expect(await p.expect('disconnect')).toMatchObject({ reasonCode: 0x9a })
      expect(await p.next()).toBeUndefined()
    }
    expect(broker.stats().retainedMessages).toBe(0)
  })

  it('refuses a will that is to be retained, and takes one that is not [MQTT-3.2.2-13]', async () => {
    const { port } = await startBroker(options)
    const refused = await RawClient.open(port)
    expect((await refused.handshake({ will: will(0, true) })).reasonCode).toBe(0x9a)
    await refused.closed
    const old = await RawClient.open(port, 4)
    expect((await old.handshake({ will: will(0, true) })).reasonCode).toBe(0x88)
    await RawClient.connect(port, { will: will(0) })
  })

  it('sends nobody what its store holds from before, and retains nothing for the program that embeds it', async () => {
    const store = new MemoryBrokerStore()
    const first = await startBroker({ store })
    await first.broker.publish('t', 'old', { qos: 1, retain: true })
    await first.broker.close()
    const { broker, port } = await startBroker({ store, ...options })
    const s = await RawClient.connect(port)
    await s.subscribe('t')
    expect(await s.received()).toEqual([])
    const retaining = broker.publish('t', 'm', { retain: true })
    await expect(retaining).rejects.toMatchObject({ code: 'publish-invalid' })
  })
})

it('a Maximum QoS that is none is refused', async () => {
  const listeners = [{ host: '127.0.0.1', port: 0, insecure: true }]
  const made = createBroker({ listeners, authenticator: insecureAuthenticator(), maximumQos: 3 as 2 })
  await expect(made).rejects.toMatchObject({ code: 'maximum-qos-invalid' })
})

describe('a server without shared subscriptions', () => {
  it.each([4, 5] as const)('says so, and refuses them in version %i; others it grants', async (version) => {
    const { broker, port } = await startBroker({ sharedSubscriptions: 'unavailable' })
    const s = await RawClient.open(port, version)
    const { properties } = await s.handshake()
    expect(properties?.sharedSubscriptionAvailable).toBe(version === 5 ? 0 : undefined)
    const { reasonCodes } = await s.subscribe([
      { filter: '$share/g/t', qos: 1 },
      { filter: 't', qos: 1 },
    ])
    expect(reasonCodes).toEqual([version === 5 ? 0x9e : 0x80, 1])
    await broker.publish('t', 'm', { qos: 1 })
    expect(await s.received()).toEqual(['t=m q1'])
  })
})
