import { RawClient, text, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'

const stays = (clientId: string) => ({
  clientId,
  cleanStart: false,
  properties: { sessionExpiryInterval: 100 },
})

describe('a shared subscription', () => {
  it('has a name without wildcards and a filter behind it [MQTT-4.8.2-1] [MQTT-4.8.2-2]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port)
    const good = ['$share/g/t', '$share/g/#', '$share/ /+/t', '$share/g//', '$share/g/$share/h/t', '$share']
    const bad = ['$share/', '$share/g', '$share/g/', '$share//t', '$share/g+/t', '$share/#/t', '$share/+/t']
    const suback = await client.subscribe(good.map((filter) => ({ filter })))
    expect(suback.reasonCodes).toEqual(good.map(() => 0))
    for (const filter of bad) {
      const other = await RawClient.connect(port)
      await expect(other.subscribe(filter)).rejects.toThrow('"type":"disconnect","reasonCode":129')
      await other.closed
    }
    // A share name ends at the first separator.
    client.publish('/', 'root')
    expect((await client.received()).sort()).toEqual(['/=root', '/=root'])
  })

  it('delivers to each member at most at the QoS it was granted [MQTT-4.8.2-3]', async () => {
    const { port } = await startBroker()
    const members = [
      await RawClient.connect(port),
      await RawClient.connect(port),
      await RawClient.connect(port),
    ]
    for (const [qos, member] of members.entries()) await member.subscribe('$share/g/t', qos as 0 | 1 | 2)
    const publisher = await RawClient.connect(port)
    for (let n = 0; n < 9; n++) publisher.publish('t', `${n}`, { qos: 2, packetIdentifier: n + 1 })
    await publisher.settle()
    const got = await Promise.all(members.map((member) => member.received()))
    for (const [qos, entries] of got.entries()) {
      expect(entries).toHaveLength(3)
      for (const entry of entries) expect(entry).toMatch(qos === 0 ? /^t=\d$/ : new RegExp(`^t=\\d q${qos}$`))
    }
  })

  it('completes QoS 2 with the member it was begun with, when that is back [MQTT-4.8.2-4]', async () => {
    const { broker, port } = await startBroker()
    const away = await RawClient.connect(port, stays('away'))
    await away.subscribe('$share/g/t', 2)
    const publisher = await RawClient.connect(port)
    for (const packetIdentifier of [1, 2])
      publisher.publish('t', `${packetIdentifier}`, { qos: 2, packetIdentifier })
    const first = await away.expect('publish')
    const second = await away.expect('publish')
    const other = await RawClient.connect(port)
    await other.subscribe('$share/g/t', 2)
    away.send({
      type: 'pubrec',
      packetIdentifier: second.packetIdentifier,
      reasonCode: 0,
      properties: undefined,
    })
    await away.expect('pubrel')
    await away.vanish()
    await until(() => broker.stats().connections === 2)
    expect(await other.settle()).toEqual([])
    const back = await RawClient.connect(port, stays('away'))
    const again = await back.settle()
    expect(again).toMatchObject([
      { type: 'pubrel', packetIdentifier: second.packetIdentifier },
      { type: 'publish', dup: true, packetIdentifier: first.packetIdentifier },
    ])
    expect(await other.settle()).toEqual([])
  })

  it('lets QoS 2 go with the session it was begun with [MQTT-4.8.2-5]', async () => {
    const { broker, port } = await startBroker()
    const dying = await RawClient.connect(port, stays('dying'))
    await dying.subscribe('$share/g/t', 2)
    const publisher = await RawClient.connect(port)
    publisher.publish('t', 'm', { qos: 2, packetIdentifier: 1 })
    await dying.expect('publish')
    const other = await RawClient.connect(port)
    await other.subscribe('$share/g/t', 2)
    dying.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } })
    await dying.closed
    await until(() => broker.stats().sessions === 2)
    expect(await other.settle()).toEqual([])
    expect(broker.stats().inFlightMessages).toBe(0)
  })

  it('takes a refusal of a member for its own: nobody else gets the message [MQTT-4.8.2-6]', async () => {
    const { port } = await startBroker()
    const member = await RawClient.connect(port, stays('member'))
    await member.subscribe('$share/g/t', 2)
    const publisher = await RawClient.connect(port)
    for (const qos of [1, 2] as const) publisher.publish('t', `${qos}`, { qos, packetIdentifier: qos })
    const refused = [await member.expect('publish'), await member.expect('publish')]
    const other = await RawClient.connect(port)
    await other.subscribe('$share/g/t', 2)
    for (const { qos, packetIdentifier } of refused) {
      const type = qos === 1 ? 'puback' : 'pubrec'
      member.send({ type, packetIdentifier, reasonCode: 0x83, properties: undefined })
    }
    await member.settle()
    await member.vanish()
    expect(await other.settle()).toEqual([])
  })

  it('is another one under another name or filter, and beside one that is not shared', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port)
    await client.subscribe(['$share/g/t', '$share/h/t', '$share/g/+', 't'].map((filter) => ({ filter })))
    client.publish('t', 'm')
    expect(await client.received()).toEqual(['t=m', 't=m', 't=m', 't=m'])
  })

  it('keeps its place when a member subscribes again', async () => {
    const { broker, port } = await startBroker()
    const client = await RawClient.connect(port)
    await client.subscribe('$share/g/t', 0)
    await client.subscribe('$share/g/t', 1)
    expect(broker.stats().subscriptions).toBe(1)
    const publisher = await RawClient.connect(port)
    await publisher.publishOnce('t', 'm')
    expect(text(await client.expect('publish'))).toBe('t=m q1')
    expect(await client.settle()).toEqual([])
  })
})
