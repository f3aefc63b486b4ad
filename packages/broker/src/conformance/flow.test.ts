import type { Packet } from '@jamey/protocol'
import { publishPacket, RawClient, text } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../test-support/start-broker.js'

/** The messages of QoS 1 and 2 among `packets`. */
function counted(packets: readonly Packet[]): string[] {
  return packets.flatMap((packet) => (packet.type === 'publish' && packet.qos > 0 ? [text(packet)] : []))
}

describe("the client's Receive Maximum", () => {
  const stays = { clientId: 's', cleanStart: false }

  it('bounds QoS 1 and 2 together, from the first message on [MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2]', async () => {
    const { port } = await startBroker()
    const s = await RawClient.connect(port, { properties: { receiveMaximum: 3 } })
    await s.subscribe('t', 2)
    const publisher = await RawClient.connect(port)
    for (let n = 1; n <= 8; n++)
      publisher.publish('t', `${n}`, { qos: n % 2 === 0 ? 2 : 1, packetIdentifier: n })
    await publisher.settle()
    const held = await s.settle()
    expect(counted(held)).toEqual(['t=1 q1', 't=2 q2', 't=3 q1'])
    const identifiers = held.map((packet) => ('packetIdentifier' in packet ? packet.packetIdentifier : 0))
    // PUBREC of success gives nothing back; PUBCOMP does, and so do PUBACK and a PUBREC that refuses.
    const say = (type: 'puback' | 'pubrec' | 'pubcomp', packetIdentifier = 0, reasonCode = 0) =>
      s.send({ type, packetIdentifier, reasonCode, properties: undefined })
    say('pubrec', identifiers[1])
    expect(counted(await s.settle())).toEqual([])
    say('pubcomp', identifiers[1])
    const fourth = await s.settle()
    expect(counted(fourth)).toEqual(['t=4 q2'])
    say('puback', identifiers[0])
    expect(counted(await s.settle())).toEqual(['t=5 q1'])
    const [four] = fourth
    say('pubrec', four !== undefined && 'packetIdentifier' in four ? four.packetIdentifier : 0, 0x80)
    expect(counted(await s.settle())).toEqual(['t=6 q2'])
  })

  it('holds nothing else back: QoS 0, answers, acknowledgements [MQTT-3.3.4-10] [MQTT-4.9.0-3]', async () => {
    const { port } = await startBroker()
    const s = await RawClient.connect(port, { properties: { receiveMaximum: 1 } })
    await s.subscribe('t', 2)
    const publisher = await RawClient.connect(port)
    for (let n = 1; n <= 3; n++) await publisher.publishOnce('t', `${n}`)
    expect(counted(await s.settle())).toEqual(['t=1 q1'])
    publisher.publish('t', 'zero')
    await publisher.settle()
    expect(await s.received()).toEqual(['t=zero'])
    expect((await s.subscribe('u', 1)).reasonCodes).toEqual([1])
    expect(await s.publishOnce('x', 'm')).toBe(0x10)
    s.publish('x', 'm', { qos: 2, packetIdentifier: 5 })
    await s.expect('pubrec')
    s.send({ type: 'pubrel', packetIdentifier: 5, reasonCode: 0, properties: undefined })
    await s.expect('pubcomp')
    s.send({ type: 'unsubscribe', packetIdentifier: 6, filters: ['u'], properties: undefined })
    await s.expect('unsuback')
    expect(await s.settle()).toEqual([])
  })

  it('is that of each connection, for what is sent again too [MQTT-3.3.4-9] [MQTT-4.9.0-1]', async () => {
    const { port } = await startBroker()
    const connect = (receiveMaximum: number) =>
      RawClient.connect(port, { ...stays, properties: { sessionExpiryInterval: 100, receiveMaximum } })
    const first = await connect(5)
    await first.subscribe('t', 1)
    const publisher = await RawClient.connect(port)
    for (let n = 1; n <= 7; n++) await publisher.publishOnce('t', `${n}`)
    expect(counted(await first.settle())).toHaveLength(5)
    await first.vanish()
    const second = await connect(2)
    expect(counted(await second.settle())).toEqual(['t=1 q1 dup', 't=2 q1 dup'])
    await second.vanish()
    const third = await connect(6)
    expect(counted(await third.settle()).at(-1)).toBe('t=6 q1')
  })

  it('is 65535 where the client names none [MQTT-3.3.4-9]', async () => {
    const { port } = await startBroker({ limits: { inFlight: 65_535, queuedBytes: 67_108_864 } })
    const s = await RawClient.connect(port)
    await s.subscribe('t', 1)
    const publisher = await RawClient.connect(port)
    const packets = Array.from({ length: 1000 }, () =>
      publishPacket('t', '', { qos: 1, packetIdentifier: 1 }),
    )
    for (let n = 0; n < 66; n++) {
      publisher.send(...packets)
      await publisher.settle()
    }
    expect(await s.settle()).toHaveLength(65_535)
  })
})

describe("the server's Receive Maximum", () => {
  const connect = { clientId: 'c', cleanStart: false, properties: { sessionExpiryInterval: 100 } }

  function qos2(...identifiers: number[]) {
    return identifiers.map((packetIdentifier) => publishPacket('t', 'm', { qos: 2, packetIdentifier }))
  }

  it('is announced, and a client that goes beyond it is told 0x93 [MQTT-3.3.4-7]', async () => {
    const { port } = await startBroker({ limits: { receiveMaximum: 3 } })
    const client = await RawClient.open(port)
    expect((await client.handshake(connect)).properties?.receiveMaximum).toBe(3)
    client.send(...qos2(1, 2, 3))
    expect((await client.settle()).map(({ type }) => type)).toEqual(['pubrec', 'pubrec', 'pubrec'])
    client.send(...qos2(4))
    expect((await client.expect('disconnect')).reasonCode).toBe(0x93)
  })

  it('counts neither what is sent again nor what the client released [MQTT-3.3.4-7]', async () => {
    const { port } = await startBroker({ limits: { receiveMaximum: 3 } })
    const client = await RawClient.connect(port, connect)
    for (let first = 1; first < 30; first += 3) {
      const identifiers = [first, first + 1, first + 2]
      client.send(...qos2(...identifiers), ...qos2(...identifiers))
      expect(await client.settle()).toHaveLength(6)
      for (const packetIdentifier of identifiers) {
        client.send({ type: 'pubrel', packetIdentifier, reasonCode: 0, properties: undefined })
      }
      expect((await client.settle()).map(({ type }) => type)).toEqual(['pubcomp', 'pubcomp', 'pubcomp'])
    }
  })

  it('is whole again on each connection, though what came before is not released yet [MQTT-3.3.4-7] [MQTT-4.9.0-1]', async () => {
    const { port } = await startBroker({ limits: { receiveMaximum: 3 } })
    const first = await RawClient.connect(port, connect)
    first.send(...qos2(1, 2, 3))
    await first.settle()
    await first.vanish()
    const second = await RawClient.connect(port, connect)
    // The client may release the old ones when it likes; its quota begins anew. Section 4.9.
    second.send(...qos2(4, 5, 6))
    expect((await second.settle()).map(({ type }) => type)).toEqual(['pubrec', 'pubrec', 'pubrec'])
    for (const packetIdentifier of [1, 2, 3]) {
      second.send({ type: 'pubrel', packetIdentifier, reasonCode: 0, properties: undefined })
    }
    expect(await second.settle()).toHaveLength(3)
    second.send(...qos2(7))
    expect((await second.expect('disconnect')).reasonCode).toBe(0x93)
  })
})
