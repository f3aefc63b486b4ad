import { once } from 'node:events'
import { get as getHttp } from 'node:http'
import { connect as connectPlain } from 'node:net'
import { createAuthority, issueClientCertificate, issueServerCertificate } from '@jamey/auth'
import { type Connect, Decoder, encode, type Packet, Writer } from '@jamey/protocol'
import { connectPacket, publishPacket, text } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type BrokerOptions, createBroker, insecureAuthenticator, type ListenerOptions } from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

const plain: ListenerOptions = { host: '127.0.0.1', port: 0, insecure: true, webSocket: true }

const start = (options: Partial<BrokerOptions> = {}) => startBroker({ listeners: [plain], ...options })

const bytesOf = (...packets: Packet[]): Buffer => {
  const writer = new Writer()
  for (const packet of packets) encode(writer, packet, 5)
  return Buffer.concat(writer.take())
}

const connectBytes = (connect: Partial<Connect> = {}) => bytesOf(connectPacket(connect))

const subscribeBytes = (filter: string) =>
  bytesOf({
    type: 'subscribe',
    packetIdentifier: 1,
    subscriptions: [{ filter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
    properties: undefined,
  })

/** A client that decides over frames. */
class FrameClient {
  readonly socket: WebSocket
  readonly frames: Buffer[] = []
  readonly packets: Packet[] = []
  /** Settles with the close code. */
  readonly closed: Promise<number>
  readonly #decoder = new Decoder({ from: 'server', protocolVersion: 5 })

  constructor(socket: WebSocket) {
    this.socket = socket
    this.closed = once(socket, 'close').then(([code]) => code as number)
    socket.on('error', () => {})
    socket.on('message', (data: Buffer, isBinary) => {
      expect(isBinary).toBe(true)
      this.frames.push(data)
      this.#decoder.push(data)
      for (let next = this.#decoder.next(); next !== undefined; next = this.#decoder.next()) {
        this.packets.push(next)
      }
    })
  }

  static async open(port: number, options: WebSocket.ClientOptions = {}, path = '/mqtt') {
    const client = new FrameClient(new WebSocket(`ws://127.0.0.1:${port}${path}`, ['mqtt'], options))
    await once(client.socket, 'open')
    return client
  }

  async got(type: Packet['type'], count = 1): Promise<void> {
    await expect.poll(() => this.packets.filter((packet) => packet.type === type).length).toBe(count)
  }
}

/** The status that answers a handshake which does not succeed. */
async function refusal(port: number, options: WebSocket.ClientOptions, path = '/mqtt', protocols = ['mqtt']) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, options)
  socket.on('error', () => {})
  const [request, response] = await once(socket, 'unexpected-response')
  request.destroy()
  return response.statusCode as number
}

