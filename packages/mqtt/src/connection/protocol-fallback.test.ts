import { FakeClock, FaultProxy, MqttPeer, type PeerConnection, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ConnectOptions, Credentials, CredentialsRequest } from '../index.js'
import { makeHarness, rejection, text } from '../test-support/harness.js'

const { connectTo, makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

const TOKEN: Credentials = {
  username: 'me',
  password: 'token',
  authenticationMethod: 'JWT',
  authenticationData: 'token',
}

type Greet = (server: PeerConnection) => void
const hangUp: Greet = (server) => server.cut()
const refuse =
  (reasonCode: number): Greet =>
  (server) =>
    server.accept({ reasonCode })
/** What a server of MQTT 3.1.1 alone answers to any other version. [MQTT-3.1.2-2] of 3.1.1. */
const unacceptable: Greet = ({ socket }) => socket.end(Buffer.from('20020001', 'hex'))

/** A server as it was recorded: `asked` and `old` say what becomes of a CONNECT with a method, and of one of 5.0. */
function understanding(peer: MqttPeer, { method, five }: { method: Greet; five?: Greet }): void {
  peer.follow({
    connect: ({ protocolVersion, properties }, server) => {
      if (protocolVersion === 5 && five !== undefined) five(server)
      else if (properties?.authenticationMethod !== undefined) method(server)
      else server.accept()
    },
  })
}

/** The CONNECTs of a server's connections: version, and the method where one is named. */
const heard = (peer: MqttPeer): string[] =>
  peer.connections.map(({ connect: { protocolVersion, properties } }) =>
    [protocolVersion, properties?.authenticationMethod].filter(Boolean).join(' '),
  )

describe('a CONNECT that names an authentication method', () => {
  it.each([
    ['Mosquitto answers 0x8C', refuse(0x8c)],
    ['EMQX answers 0x87', refuse(0x87)],
    ['another one answers 0x86', refuse(0x86)],
    ['VerneMQ hangs up', hangUp],
  ])('and that %s is made once more without it, in the same attempt', async (_, method) => {
    const peer = await startPeer()
    understanding(peer, { method })
    const asked: string[] = []
    const credentials = ({ reason }: CredentialsRequest): Credentials => {
      asked.push(reason)
      return TOKEN
    }
    const client = await connectTo(peer, { credentials })
    expect(heard(peer)).toEqual(['5 JWT', '5'])
    expect(text(peer.connections[1]?.connect.password as Uint8Array)).toBe('token')
    // Nothing failed, as far as anybody has to know.
    expect([client.status.attempt, client.stats().connectFailures, asked]).toEqual([1, 0, ['connect']])
    expect(client.explain().breaker.failures).toBe(0)
  })

  it('is not made without it where the server only says how it is itself, or has asked on', async () => {
    const codes = [0x88, 0x89, 0x97, 0x9c, 0x9d, 0x9f]
    for (const reasonCode of codes) {
      const peer = await startPeer()
      peer.follow({ connect: (_, server) => server.accept({ reasonCode }) })
      expect(await rejection(connectTo(peer, { credentials: TOKEN }))).toMatchObject({ reasonCode })
      expect(heard(peer)).toEqual(['5 JWT'])
    }
  })

  it('is remembered without it: a refusal after that is one, and the next connection names none', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    understanding(peer, { method: refuse(0x87) })
    const client = await connectTo(peer, { credentials: TOKEN, clock, reconnect: { baseDelayMs: 1 } })
    ;(await peer.connection(1)).cut()
    await until(() => client.state === 'reconnecting')
    await clock.advance(1)
    await until(() => client.state === 'connected')
    expect(heard(peer)).toEqual(['5 JWT', '5', '5'])
  })

  it('that one server of several does not understand is what the others get all the same', async () => {
    const without = await startPeer()
    const knowing = await startPeer()
    understanding(without, { method: refuse(0x8c) })
    const clock = new FakeClock()
    const urls = [without.url, knowing.url]
    const client = makeClient({ urls, credentials: TOKEN, clock, reconnect: { baseDelayMs: 1 } })
    await client.connect()
    await without.close()
    await until(() => client.state === 'reconnecting')
    for (let i = 0; i < 5; i++) await clock.advance(1)
    await until(() => client.state === 'connected')
    expect([heard(without), heard(knowing)]).toEqual([['5 JWT', '5'], ['5 JWT']])
  })

  it('is offered again to a server that hung up once, after the connection broke', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    understanding(peer, { method: hangUp })
    const client = await connectTo(peer, { credentials: TOKEN, clock, reconnect: { baseDelayMs: 1 } })
    peer.follow({})
    ;(await peer.connection(1)).cut()
    await until(() => client.state === 'reconnecting')
    await clock.advance(1)
    await until(() => client.state === 'connected')
    expect(heard(peer)).toEqual(['5 JWT', '5', '5 JWT'])
  })

  it('is never made without it where that is required', async () => {
    const peer = await startPeer()
    understanding(peer, { method: refuse(0x8c) })
    const options = { credentials: TOKEN, requireAuthenticationMethod: true }
    expect(await rejection(connectTo(peer, options))).toMatchObject({
      name: 'AuthenticationError',
      code: 'bad-authentication-method',
    })
    expect(heard(peer)).toEqual(['5 JWT'])
  })

  it('that is refused in every form fails with the last answer', async () => {
    const peer = await startPeer()
    peer.follow({ connect: (_, server) => server.accept({ reasonCode: 0x86 }) })
    const error = await rejection(connectTo(peer, { credentials: TOKEN }))
    expect(error).toMatchObject({ name: 'AuthenticationError', code: 'bad-credentials' })
    expect(heard(peer)).toEqual(['5 JWT', '5'])
  })
})

