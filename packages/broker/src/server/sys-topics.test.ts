import { FakeClock, RawClient } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'
import { LoadAverage } from './load-average.js'

async function start() {
  const clock = new FakeClock()
  const { broker, port } = await startBroker({ clock, limits: { sysIntervalSeconds: 60 } })
  const reader = await RawClient.connect(port, { clientId: 'reader' })
  await reader.subscribe('$SYS/#')
  const values = async (): Promise<Record<string, string>> => {
    const lines = (await reader.received()).map((line) => line.replace(/ retain$/, '').split('='))
    return Object.fromEntries(
      lines.map(([topic = '', value = '']) => [topic.replace('$SYS/broker/', ''), value]),
    )
  }
  return { clock, broker, port, values }
}

describe('$SYS', () => {
  it('tells who is there, what they subscribe to, and what is kept', async () => {
    const { clock, port, values } = await start()
    const durable = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } }
    const away = await RawClient.connect(port, { clientId: 'away', ...durable })
    await away.subscribe('a', 1)
    await away.vanish()
    const member = await RawClient.connect(port, { clientId: 'member' })
    for (const filter of ['$share/g/x', '$share/h/x']) await member.subscribe(filter)
    member.publish('a', 'kept', { qos: 1, packetIdentifier: 1, retain: true })
    await member.expect('puback')
    await clock.advance(60_000)
    expect(await values()).toMatchObject({
      uptime: '60 seconds',
      'clients/total': '3',
      'clients/connected': '2',
      'clients/active': '2',
      'clients/disconnected': '1',
      'clients/inactive': '1',
      'clients/maximum': '2',
      'clients/expired': '0',
      'subscriptions/count': '4',
      'shared_subscriptions/count': '2',
      'messages/stored': expect.stringMatching(/^[1-9]/),
    })
    await clock.advance(1_000_000)
    expect(await values()).toMatchObject({ 'clients/expired': '1', 'clients/total': '2' })
  })

  it('tells what came and went, packets of any type and the payloads of messages', async () => {
    const { clock, broker, port, values } = await start()
    await clock.advance(60_000)
    const before = await values()
    const stats = broker.stats()
    const client = await RawClient.connect(port, { clientId: 'c' })
    await client.subscribe('t', 1)
    client.publish('t', 'x'.repeat(100), { qos: 1, packetIdentifier: 1 })
    const message = await client.expect('publish')
    await client.expect('puback')
    client.send({
      type: 'puback',
      packetIdentifier: message.packetIdentifier,
      reasonCode: 0,
      properties: undefined,
    })
    await client.settle()
    const after = broker.stats()
    const growth = (name: 'packetsReceived' | 'packetsSent' | 'publishBytesReceived' | 'publishBytesSent') =>
      after[name] - stats[name]
    expect(growth('publishBytesReceived')).toBe(100)
    expect(growth('publishBytesSent')).toBe(100)
    // CONNECT, SUBSCRIBE, PUBLISH, PUBACK and the PINGREQ of `settle`; CONNACK, SUBACK, PUBLISH, PUBACK and PINGRESP.
    expect([growth('packetsReceived'), growth('packetsSent')]).toEqual([5, 5])
    await clock.advance(60_000)
    const now = await values()
    const grown = Number(now['messages/received']) - Number(before['messages/received'])
    expect(grown).toBeGreaterThanOrEqual(5)
    const perMinute = Number(now['load/publish/received/1min'])
    expect(perMinute).toBeCloseTo(1 - Math.exp(-1), 2)
  })

  it('counts what is dropped and unsubscribed, as others do', async () => {
    const { clock, port, values } = await start()
    const client = await RawClient.connect(port, { clientId: 'c' })
    await client.subscribe('$share/g/x')
    client.send({ type: 'unsubscribe', packetIdentifier: 9, filters: ['$share/g/x'], properties: undefined })
    await client.expect('unsuback')
    await clock.advance(60_000)
    expect(await values()).toMatchObject({
      'shared_subscriptions/count': '0',
      'publish/messages/dropped': '0',
    })
  })
})

describe('a load average', () => {
  it('comes to the rate within some spans, and forgets it as slowly', () => {
    const load = new LoadAverage(5)
    let value = 0
    for (let minute = 0; minute < 30; minute++) value = load.take(120, 60_000)
    expect(value).toBeCloseTo(120, 0)
    for (let minute = 0; minute < 5; minute++) value = load.take(0, 60_000)
    expect(value).toBeCloseTo(120 / Math.E, 0)
  })
})
