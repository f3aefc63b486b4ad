import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { createAuthority, issueServerCertificate } from '@jamey/auth'
import { Decoder, encode, type Packet, type ProtocolVersion, Writer } from '@jamey/protocol'
import { connectPacket, publishPacket, RawClient, text } from '@jamey/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { Broker, ListenerOptions } from '../index.js'
import { InProcessSocket } from '../test-support/in-process-socket.js'
import { startBroker } from '../test-support/start-broker.js'

const LARGE = 'x'.repeat(300_000)

function bytesOf(version: ProtocolVersion, ...packets: Packet[]): Buffer {
  const writer = new Writer()
  for (const packet of packets) encode(writer, packet, version)
  return Buffer.concat(writer.take())
}

/** What a subscriber to its own messages says in one breath. */
function conversation(version: 4 | 5): Buffer {
  const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  const subscriptions = [{ filter: 't', qos: 0, ...options }] as const
  return bytesOf(
    version,
    connectPacket({ protocolVersion: version, clientId: 'c' }),
    { type: 'subscribe', packetIdentifier: 1, subscriptions, properties: undefined },
    publishPacket('t', LARGE, { qos: 1, packetIdentifier: 2 }),
    ...Array.from({ length: 500 }, (_, n) => publishPacket('t', String(n))),
  )
}

function textsIn(bytes: readonly Buffer[], version: 4 | 5): string[] {
  const decoder = new Decoder({ from: 'server', protocolVersion: version })
  const texts: string[] = []
  for (const chunk of bytes) {
    decoder.push(chunk)
    for (let packet = decoder.next(); packet !== undefined; packet = decoder.next())
      if (packet.type === 'publish') texts.push(text(packet))
  }
  return texts
}

describe.each([4, 5] as const)('packets of version %i', (version) => {
  let tls: { cert: string; key: string }
  let ca: string
  const expected = [`t=${LARGE}`, ...Array.from({ length: 500 }, (_, n) => `t=${n}`)]

  beforeAll(async () => {
    const authority = await createAuthority()
    const server = await issueServerCertificate(authority, { hosts: ['localhost', '127.0.0.1'] })
    ca = authority.certPem
    tls = { cert: server.certPem, key: server.keyPem }
  })

  function start(listener: Partial<ListenerOptions>): Promise<{ broker: Broker; port: number }> {
    return startBroker({ listeners: [{ host: '127.0.0.1', port: 0, ...listener }] })
  }

  it('come whole and in order over TCP [MQTT-4.2.0-1] [MQTT-7.1.1-1 of 3.1.1]', async () => {
    const { port } = await start({ insecure: true })
    const client = await RawClient.open(port, version)
    client.sendBytes(conversation(version))
    const got: string[] = []
    while (got.length < expected.length) {
      const packet = await client.next()
      if (packet?.type === 'publish') got.push(text(packet))
    }
    expect(got).toEqual(expected)
  })

  it('come whole and in order over TLS [MQTT-4.2.0-1] [MQTT-7.1.1-1 of 3.1.1]', async () => {
    const { port } = await start({ tls })
    const socket = connectTls({ host: '127.0.0.1', port, ca, servername: 'localhost' })
    await once(socket, 'secureConnect')
    const client = new RawClient(socket, version)
    client.sendBytes(conversation(version))
    const got: string[] = []
    while (got.length < expected.length) {
      const packet = await client.next()
      if (packet?.type === 'publish') got.push(text(packet))
    }
    expect(got).toEqual(expected)
  })

  it('come whole and in order within the process [MQTT-4.2.0-1] [MQTT-7.1.1-1 of 3.1.1]', async () => {
    const { broker } = await start({ insecure: true })
    const client = new RawClient(new InProcessSocket(broker.connectInProcess()) as never, version)
    client.sendBytes(conversation(version))
    const got: string[] = []
    while (got.length < expected.length) {
      const packet = await client.next()
      if (packet?.type === 'publish') got.push(text(packet))
    }
    expect(got).toEqual(expected)
  })

  it.each([
    ['one frame', (bytes: Buffer) => [bytes]],
    ['frames that cut packets', (bytes: Buffer) => cut(bytes, 777)],
  ])(
    'come over WebSocket in binary frames, aligned or not: %s [MQTT-4.2.0-1] [MQTT-6.0.0-1] [MQTT-6.0.0-2] [MQTT-6.0.0-4] [MQTT-7.1.1-1 of 3.1.1] [MQTT-6.0.0-1 of 3.1.1] [MQTT-6.0.0-2 of 3.1.1] [MQTT-6.0.0-4 of 3.1.1]',
    async (_how, frames) => {
      const { port } = await start({ tls, webSocket: true })
      const socket = new WebSocket(`wss://127.0.0.1:${port}/mqtt`, ['other', 'mqtt'], { ca })
      const chunks: Buffer[] = []
      const kinds = new Set<boolean>()
      socket.on('message', (data: Buffer, isBinary) => {
        chunks.push(data)
        kinds.add(isBinary)
      })
      await once(socket, 'open')
      expect(socket.protocol).toBe('mqtt')
      for (const frame of frames(conversation(version))) socket.send(frame)
      await expect.poll(() => textsIn(chunks, version).length).toBe(expected.length)
      expect(textsIn(chunks, version)).toEqual(expected)
      expect([...kinds]).toEqual([true])
      socket.terminate()
    },
  )

  it('end a WebSocket connection when they come as text [MQTT-6.0.0-1] [MQTT-6.0.0-1 of 3.1.1]', async () => {
    const { broker, port } = await start({ tls, webSocket: true })
    const socket = new WebSocket(`wss://127.0.0.1:${port}/mqtt`, ['mqtt'], { ca })
    socket.on('error', () => {})
    await once(socket, 'open')
    socket.send(bytesOf(version, connectPacket({ protocolVersion: version, clientId: 'c' })))
    await once(socket, 'message')
    socket.send('\xc0\x00')
    await once(socket, 'close')
    expect(broker.stats().connections).toBe(0)
  })
})

function cut(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  return pieces
}