describe('protocolVersion auto', () => {
  const auto: ConnectOptions = { protocolVersion: 'auto' }

  it.each([
    ['answers with the return code of MQTT 3.1.1, as NATS does', unacceptable, ['5', '4']],
    ['answers 0x84', refuse(0x84), ['5', '4']],
    ['hangs up, as RabbitMQ 3.10 does', hangUp, ['5', '4']],
  ])('speaks MQTT 3.1.1 with a server that %s', async (_, five, expected) => {
    const peer = await startPeer()
    understanding(peer, { method: hangUp, five })
    const client = await connectTo(peer, auto)
    expect(heard(peer)).toEqual(expected)
    expect(client.serverInformation?.protocolVersion).toBe(4)
    // And goes on in that version.
    const received: string[] = []
    await client.subscribe('t', ({ payload }) => received.push(text(payload)))
    expect(await client.publish('t', 'x', { qos: 1, properties: { contentType: 'text/plain' } })).toEqual({
      reasonCode: 0,
    })
    peer.connections[1]?.publish('t', 'hello', { qos: 1, packetIdentifier: 7 })
    await until(() => received.length > 0)
    expect(received).toEqual(['hello'])
    await client.close()
    expect(await peer.connections[1]?.packet('disconnect')).toBeDefined()
  })

  it('leaves out the method first, and 5.0 only then, where nothing was said', async () => {
    const peer = await startPeer()
    understanding(peer, { method: hangUp, five: hangUp })
    await connectTo(peer, { ...auto, credentials: TOKEN })
    expect(heard(peer)).toEqual(['5 JWT', '5', '4'])
    expect(text(peer.connections[2]?.connect.password as Uint8Array)).toBe('token')
  })

  it('stays with 5.0 where the server has accepted it once', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    const client = await connectTo(peer, { ...auto, clock, reconnect: { baseDelayMs: 1, maxDelayMs: 1 } })
    peer.follow({ connect: (_, server) => server.cut() })
    ;(await peer.connection(0)).cut()
    for (let i = 1; i < 4; i++) {
      await until(() => client.state === 'reconnecting')
      await clock.advance(2)
      await (await peer.connection(i)).packet('connect')
    }
    expect(heard(peer).slice(0, 4)).toEqual(['5', '5', '5', '5'])
  })

  it('bounds what is in flight as each version has it', async () => {
    const peer = await startPeer()
    const old = await startPeer()
    understanding(old, { method: hangUp, five: refuse(0x84) })
    for (const server of [peer, old]) {
      const client = await connectTo(server, { ...auto, clientId: `to ${server.port}` })
      expect(client.explain().sending.quota).toBe(server === old ? 20 : 16_384)
    }
  })

  it('fails with the refusal where the server wants nobody in any version', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: ({ protocolVersion }, server) => {
        if (protocolVersion === 5) unacceptable(server)
        else server.accept({ reasonCode: 0x87 })
      },
    })
    expect(await rejection(connectTo(peer, auto))).toMatchObject({ code: 'not-authorized', reasonCode: 0x87 })
    expect(heard(peer)).toEqual(['5', '4'])
  })
})

describe('a session of MQTT 3.1.1', () => {
  it.each([
    [{}, [true, true]],
    [{ cleanSession: false }, [false, false]],
    [{ cleanStart: false }, [false, false]],
    [{ cleanStart: false, cleanSession: true }, [true, true]],
  ])('is one over all connections where that is asked for: %j', async (options, expected) => {
    const peer = await startPeer()
    peer.follow({ connect: ({ cleanStart }, server) => server.accept({ sessionPresent: !cleanStart }) })
    const client = await connectTo(peer, { protocolVersion: 4, ...options })
    await client.reauthenticate()
    expect(peer.connections.map(({ connect }) => connect.cleanStart)).toEqual(expected)
  })

  it('of a client that was turned down in 5.0 is kept in the same way, and resumed', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: ({ protocolVersion, cleanStart }, server) => {
        if (protocolVersion === 5) unacceptable(server)
        else server.accept({ sessionPresent: !cleanStart })
      },
    })
    const client = await connectTo(peer, { protocolVersion: 'auto', cleanSession: false })
    await client.reauthenticate()
    expect(peer.connections.map(({ connect }) => connect.cleanStart)).toEqual([true, false, false])
    expect(client.status.session).toBe('resumed')
  })
})

describe('protocolVersion 5', () => {
  it('names the cause where the server speaks only MQTT 3.1.1', async () => {
    const peer = await startPeer()
    understanding(peer, { method: hangUp, five: unacceptable })
    const error = await rejection(connectTo(peer, { protocolVersion: 5, credentials: TOKEN }))
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'protocol-error' })
    expect(error.message).toContain('the server speaks only MQTT 3.1.1')
    expect(heard(peer)).toEqual(['5 JWT'])
  })

  it('says that the server hung up instead of answering', async () => {
    const peer = await startPeer()
    understanding(peer, { method: hangUp, five: hangUp })
    const error = await rejection(connectTo(peer, { protocolVersion: 5 }))
    expect(error).toMatchObject({ code: 'unreachable', retryable: true })
    expect(error.message).toContain('before CONNACK')
  })
})

describe('CONNECT', () => {
  it.each([
    [268_435_460, 268_435_455],
    [1024, 1024],
  ])('asks for packets of at most what Remaining Length can say: of %i bytes for %i', async (bytes, said) => {
    const peer = await startPeer()
    await connectTo(peer, { maximumPacketBytes: bytes })
    expect(peer.connections[0]?.connect.properties?.maximumPacketSize).toBe(said)
  })
})