describe('a WebSocket listener', () => {
  it('reads packets that span frames, and frames that hold several [MQTT-6.0.0-2] [MQTT-6.0.0-2 of 3.1.1]', async () => {
    const { broker, port } = await start()
    const client = await FrameClient.open(port)
    expect(client.socket.protocol).toBe('mqtt')
    expect(client.socket.extensions).toBe('')
    for (const byte of connectBytes()) client.socket.send(Buffer.of(byte))
    await client.got('connack')
    const publishes = Array.from({ length: 50 }, (_, i) => publishPacket('t', String(i)))
    client.socket.send(Buffer.concat([subscribeBytes('t'), bytesOf(...publishes)]))
    await client.got('publish', 50)
    const seen = client.packets.flatMap((packet) => (packet.type === 'publish' ? [text(packet)] : []))
    expect(seen).toEqual(publishes.map((publish) => text(publish)))
    expect(broker.addresses).toEqual([{ host: '127.0.0.1', port, tls: false, webSocketPath: '/mqtt' }])
  })

  it('takes all the messages of one segment in their order, those behind CONNECT too [MQTT-6.0.0-2] [promise 34]', async () => {
    const { port } = await start()
    const client = await FrameClient.open(port)
    const publishes = Array.from({ length: 9 }, (_, i) => publishPacket('t', String(i)))
    const messages = [connectBytes(), subscribeBytes('t'), ...publishes.map((publish) => bytesOf(publish))]
    // A message of less than 126 bytes, with a mask of zeros. RFC 6455 section 5.2
    const frames = messages.map((bytes) =>
      Buffer.concat([Buffer.of(0x82, 0x80 | bytes.length, 0, 0, 0, 0), bytes]),
    )
    rawSocket(client).write(Buffer.concat(frames))
    await client.got('publish', 9)
    const seen = client.packets.flatMap((packet) => (packet.type === 'publish' ? [text(packet)] : []))
    expect(seen).toEqual(publishes.map((publish) => text(publish)))
  })

  it('sends what one turn writes in one message, large payloads too', async () => {
    const { port } = await start()
    const client = await FrameClient.open(port)
    client.socket.send(connectBytes())
    await client.got('connack')
    client.frames.length = 0
    const large = 'x'.repeat(300_000)
    client.socket.send(
      Buffer.concat([
        subscribeBytes('t'),
        bytesOf(publishPacket('t', 'small'), publishPacket('t', large), publishPacket('t', 'small')),
      ]),
    )
    await client.got('publish', 3)
    expect(client.frames.length).toBeLessThanOrEqual(2)
    const last = client.packets.filter((packet) => packet.type === 'publish')[1]
    expect(last?.type === 'publish' && Buffer.from(last.payload).toString() === large).toBe(true)
  })

  it('ends a connection that sends a text message, and publishes its will [MQTT-6.0.0-1] [MQTT-6.0.0-1 of 3.1.1]', async () => {
    const { broker, port } = await start()
    const watcher = await FrameClient.open(port)
    watcher.socket.send(Buffer.concat([connectBytes({ clientId: 'watcher' }), subscribeBytes('will')]))
    await watcher.got('suback')
    const client = await FrameClient.open(port)
    const will = {
      topic: 'will',
      payload: Buffer.from('gone'),
      qos: 0,
      retain: false,
      properties: undefined,
    } as const
    client.socket.send(connectBytes({ will }))
    await client.got('connack')
    client.socket.send(bytesOf({ type: 'pingreq' }).toString('latin1'))
    await client.closed
    expect(client.packets.map(({ type }) => type)).toEqual(['connack', 'disconnect'])
    await watcher.got('publish')
    expect(broker.stats().protocolErrors).toBe(1)
  })

  it('ends an unauthenticated client that sends text, one that breaks the framing, and one that hoards a message', async () => {
    const { broker, port } = await start({ limits: { connectPacketBytes: 1_000, packetBytes: 100_000 } })
    const talker = await FrameClient.open(port)
    talker.socket.send('hello')
    await talker.closed
    const breaker = await FrameClient.open(port)
    // An unmasked frame of an unknown kind.
    rawSocket(breaker).write(Buffer.from([0x8f, 0x00]))
    expect(await breaker.closed).toBe(1002)
    const hoarder = await FrameClient.open(port)
    // The header of a masked binary frame of 64 KiB, and as much of it as shows that it comes.
    const header = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4])
    rawSocket(hoarder).write(Buffer.concat([header, Buffer.alloc(2_500)]))
    expect(await hoarder.closed).toBe(1006)
    await expect.poll(() => broker.stats().connections).toBe(0)
  })

  it('tells whoever sends a message larger than any packet may be', async () => {
    const { port } = await start({ limits: { packetBytes: 1_000 } })
    const client = await FrameClient.open(port)
    client.socket.send(connectBytes())
    await client.got('connack')
    client.socket.send(Buffer.alloc(1_100_000))
    expect(await client.closed).toBe(1009)
  })

  it('waits for a client that reads slowly, and drops nothing of QoS 1', async () => {
    const { broker, port } = await start({ limits: { queuedBytes: 67_108_864 } })
    const [slow, sender] = [await FrameClient.open(port), await FrameClient.open(port)]
    slow.socket.send(Buffer.concat([connectBytes({ clientId: 'slow' }), subscribeBytes('t')]))
    await slow.got('suback')
    slow.socket.pause()
    sender.socket.send(connectBytes({ clientId: 'sender' }))
    const count = 200
    const payload = 'x'.repeat(50_000)
    for (let i = 1; i <= count; i++) {
      sender.socket.send(bytesOf(publishPacket('t', payload, { qos: 1, packetIdentifier: i })))
    }
    await sender.got('puback', count)
    // More than socket buffers hold is still with the session, not handed to the socket.
    expect(broker.stats().queuedMessages).toBeGreaterThan(0)
    slow.socket.resume()
    await slow.got('publish', count)
  })

  it('goes on with whoever sends pings, fragments and empty messages', async () => {
    const { port } = await start()
    const client = await FrameClient.open(port)
    client.socket.send(Buffer.alloc(0))
    const connect = connectBytes()
    client.socket.send(connect.subarray(0, 3), { fin: false, binary: true })
    client.socket.ping()
    client.socket.send(connect.subarray(3), { fin: true, binary: true })
    await Promise.all([once(client.socket, 'pong'), client.got('connack')])
    client.socket.send(bytesOf({ type: 'disconnect', reasonCode: 0, properties: undefined }))
    expect(await client.closed).toBe(1000)
  })
})

