import type { Packet } from '@jamey/protocol'
import { connectPacket, FakeClock, publishPacket, RawClient, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { AuthenticationRefused, MemoryBrokerStore } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

async function all(client: RawClient): Promise<Packet[]> {
  const packets: Packet[] = []
  for (let packet = await client.next(); packet !== undefined; packet = await client.next())
    packets.push(packet)
  await client.closed
  return packets
}

describe("the server's DISCONNECT", () => {
  it('is the last it sends, whatever was on its way, and it closes [MQTT-3.14.4-1] [MQTT-3.14.4-2] [MQTT-4.13.2-1] [MQTT-3.14.2-1] [MQTT-3.14.2-2]', async () => {
    const { port } = await startBroker()
    const stays = { clientId: 's', cleanStart: false, properties: { sessionExpiryInterval: 100 } }
    const client = await RawClient.connect(port, stays)
    await client.subscribe('#', 1)
    const publisher = await RawClient.connect(port)
    const flood = () => {
      for (let n = 0; n < 200; n++) publisher.publish('t', 'x'.repeat(1000), { qos: 1, packetIdentifier: 1 })
    }
    flood()
    // What comes behind a violation is not answered either.
    client.send(publishPacket('own', 'm', { qos: 1, packetIdentifier: 1 }))
    client.sendBytes(Buffer.from('0000c000', 'hex'))
    flood()
    const packets = await all(client)
    expect(packets.filter(({ type }) => type === 'disconnect')).toHaveLength(1)
    const last = packets.at(-1)
    expect(last).toMatchObject({ type: 'disconnect', reasonCode: 0x81 })
    expect(last?.type === 'disconnect' && last.properties?.sessionExpiryInterval).toBeUndefined()
    expect(packets.some(({ type }) => type === 'pingresp')).toBe(false)
  })

  it('is not sent before CONNACK let the client in [MQTT-3.14.0-1]', async () => {
    const authenticator = { authenticate: () => Promise.reject(new AuthenticationRefused('no')) }
    const { port } = await startBroker({ authenticator })
    for (const sent of ['c000', '0000', 'e000', '100d0004']) {
      const client = await RawClient.open(port)
      client.sendBytes(Buffer.from(sent, 'hex'))
      client.socket.end()
      expect((await all(client)).map(({ type }) => type)).toEqual([])
    }
    const refused = await RawClient.open(port)
    refused.send(connectPacket(), connectPacket())
    expect((await all(refused)).map(({ type }) => type)).toEqual(['connack'])
  })

  it('does not exist before 5.0: the connection is closed [MQTT-4.13.2-1]', async () => {
    const { port } = await startBroker()
    const client = await RawClient.connect(port, { protocolVersion: 4, clientId: 'c' })
    client.sendBytes(Buffer.from('0000', 'hex'))
    expect(await all(client)).toEqual([])
  })
})

describe.each([4, 5] as const)("the client's DISCONNECT in version %i", (version) => {
  it('ends the connection from our side too, and nothing behind it is processed [MQTT-3.14.4-1] [MQTT-3.14.4-2]', async () => {
    const { broker, port } = await startBroker()
    const client = await RawClient.connect(port, { protocolVersion: version, clientId: 'c' })
    client.send(
      { type: 'disconnect', reasonCode: 0, properties: undefined },
      publishPacket('t', 'm', { qos: 1, packetIdentifier: 1, retain: true }),
      { type: 'pingreq' },
    )
    expect(await all(client)).toEqual([])
    expect(broker.stats()).toMatchObject({ publishesReceived: 0, retainedMessages: 0, connections: 0 })
  })
})

describe('a store that fails', () => {
  class FailingStore extends MemoryBrokerStore {
    failure: Error | undefined

    override async commit(): Promise<void> {
      if (this.failure !== undefined) throw this.failure
      await super.commit()
    }
  }

  it.each([4, 5] as const)(
    'ends the connection whose packet needed it, in version %i [MQTT-4.8.0-2 of 3.1.1]',
    async (version) => {
      const store = new FailingStore()
      const clock = new FakeClock()
      const { broker, port } = await startBroker({ store, clock })
      const bystander = await RawClient.connect(port, { clientId: 'bystander' })
      const client = await RawClient.connect(port, {
        protocolVersion: version,
        clientId: 'c',
        cleanStart: false,
      })
      await client.settle()
      store.failure = new Error('disk is full')
      client.publish('t', 'm', { qos: 1, packetIdentifier: 1, retain: true })
      await until(() => broker.stats().storeFailures === 1)
      // For so long it is tried again.
      await clock.advance(10_000)
      const told = (await all(client)).map((packet) => 'reasonCode' in packet && packet.reasonCode)
      expect(told).toEqual(version === 5 ? [0x89] : [])
      store.failure = undefined
      expect(await bystander.settle()).toEqual([])
      await until(() => broker.stats().connections === 1)
    },
  )
})

describe.each([3, 4] as const)('a publish that is not allowed, in version %i', (version) => {
  it('is acknowledged as any other, and reaches nobody [MQTT-3.3.5-2 of 3.1.1]', async () => {
    const { port } = await startBroker({
      authenticator: {
        authenticate: async () => ({
          username: '',
          mayPublish: () => false,
          maySubscribe: () => true,
          mayReceive: () => true,
        }),
      },
    })
    const client = await RawClient.connect(port, { protocolVersion: version, clientId: 'c' })
    await client.subscribe('#')
    client.publish('t', 'm')
    client.publish('t', 'm', { qos: 1, packetIdentifier: 1 })
    client.publish('t', 'm', { qos: 2, packetIdentifier: 2, retain: true })
    client.send({ type: 'pubrel', packetIdentifier: 2, reasonCode: 0, properties: undefined })
    expect((await client.settle()).map(({ type }) => type)).toEqual(['puback', 'pubrec', 'pubcomp'])
  })
})
