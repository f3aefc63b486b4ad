import { encode, type Publish, Writer } from '@jamey/protocol'
import { FaultProxy, MqttPeer, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Message } from '../index.js'
import { collectErrors, isBun, makeHarness, text } from '../test-support/harness.js'

const { connectTo, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

const MOST = 1000

function bytesOf(topic: string, payload: string | number, qos: 0 | 1 | 2, packetIdentifier: number): Buffer {
  const writer = new Writer()
  const publish: Publish = {
    type: 'publish',
    topic,
    payload: typeof payload === 'number' ? Buffer.alloc(payload) : Buffer.from(payload),
    qos,
    retain: true,
    dup: false,
    packetIdentifier,
    properties: undefined,
  }
  encode(writer, publish, 4)
  return Buffer.concat(writer.take())
}

async function start(protocolVersion: 4 | 5 = 4) {
  const peer = await startPeer()
  const { errors, onBackgroundError } = collectErrors()
  const client = await connectTo(peer, { protocolVersion, maximumPacketBytes: MOST, onBackgroundError })
  const seen: string[] = []
  await client.subscribe('#', (message: Message) => {
    seen.push(text(message.payload))
  })
  return { client, server: await peer.connection(0), seen, errors }
}

describe('a message that is larger than we take, from a server of MQTT 3.1.1', () => {
  it.each([1, 3, 7, 100, 1_000_000])(
    'is passed over, acknowledged in its turn, counted and told of: in pieces of %i bytes',
    async (pieceBytes) => {
      const { client, server, seen, errors } = await start()
      const sent = Buffer.concat([
        bytesOf('a', 'before', 1, 1),
        bytesOf('cam/1', 2500, 0, 0),
        bytesOf('cam/ä', 3000, 1, 2),
        bytesOf('a', 'between', 1, 3),
        bytesOf('cam/3', 2000, 2, 4),
        bytesOf('a', 'after', 1, 5),
      ])
      for (let at = 0; at < sent.length; at += pieceBytes)
        server.socket.write(sent.subarray(at, at + pieceBytes))
      await until(() => seen.length === 3)
      expect(seen).toEqual(['before', 'between', 'after'])
      await server.packet('puback', 3)
      expect(server.all('puback').map(({ packetIdentifier }) => packetIdentifier)).toEqual([1, 2, 3, 5])
      expect(server.all('pubrec').map(({ packetIdentifier }) => packetIdentifier)).toEqual([4])
      await server.packet('pubcomp')
      expect(errors).toMatchObject(Array(3).fill({ name: 'MessageError', code: 'dropped' }))
      expect(errors[1]?.message).toBe(
        "message on 'cam/ä' was passed over: it takes 3013 bytes, and the option maximumPacketBytes is 1000",
      )
      const { messagesDroppedOnReceipt, messagesUnhandled, handlerFailures } = client.stats()
      expect([messagesDroppedOnReceipt, messagesUnhandled, handlerFailures]).toEqual([3, 0, 0])
      expect(client.state).toBe('connected')
    },
  )

  it('holds nothing of it in memory, however large it is', async (context) => {
    if (isBun) context.skip('the collector of Bun lets hundreds of megabytes lie')
    const { server, errors, seen } = await start()
    const head = bytesOf('cam/1', 0, 1, 1)
    // 240 MiB, in the form of the length that takes four bytes.
    server.socket.write(Buffer.concat([Buffer.from([0x33, 0x80, 0x80, 0x80, 0x78]), head.subarray(2)]))
    const before = process.memoryUsage().arrayBuffers
    const piece = Buffer.alloc(1_048_576)
    let most = 0
    for (let left = 251_658_240 - (head.length - 2); left > 0; left -= piece.length) {
      if (!server.socket.write(piece.subarray(0, left))) {
        await new Promise((resolve) => server.socket.once('drain', resolve))
      }
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    server.socket.write(bytesOf('a', 'after', 1, 2))
    await until(() => seen.length === 1, 20_000)
    expect(errors).toHaveLength(1)
    // What was read is garbage at once, and collectors differ in how much of it they let lie.
    expect(most).toBeLessThan(134_217_728)
  })

  it('does not excuse another packet', async () => {
    const { client, server } = await start()
    server.socket.write(Buffer.from([0x90, 0xff, 0x7f, 0, 1]))
    await until(() => client.state === 'reconnecting' || client.stats().connects > 1)
    expect(client.stats().connectionsLost).toBe(1)
  })
})

it('a server of MQTT 5.0, which has been told, is told so again', async () => {
  const { server } = await start(5)
  server.socket.write(Buffer.from([0x30, 0xff, 0x7f, 0, 1]))
  expect(await server.packet('disconnect')).toMatchObject({ reasonCode: 0x95 })
})