describe('the handshake of a WebSocket listener', () => {
  it('wants the subprotocol mqtt and its path [MQTT-6.0.0-3] [MQTT-6.0.0-3 of 3.1.1]', async () => {
    const { broker, port } = await start()
    expect(await refusal(port, {}, '/mqtt', [])).toBe(400)
    expect(await refusal(port, {}, '/mqtt', ['mqttv4'])).toBe(400)
    expect(await refusal(port, {}, '/other')).toBe(404)
    expect(broker.stats()).toMatchObject({ connectionsRefused: 3, connectionsAccepted: 0 })
    const both = new WebSocket(`ws://127.0.0.1:${port}/mqtt?a=b`, ['other', 'mqtt'])
    await once(both, 'open')
    expect(both.protocol).toBe('mqtt')
    const old = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, ['mqttv3.1'])
    await once(old, 'open')
    expect(old.protocol).toBe('mqttv3.1')
    both.terminate()
  })

  it('lets in pages of its own host only, unless told otherwise', async () => {
    const { port } = await start()
    expect(await refusal(port, { origin: 'https://elsewhere.example' })).toBe(403)
    expect(await refusal(port, { origin: 'null' })).toBe(403)
    await FrameClient.open(port, { origin: `http://127.0.0.1:${port}` })
    expect(await refusal(port, { origin: 'http://127.0.0.1' })).toBe(403)
    expect(await refusal(port, { origin: 'https://127.0.0.1', headers: { host: '127.0.0.1' } })).toBe(403)
    // No page can be there, but programs say so.
    await FrameClient.open(port, { origin: `https://127.0.0.1:${port}` })
    const listed = await start({
      listeners: [{ ...plain, webSocket: { path: '/ws', origins: ['https://app.example'] } }],
    })
    expect(await refusal(listed.port, { origin: `http://127.0.0.1:${listed.port}` }, '/ws')).toBe(403)
    await FrameClient.open(listed.port, { origin: 'https://app.example' }, '/ws')
    const open = await start({ listeners: [{ ...plain, webSocket: { origins: '*' } }] })
    await FrameClient.open(open.port, { origin: 'https://elsewhere.example' })
  })

  it('believes no name of a page that a name server may have pointed here', async () => {
    const { port } = await start()
    const rebound = { origin: `http://evil.example:${port}`, headers: { host: `evil.example:${port}` } }
    expect(await refusal(port, rebound)).toBe(403)
    for (const name of ['localhost', 'app.localhost', '[::1]', '192.0.2.1']) {
      const origin = `http://${name}:${port}`
      await FrameClient.open(port, { origin, headers: { host: `${name}:${port}` } })
    }
  })

  it('answers under its own names only, whoever asks, where they are listed', async () => {
    const webSocket = { origins: '*' as const, hosts: ['hub.example.org', '127.0.0.1', '::1'] }
    const { port } = await start({ listeners: [{ ...plain, webSocket }] })
    const rebound = { origin: `http://evil.example:${port}`, headers: { host: `evil.example:${port}` } }
    expect(await refusal(port, rebound)).toBe(421)
    // A program names no origin.
    expect(await refusal(port, { headers: { host: 'evil.example' } })).toBe(421)
    expect(await refusal(port, { headers: { host: 'hub.example.org.evil.example' } })).toBe(421)
    for (const host of ['Hub.Example.ORG', `hub.example.org:${port}`, '[::1]', `127.0.0.1:${port}`]) {
      await FrameClient.open(port, { origin: 'https://elsewhere.example', headers: { host } })
    }
  })

  it('believes the name of a page that TLS has proved, and no page without TLS', async () => {
    const authority = await createAuthority()
    const { certPem: cert, keyPem: key } = await issueServerCertificate(authority, { hosts: ['localhost'] })
    const { port } = await start({
      listeners: [{ ...plain, insecure: false, tls: { cert, key }, webSocket: true }],
    })
    const open = async (scheme: string) => {
      const origin = `${scheme}://localhost:${port}`
      const socket = new WebSocket(`wss://localhost:${port}/mqtt`, ['mqtt'], {
        ca: authority.certPem,
        origin,
      })
      await once(socket, 'open')
      socket.terminate()
    }
    await open('https')
    await expect(open('http')).rejects.toThrow('403')
  })

  it('answers requests that want no WebSocket, and ends what asks for nothing in time', async () => {
    const { port } = await start({ limits: { connectTimeoutMs: 50 } })
    const [response] = await once(getHttp({ host: '127.0.0.1', port, path: '/mqtt' }), 'response')
    expect(response.statusCode).toBe(426)
    response.resume()
    const silent = connectPlain(port, '127.0.0.1')
    silent.resume()
    await once(silent, 'close')
    const upgraded = await FrameClient.open(port)
    await upgraded.closed
  })

  it('counts against the connections of an address', async () => {
    const { port, broker } = await start({ limits: { connectionsPerAddress: 1 } })
    const first = await FrameClient.open(port)
    const second = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, ['mqtt'])
    await expect(once(second, 'open')).rejects.toThrow(/hang up/)
    first.socket.close()
    await first.closed
    await expect.poll(() => broker.stats().connectionsRefused).toBe(1)
  })

  it('refuses a path that no request can have [promise 37]', async () => {
    const listeners = [{ ...plain, webSocket: { path: 'mqtt' } }]
    const authenticator = insecureAuthenticator()
    await expect(createBroker({ listeners, authenticator })).rejects.toMatchObject({
      code: 'listener-invalid',
      message: expect.stringContaining('"mqtt"'),
    })
    const secure = [{ host: '127.0.0.1', port: 0, webSocket: true }]
    await expect(createBroker({ listeners: secure, authenticator })).rejects.toMatchObject({
      code: 'listener-insecure',
    })
  })

  it('serves TLS 1.3 only, and shows client certificates to the authenticator [promise 36]', async () => {
    const authority = await createAuthority()
    const server = await issueServerCertificate(authority, { hosts: ['localhost', '127.0.0.1'] })
    const own = await issueClientCertificate(authority, { commonName: 'client-1' })
    const foreign = await issueClientCertificate(await createAuthority(), { commonName: 'client-1' })
    const ca = authority.certPem
    const names: (string | undefined)[] = []
    const tls = { cert: server.certPem, key: server.keyPem, ca, requestClientCertificate: true }
    const { port } = await startBroker({
      listeners: [{ host: '127.0.0.1', port: 0, tls, webSocket: true }],
      authenticator: {
        authenticate: (request) => {
          names.push(request.certificate?.commonName)
          return insecureAuthenticator().authenticate(request)
        },
      },
    })
    const open = async (options: WebSocket.ClientOptions) => {
      const socket = new WebSocket(`wss://localhost:${port}/mqtt`, ['mqtt'], { ca, ...options })
      await once(socket, 'open')
      return new FrameClient(socket)
    }
    const named = await open({ cert: own.certPem, key: own.keyPem })
    named.socket.send(connectBytes())
    await named.got('connack')
    const nameless = await open({})
    nameless.socket.send(connectBytes())
    await nameless.got('connack')
    expect(names).toEqual(['client-1', undefined])
    await expect(open({ cert: foreign.certPem, key: foreign.keyPem })).rejects.toThrow(/hang up|ECONNRESET/)
    await expect(open({ maxVersion: 'TLSv1.2' })).rejects.toThrow(/alert|version/i)
  })
})

/** The TCP socket beneath, to write what `ws` would not. */
function rawSocket({ socket }: FrameClient): NodeJS.WritableStream {
  return (socket as unknown as { _socket: NodeJS.WritableStream })._socket
}
