import { RawClient } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'

describe.each([4, 5] as const)('RETAIN in version %i', (version) => {
  const named = (clientId: string) => ({ protocolVersion: version, clientId })

  /** What a new subscriber is selected with. */
  async function greeting(port: number, filter = '#'): Promise<string[]> {
    const late = await RawClient.connect(port, named('late'))
    await late.subscribe(filter, 2)
    const got = await late.received()
    await late.vanish()
    return got
  }

  it('keeps the last message of each topic, with its QoS, for subscribers to come [MQTT-3.3.1-5] [MQTT-3.3.1-9] [MQTT-3.3.1-5 of 3.1.1] [MQTT-3.3.1-6 of 3.1.1] [MQTT-3.3.1-8 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    await client.publishOnce('a', 'old', { retain: true })
    await client.publishOnce('a', 'new', { retain: true })
    client.publish('b', 'two', { retain: true, qos: 2, packetIdentifier: 3 })
    client.publish('c', 'zero', { retain: true })
    await client.settle()
    expect((await greeting(port)).sort()).toEqual(['a=new q1 retain', 'b=two q2 retain', 'c=zero retain'])
    expect(await greeting(port, '+/x')).toEqual([])
  })

  it('with QoS 0 replaces what was retained, too [MQTT-3.3.1-5] [MQTT-3.3.1-7 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    await client.publishOnce('a', 'old', { retain: true })
    client.publish('a', 'new', { retain: true })
    await client.settle()
    expect(await greeting(port)).toEqual(['a=new retain'])
  })

  it('with an empty payload is delivered, and leaves nothing retained [MQTT-3.3.1-6] [MQTT-3.3.1-7] [MQTT-3.3.1-10 of 3.1.1] [MQTT-3.3.1-11 of 3.1.1]', async () => {
    const { broker, port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    await client.subscribe('a', 1)
    client.publish('a', 'old', { retain: true })
    client.publish('a', '', { retain: true, qos: 1, packetIdentifier: 1 })
    client.publish('never', '', { retain: true })
    expect(await client.received()).toEqual(['a=old', 'a= q1', 'puback'])
    expect(broker.stats().retainedMessages).toBe(0)
    expect(await greeting(port)).toEqual([])
  })

  it('absent leaves the retained message alone, whatever the payload [MQTT-3.3.1-8] [MQTT-3.3.1-12 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    await client.publishOnce('a', 'kept', { retain: true })
    client.publish('a', 'other')
    client.publish('a', '')
    client.publish('b', 'other')
    await client.settle()
    expect(await greeting(port)).toEqual(['a=kept q1 retain'])
  })

  it('is 0 on what a subscription that was there gets [MQTT-3.3.1-12] [MQTT-3.3.1-9 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    await client.subscribe('a', 2)
    for (const qos of [0, 1, 2] as const) {
      client.publish('a', `${qos}`, { qos, packetIdentifier: qos, retain: true })
    }
    const got = (await client.received()).filter((entry) => entry.startsWith('a='))
    expect(got).toEqual(['a=0', 'a=1 q1', 'a=2 q2'])
  })

  it('is sent again to a filter that is subscribed again [MQTT-3.8.4-4] [MQTT-3.8.4-3 of 3.1.1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, named('c'))
    await client.publishOnce('a', 'kept', { retain: true })
    for (const qos of [0, 1] as const) {
      await client.subscribe('a', qos)
      expect(await client.received()).toEqual([`a=kept${qos === 1 ? ' q1' : ''} retain`])
    }
  })
})

describe('RETAIN in version 5', () => {
  it('comes as it was published where the subscription asks for that [MQTT-3.3.1-13]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port)
    await client.subscribe([{ filter: 'a', retainAsPublished: true, qos: 1 }])
    client.publish('a', '1', { retain: true })
    client.publish('a', '2')
    expect(await client.received()).toEqual(['a=1 retain', 'a=2'])
  })

  it('brings what is retained by Retain Handling: always, to a new subscription, never [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, {
      clientId: 'c',
      properties: { sessionExpiryInterval: 100 },
    })
    await client.publishOnce('a', 'kept', { retain: true })
    const got: number[] = []
    const ask = async (from: RawClient, retainHandling: 0 | 1 | 2) => {
      await from.subscribe([{ filter: 'a', retainHandling }])
      got.push((await from.settle()).length)
    }
    for (const retainHandling of [2, 1, 0, 1, 2] as const) await ask(client, retainHandling)
    expect(got.splice(0)).toEqual([0, 0, 1, 0, 0])
    client.send({ type: 'unsubscribe', packetIdentifier: 9, filters: ['a'], properties: undefined })
    await client.expect('unsuback')
    for (const retainHandling of [1, 1] as const) await ask(client, retainHandling)
    expect(got.splice(0)).toEqual([1, 0])
    // A subscription that was there is one that outlived a connection, too.
    await client.vanish()
    const back = await RawClient.connect(port, { clientId: 'c', cleanStart: false })
    await ask(back, 1)
    expect(got).toEqual([0])
  })

  it('brings nothing to a shared subscription', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port)
    await client.publishOnce('a', 'kept', { retain: true })
    await client.subscribe('$share/g/a')
    expect(await client.settle()).toEqual([])
  })
})
