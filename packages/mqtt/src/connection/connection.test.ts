import { inspect } from 'node:util'
import {
  FakeClock,
  FaultProxy,
  MemoryNetwork,
  MqttPeer,
  type PeerConnection,
  settled,
  until,
} from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  AuthenticationError,
  ConnectionError,
  type Credentials,
  type CredentialsRequest,
  connect,
  type StateChange,
} from '../index.js'
import { makeHarness, rejection, text } from '../test-support/harness.js'

const { connectTo, makeClient, startPeer, startProxy } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

/** No chance in the delays. */
const STEADY = { jitter: 0 }

describe('connect', () => {
  it('sends everything CONNECT can carry and reads everything CONNACK can tell [MQTT-3.1.0-1]', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: (_, server) =>
        server.accept({
          properties: {
            assignedClientIdentifier: 'given',
            serverKeepAlive: 7,
            sessionExpiryInterval: 5,
            receiveMaximum: 9,
            maximumQoS: 1,
            retainAvailable: 0,
            maximumPacketSize: 999,
            topicAliasMaximum: 3,
            sharedSubscriptionAvailable: 0,
            responseInformation: 'info',
            reasonString: 'welcome',
            userProperties: [['k', 'v']],
          },
        }),
    })
    const client = await connectTo(peer, {
      clientId: '',
      keepAliveSeconds: 30,
      sessionExpirySeconds: 60,
      receiveMaximum: 50,
      maximumPacketBytes: 5000,
      topicAliasMaximum: 4,
      requestResponseInformation: true,
      requestProblemInformation: false,
      userProperties: [['u', 'p']],
      will: { topic: 'will', payload: 'gone', qos: 1, retain: true, properties: { willDelayInterval: 3 } },
      credentials: {
        username: 'me',
        password: 'secret',
        authenticationMethod: 'JWT',
        authenticationData: 'token',
      },
    })
    const { connect: packet } = await peer.connection(0)
    expect(packet).toMatchObject({
      protocolVersion: 5,
      cleanStart: true,
      keepAlive: 30,
      clientId: '',
      username: 'me',
      will: { topic: 'will', qos: 1, retain: true, properties: { willDelayInterval: 3 } },
      properties: {
        sessionExpiryInterval: 60,
        receiveMaximum: 50,
        maximumPacketSize: 5000,
        topicAliasMaximum: 4,
        requestResponseInformation: 1,
        requestProblemInformation: 0,
        userProperties: [['u', 'p']],
        authenticationMethod: 'JWT',
      },
    })
    expect(text(packet.password as Uint8Array)).toBe('secret')
    expect(text(packet.properties?.authenticationData as Uint8Array)).toBe('token')
    expect(client.clientId).toBe('given')
    expect(client.serverInformation).toEqual({
      protocolVersion: 5,
      sessionPresent: false,
      clientId: 'given',
      assignedClientIdentifier: 'given',
      receiveMaximum: 9,
      maximumQoS: 1,
      retainAvailable: false,
      maximumPacketSize: 999,
      topicAliasMaximum: 3,
      wildcardSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: true,
      sharedSubscriptionAvailable: false,
      keepAliveSeconds: 7,
      sessionExpirySeconds: 5,
      responseInformation: 'info',
      serverReference: undefined,
      reasonString: 'welcome',
      userProperties: [['k', 'v']],
    })
  })

  it('speaks MQTT 3.1.1', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer, {
      protocolVersion: 4,
      credentials: { username: 'me', password: 'x' },
    })
    const seen: string[] = []
    await client.subscribe('a/#', { qos: 2 }, (m) => seen.push(`${m.topic} ${m.qos}`))
    const server = await peer.connection(0)
    for (const qos of [0, 1, 2] as const) {
      await client.publish('t', 'x', { qos, properties: { contentType: 'left out' } })
      server.publish('a/b', 'x', { qos, packetIdentifier: qos === 0 ? 0 : 100 + qos })
    }
    await server.packet('pubcomp')
    expect(seen).toEqual(['a/b 0', 'a/b 1', 'a/b 2'])
    expect(server.connect).toMatchObject({ protocolVersion: 4, cleanStart: true, username: 'me' })
    await client.close()
    expect(await server.packet('disconnect')).toMatchObject({ reasonCode: 0 })
  })

  it('takes user and password from the URL, and never shows them [promise 19]', async () => {
    const peer = await startPeer()
    const url = peer.url.replace('//', '//me:pass%3Aword@')
    const client = await connectTo({ url })
    const { connect: packet } = await peer.connection(0)
    expect([packet.username, text(packet.password as Uint8Array)]).toEqual(['me', 'pass:word'])
    expect(inspect(client, { depth: 10, showHidden: true })).not.toContain('word')
    const error = await rejection(connect({ url: 'mqtt://me:password@/' }))
    expect(error.message).not.toContain('password')
  })

  it.each([
    [{}, 'url'],
    [{ url: 'nonsense' }, "'mqtts://host:8883'"],
    [{ url: 'http://host' }, "scheme 'http'"],
    [{ url: 'mqtt://h', keepAliveSeconds: -1 }, 'keepAliveSeconds is -1'],
    [{ url: 'mqtt://h', receiveMaximum: 0 }, 'receiveMaximum is 0'],
    [{ url: 'mqtt://h', reconnect: { jitter: 1 } }, 'reconnect.jitter is 1'],
    [{ url: 'mqtt://h', will: { topic: 'a/#', payload: '' } }, 'will: topic name'],
  ])('refuses options that cannot work and names them: %j', async (options, expected) => {
    const error = await rejection(connect(options))
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'invalid-argument', retryable: false })
    expect(error.message).toContain(expected)
  })

  it('rejects with the reason when the server refuses', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: (_, server) => server.accept({ reasonCode: 0x85, properties: { reasonString: 'too long' } }),
    })
    const error = await rejection(connectTo(peer))
    expect(error).toBeInstanceOf(ConnectionError)
    expect(error).toMatchObject({ code: 'refused', reasonCode: 0x85, retryable: true })
    expect(error.message).toContain('clientIdentifierNotValid (0x85): too long')
  })

  it('rejects when nobody listens, after every URL had its chance [promise 16]', async () => {
    const peer = await startPeer()
    const { url } = peer
    await peer.close()
    expect(await rejection(connect({ url }))).toMatchObject({ code: 'unreachable', retryable: true })
    const other = await startPeer()
    const client = await connectTo(other, { url: undefined, urls: [url, other.url] })
    expect(client.state).toBe('connected')
  })

  it('gives up on a silent server, on abort, and on its own time-out [promise 17]', async () => {
    const peer = await startPeer()
    peer.follow({ connect: () => {} })
    const slow = await rejection(connectTo(peer, { connectTimeoutMs: 20 }))
    expect(slow).toMatchObject({ code: 'timeout', retryable: true })
    const aborted = rejection(connect({ url: peer.url, signal: AbortSignal.timeout(20) }))
    expect(await aborted).toMatchObject({ code: 'aborted' })
    const client = makeClient({ url: peer.url })
    expect(await rejection(client.connect({ timeoutMs: 20 }))).toMatchObject({ code: 'timeout' })
  })

  it('ends the connection with the right reason when the server breaks the protocol [MQTT-4.13.1-1]', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer, { reconnect: false })
    const server = await peer.connection(0)
    server.socket.write(Buffer.from([0x30, 0x01, 0x00]))
    expect(await server.packet('disconnect')).toMatchObject({ reasonCode: 0x81 })
    await server.closed
    expect(client.status).toMatchObject({ state: 'disconnected', cause: { code: 'protocol-error' } })
  })
})

describe('reconnect', () => {
  it('retries at once, then after 1 s doubling to 60 s, and opens the breaker after ten failures [promise 14]', async () => {
    const clock = new FakeClock()
    const client = makeClient({
      url: 'mqtt://127.0.0.1:1',
      clock,
      waitForConnection: false,
      reconnect: STEADY,
    })
    const delays: (number | undefined)[] = []
    client.onState(({ state, delayMs }) => state === 'reconnecting' && delays.push(delayMs))
    const connecting = rejection(client.connect())
    for (let i = 0; i < 9; i++) {
      await until(() => client.state === 'reconnecting')
      await clock.advance(client.status.delayMs ?? 0)
    }
    await until(() => client.state === 'error')
    expect(delays).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
    expect(await connecting).toMatchObject({ code: 'breaker-open', retryable: true })
    expect(await rejection(client.publish('t', 'x', { qos: 1 }))).toMatchObject({ code: 'offline' })
    expect(clock.pendingTimers).toBe(0)
  })

  it('starts anew after reset() [promise 14]', async () => {
    const peer = await startPeer()
    const port = peer.port
    await peer.close()
    const client = makeClient({
      url: `mqtt://127.0.0.1:${port}`,
      waitForConnection: false,
      reconnect: { failuresBeforeOpen: 2 },
    })
    await rejection(client.connect())
    expect(client.state).toBe('error')
    await peer.relisten(port)
    client.reset()
    await until(() => client.state === 'connected')
  })

  it('starts anew after connect(), which leaves an open breaker as well [promise 14]', async () => {
    const peer = await startPeer()
    const port = peer.port
    await peer.close()
    const client = makeClient({
      url: `mqtt://127.0.0.1:${port}`,
      waitForConnection: false,
      reconnect: { failuresBeforeOpen: 1 },
    })
    await rejection(client.connect())
    expect(client.state).toBe('error')
    await peer.relisten(port)
    await client.connect({ timeoutMs: 5000 })
    expect(client.state).toBe('connected')
  })

  it('counts a connection that does not hold as a failure [promise 14]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    const client = await connectTo(peer, { clock, reconnect: { ...STEADY, stableAfterMs: 5000 } })
    const delays: (number | undefined)[] = []
    client.onState(({ state, delayMs }) => state === 'reconnecting' && delays.push(delayMs))
    for (let i = 0; i < 3; i++) {
      ;(await peer.connection(i)).cut()
      await until(() => client.state === 'reconnecting')
      await clock.advance(client.status.delayMs ?? 0)
      await until(() => client.state === 'connected')
    }
    await clock.advance(5000)
    ;(await peer.connection(3)).cut()
    await until(() => client.state === 'reconnecting')
    expect(delays).toEqual([0, 1000, 2000, 0])
  })

  it('resumes the session with the assigned identifier [MQTT-3.2.2-16]', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: (packet, server) =>
        server.accept({
          properties: { assignedClientIdentifier: 'given' },
          sessionPresent: !packet.cleanStart,
        }),
    })
    const client = await connectTo(peer, { clientId: undefined })
    ;(await peer.connection(0)).cut()
    const second = await peer.connection(1)
    await until(() => client.state === 'connected')
    expect(second.connect).toMatchObject({ clientId: 'given', cleanStart: false })
    expect(client.serverInformation?.sessionPresent).toBe(true)
  })

  it('never fights back when its session is taken over [promise 15]', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer)
    const server = await peer.connection(0)
    server.send({ type: 'disconnect', reasonCode: 0x8e, properties: undefined })
    await until(() => client.state === 'error')
    expect(client.status.cause).toMatchObject({
      code: 'server-disconnected',
      reasonCode: 0x8e,
      retryable: false,
    })
    await settled(5)
    expect(peer.connections).toHaveLength(1)
  })

  it('goes to the server it is referred to [promise 15]', async () => {
    const [old, young] = [await startPeer(), await startPeer()]
    old.follow({
      connect: (_, server) =>
        server.accept({ reasonCode: 0x9d, properties: { serverReference: `127.0.0.1:${young.port}` } }),
    })
    const client = await connectTo(old)
    expect(client.state).toBe('connected')
    expect(young.connections).toHaveLength(1)
  })

  it('gives up where servers refer to each other in a circle [promise 15]', async () => {
    const [one, other] = [await startPeer(), await startPeer()]
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      from.follow({
        connect: (_, server) =>
          server.accept({ reasonCode: 0x9c, properties: { serverReference: `127.0.0.1:${to.port}` } }),
      })
    }
    expect(await rejection(connectTo(one))).toMatchObject({ code: 'refused', reasonCode: 0x9c })
    expect(one.connections.length + other.connections.length).toBe(10)
  })

  it('tells its states in order, with attempt and delay [promise 13]', async () => {
    const peer = await startPeer()
    const client = makeClient({ url: peer.url })
    const told: StateChange[] = []
    const watching = (async () => {
      for await (const change of client.states()) told.push(change)
    })()
    await client.connect()
    ;(await peer.connection(0)).cut()
    await until(() => client.state === 'reconnecting' || told.length > 3)
    await until(() => client.state === 'connected')
    await client.close()
    await watching
    expect(told.map(({ state }) => state)).toEqual([
      'disconnected',
      'connecting',
      'connected',
      'reconnecting',
      'connecting',
      'connected',
      'disconnected',
    ])
    expect(told[3]).toMatchObject({ delayMs: 0, attempt: 1, cause: { code: 'lost' } })
  })
})

describe('credentials', () => {
  it('are asked for afresh with every attempt, and once more after a refusal [promise 15] [promise 16]', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: ({ password }, server) =>
        server.accept({ reasonCode: text(password as Uint8Array) === '1' ? 0x87 : 0 }),
    })
    const asked: CredentialsRequest[] = []
    const credentials = async (request: CredentialsRequest): Promise<Credentials> => {
      asked.push(request)
      return { username: 'me', password: `${asked.length}` }
    }
    const client = await connectTo(peer, { credentials })
    expect(asked.map(({ reason, reasonCode }) => [reason, reasonCode])).toEqual([
      ['connect', undefined],
      ['refresh', 0x87],
    ])
    const server = await peer.connection(1)
    server.send({ type: 'disconnect', reasonCode: 0x87, properties: undefined })
    const third = await peer.connection(2)
    await until(() => client.state === 'connected')
    expect(text(third.connect.password as Uint8Array)).toBe('3')
    expect(asked[2]).toMatchObject({ reason: 'refresh', reasonCode: 0x87 })
  })

  it('that stay refused are what connect() tells, after one fresh try [promise 15]', async () => {
    const peer = await startPeer()
    peer.follow({ connect: (_, server) => server.accept({ reasonCode: 0x86 }) })
    const error = await rejection(connectTo(peer, { credentials: () => ({ username: 'me' }) }))
    expect(error).toBeInstanceOf(AuthenticationError)
    expect(error).toMatchObject({ code: 'bad-credentials', reasonCode: 0x86, retryable: true })
    expect(peer.connections).toHaveLength(2)
    // Others than the same again are not to be had from constants.
    await rejection(connectTo(peer, { credentials: { username: 'me' } }))
    expect(peer.connections).toHaveLength(3)
  })

  it('get their one second chance again after reset() [promise 14] [promise 15]', async () => {
    const peer = await startPeer()
    peer.follow({ connect: (_, server) => server.accept({ reasonCode: 0x87 }) })
    const asked: string[] = []
    const client = makeClient({
      url: peer.url,
      waitForConnection: false,
      reconnect: { failuresBeforeOpen: 2 },
      credentials: ({ reason }) => {
        asked.push(reason)
        return { username: 'me' }
      },
    })
    await rejection(client.connect())
    client.reset()
    await until(() => client.state === 'error')
    expect(asked).toEqual(['connect', 'refresh', 'connect', 'refresh'])
  })

  it('are offered without their method where the server does not know it (0x8C), from then on', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: ({ properties }, server) =>
        server.accept({ reasonCode: properties?.authenticationMethod === undefined ? 0 : 0x8c }),
    })
    const credentials = {
      username: 'me',
      password: 'x',
      authenticationMethod: 'JWT',
      authenticationData: 'x',
    }
    await connectTo(peer, { credentials })
    ;(await peer.connection(1)).cut()
    const third = await peer.connection(2)
    expect((await third.packet('connect')).properties?.authenticationMethod).toBeUndefined()
    expect(peer.connections).toHaveLength(3)
  })

  it('answer the challenges of the server with AUTH [MQTT-4.12.0-3]', async () => {
    const peer = await startPeer()
    const challenge = Buffer.from('?')
    const auth = { authenticationMethod: 'M', authenticationData: challenge }
    peer.follow({
      connect: (_, server) => server.send({ type: 'auth', reasonCode: 0x18, properties: auth }),
      auth: (_, server) => server.accept(),
    })
    const credentials = ({ reason, challenge: asked }: CredentialsRequest): Credentials => ({
      authenticationMethod: 'M',
      authenticationData: reason === 'challenge' ? `answer to ${text(asked as Uint8Array)}` : 'hello',
    })
    await connectTo(peer, { credentials })
    const answer = await (await peer.connection(0)).packet('auth')
    expect(answer.reasonCode).toBe(0x18)
    expect(text(answer.properties?.authenticationData as Uint8Array)).toBe('answer to ?')
  })

  it('that cannot be had are retried like any other failure', async () => {
    const peer = await startPeer()
    let calls = 0
    const credentials = (): Credentials => {
      calls++
      if (calls < 3) throw new Error('issuer down')
      return { username: 'me' }
    }
    const client = makeClient({
      url: peer.url,
      credentials,
      waitForConnection: false,
      reconnect: { baseDelayMs: 1 },
    })
    const told: StateChange[] = []
    client.onState((change) => told.push(change))
    await client.connect()
    expect(calls).toBe(3)
    expect(told[1]?.cause).toMatchObject({ name: 'AuthenticationError', code: 'credentials-failed' })
  })
})

describe('reauthenticate', () => {
  const credentials = (authenticationMethod: string | undefined) => {
    let asked = 0
    return (): Credentials => ({
      username: 'me',
      password: `token ${++asked}`,
      authenticationMethod,
      authenticationData: `token ${asked}`,
    })
  }

  it('uses AUTH in place where the connection was made with a method', async () => {
    const peer = await startPeer()
    peer.follow({
      auth: (_, server) =>
        server.send({ type: 'auth', reasonCode: 0, properties: { authenticationMethod: 'JWT' } }),
    })
    const client = await connectTo(peer, { credentials: credentials('JWT') })
    await Promise.all([client.reauthenticate(), client.reauthenticate()])
    const server = await peer.connection(0)
    expect(server.all('auth')).toMatchObject([
      { reasonCode: 0x19, properties: { authenticationMethod: 'JWT' } },
    ])
    expect(text(server.all('auth')[0]?.properties?.authenticationData as Uint8Array)).toBe('token 2')
    expect(client.stats().connects).toBe(1)
  })

  it('reconnects to the same session otherwise, and loses nothing', async () => {
    const peer = await startPeer()
    peer.follow({ connect: (packet, server) => server.accept({ sessionPresent: !packet.cleanStart }) })
    const client = await connectTo(peer, { credentials: credentials(undefined) })
    const renewed = client.reauthenticate()
    const published = client.publish('t', 'x', { qos: 1 })
    await renewed
    await published
    const [first, second] = [await peer.connection(0), await peer.connection(1)]
    expect(first.all('disconnect')).toMatchObject([{ reasonCode: 0, properties: undefined }])
    expect(text(second.connect.password as Uint8Array)).toBe('token 2')
    expect(second.connect.cleanStart).toBe(false)
    expect([...first.all('publish'), ...second.all('publish')]).toHaveLength(1)
  })

  it('settles with credentials that were asked for after the call, whatever was under way', async () => {
    const peer = await startPeer()
    const held: PeerConnection[] = []
    peer.follow({ connect: (_, server) => void held.push(server) })
    let secret = 'old'
    const client = makeClient({ url: peer.url, credentials: () => ({ username: 'me', password: secret }) })
    const connecting = client.connect()
    await until(() => held.length === 1)
    secret = 'new'
    const renewed = client.reauthenticate()
    held[0]?.accept()
    await connecting
    await until(() => held.length === 2)
    expect(held.map(({ connect }) => text(connect.password as Uint8Array))).toEqual(['old', 'new'])
    // So does one that comes while this renewal waits for the server.
    secret = 'newest'
    const again = client.reauthenticate()
    held[1]?.accept()
    await renewed
    await until(() => held.length === 3)
    held[2]?.accept()
    await again
    expect(text(held[2]?.connect.password as Uint8Array)).toBe('newest')
  })

  it('rejects where there is no hope of a connection', async () => {
    const client = makeClient({ url: 'mqtt://127.0.0.1:1' })
    expect(await rejection(client.reauthenticate())).toMatchObject({ name: 'ConnectionError' })
  })
})

describe('keep-alive', () => {
  it('pings when either direction was idle, and finds a half-open link by silence [promise 17]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    const proxy = await startProxy(peer)
    peer.follow({ connect: (_, server) => server.accept({ properties: { serverKeepAlive: 20 } }) })
    const client = await connectTo(
      { url: `mqtt://127.0.0.1:${proxy.port}` },
      { clock, keepAliveSeconds: 999 },
    )
    const server = await peer.connection(0)
    await clock.advance(10_000)
    await clock.advance(10_000)
    await server.packet('pingreq')
    await until(() => client.stats().bytesReceived > 8)
    await clock.advance(5000)
    expect(client.state).toBe('connected')
    proxy.faults = { isHalfOpen: true }
    const lost = new Promise<StateChange>((resolve) => client.onState(resolve))
    for (let i = 0; i < 3; i++) {
      await client.publish('t', 'still sending')
      await clock.advance(10_000)
    }
    expect(await lost).toMatchObject({ state: 'reconnecting', cause: { code: 'keep-alive-timeout' } })
  })

  it('waits for the answer to PINGREQ no longer than the server lets us be silent [promise 17] [MQTT-3.1.2-20]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    peer.follow({ pingreq: () => {} })
    const client = await connectTo(peer, { clock, keepAliveSeconds: 4, pingTimeoutMs: 5000 })
    const startedAtMs = clock.now()
    const told: unknown[] = []
    client.onState(({ cause }) => told.push([clock.now() - startedAtMs, (cause as ConnectionError)?.code]))
    await clock.advance(4000)
    await (await peer.connection(0)).packet('pingreq')
    await clock.advance(3000)
    // Two looks, of which the first still saw the handshake, and the time-out.
    expect(told[0]).toEqual([6000, 'keep-alive-timeout'])
  })

  it('counts a socket that takes nothing as broken [promise 17]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    const client = await connectTo(peer, { clock, writeTimeoutMs: 30_000, keepAliveSeconds: 0 })
    const server = await peer.connection(0)
    server.stopReading()
    const payload = Buffer.alloc(1_048_576)
    for (let i = 0; i < 32; i++) client.publish('t', payload).catch(() => {})
    await settled()
    const lost = new Promise<StateChange>((resolve) => client.onState(resolve))
    await clock.advance(30_000)
    expect(await lost).toMatchObject({ cause: { code: 'write-timeout' } })
  })

  it('does not hold it against a socket that it was full for a while [promise 17]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    const proxy = await startProxy(peer)
    const client = await connectTo(
      { url: `mqtt://127.0.0.1:${proxy.port}` },
      { clock, writeTimeoutMs: 30_000, keepAliveSeconds: 0 },
    )
    proxy.faults = { isStalled: true }
    const payload = Buffer.alloc(1_048_576)
    const publishing = Array.from({ length: 32 }, () => client.publish('t', payload))
    await until(() => !client.explain().socket.isWritable)
    await clock.advance(20_000)
    proxy.faults = {}
    await Promise.all(publishing)
    await until(() => client.explain().socket.bufferedBytes === 0)
    await clock.advance(60_000)
    expect([client.state, client.stats().connectionsLost, clock.pendingTimers]).toEqual(['connected', 0, 0])
  })
})

describe('a server that sends and does not read', () => {
  it('is not read any more while it owes us so much, and is when it has read', async () => {
    const network = new MemoryNetwork()
    let takenBytes = 0
    let isFull = false
    const calls: string[] = []
    const client = makeClient({
      url: 'mqtt://h',
      keepAliveSeconds: 0,
      queue: { maximumBytes: 0 },
      transport: () =>
        Object.assign(network.transport(), {
          write: (chunks: readonly Uint8Array[]) => {
            for (const chunk of chunks) takenBytes += chunk.length
            return !isFull
          },
          pause: () => calls.push('pause'),
          resume: () => calls.push('resume'),
        }),
    })
    const connecting = client.connect()
    await until(() => network.link !== undefined)
    const { link } = network
    link?.writeAsServer([Buffer.from([0x20, 0x03, 0x00, 0x00, 0x00])])
    await settled()
    link?.deliverToClient()
    await connecting
    isFull = true
    // PUBREL, each of which is answered.
    const releases = Buffer.alloc(65_536)
    for (let at = 0; at < releases.length; at += 4) releases.set([0x62, 0x02, 0x00, 0x01], at)
    let blocks = 0
    for (; calls.length === 0 && blocks < 100; blocks++) {
      link?.listener?.onData(releases)
      await settled(1)
    }
    expect(blocks).toBeLessThan(20)
    expect(client.explain().socket.bufferedBytes).toBeLessThan(1_300_000)
    isFull = false
    const before = takenBytes
    link?.listener?.onDrain()
    expect(takenBytes - before).toBeGreaterThan(1_000_000)
    expect(calls).toEqual(['pause', 'resume'])
  })
})

describe('an abandoned socket', () => {
  it('has nothing to say any more, whatever it tells late [promise 17]', async () => {
    const clock = new FakeClock()
    const network = new MemoryNetwork()
    const client = makeClient({
      url: 'mqtt://h',
      clock,
      transport: network.transport,
      connectTimeoutMs: 1000,
    })
    client.connect().catch(() => {})
    await until(() => network.links.length === 1)
    const late = network.links[0]?.listener
    await clock.advance(1000)
    expect(client.status).toMatchObject({ state: 'disconnected', cause: { code: 'timeout' } })
    client.connect().catch(() => {})
    await until(() => network.links.length === 2)
    const before = client.status
    late?.onOpen()
    late?.onData(Buffer.from([0x20, 0x03, 0x00, 0x00, 0x00]))
    late?.onDrain()
    late?.onClose(new Error('late'))
    await settled()
    expect(client.status).toEqual(before)
    expect(client.state).toBe('connecting')
  })
})

describe('close', () => {
  it('drains, says goodbye, leaves nothing, and rejects what comes later [promise 18]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    const client = await connectTo(peer, { clock })
    const published = client.publish('t', 'x', { qos: 2 })
    expect(await client.close()).toEqual({ unacknowledgedMessages: 0, runningHandlers: 0 })
    expect(await published).toEqual({ reasonCode: 0 })
    const server = await peer.connection(0)
    expect(server.all('disconnect')).toMatchObject([
      { reasonCode: 0, properties: { sessionExpiryInterval: 0 } },
    ])
    await server.closed
    expect(clock.pendingTimers).toBe(0)
    expect(client.state).toBe('disconnected')
    expect(await rejection(client.publish('t', 'x'))).toMatchObject({ code: 'closed', mayBeDelivered: false })
    expect(await rejection(client.subscribe('t', () => {}))).toMatchObject({ code: 'closed' })
    expect(await rejection(client.connect())).toMatchObject({ code: 'closed' })
  })

  it('settles in time and reports what it left [promise 18]', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: (_, server) => server.accept({ properties: { receiveMaximum: 1 } }),
      publish: () => {},
    })
    const client = await connectTo(peer)
    await client.subscribe('t', () => new Promise(() => {}))
    ;(await peer.connection(0)).publish('t', 'x', { qos: 1, packetIdentifier: 1 })
    const sent = rejection(client.publish('t', 'sent', { qos: 1 }))
    const queued = rejection(client.publish('t', 'queued', { qos: 1 }))
    await until(() => client.stats().handlersRunning === 1)
    expect(await client.close({ timeoutMs: 50 })).toEqual({ unacknowledgedMessages: 2, runningHandlers: 1 })
    expect(await sent).toMatchObject({ code: 'closed', mayBeDelivered: true })
    expect(await queued).toMatchObject({ code: 'closed', mayBeDelivered: false })
  })

  it('ends the time-outs and listeners of every call that waits [promise 18]', async () => {
    const clock = new FakeClock()
    const peer = await startPeer()
    peer.follow({ publish: () => {}, subscribe: () => {} })
    const client = await connectTo(peer, { clock })
    const call = { timeoutMs: 60_000 }
    const waiting = [
      rejection(client.publish('t', 'x', { qos: 1, ...call })),
      rejection(client.subscribe('t', call, () => {})),
    ]
    await client.close({ drain: false })
    expect(await Promise.all(waiting)).toMatchObject([{ code: 'closed' }, { code: 'closed' }])
    expect(clock.pendingTimers).toBe(0)
  })

  it('does not wait for a connection that is not coming [promise 18]', async () => {
    const client = makeClient({ url: 'mqtt://127.0.0.1:1' })
    const published = rejection(client.publish('t', 'x', { qos: 1 }))
    expect(await client.close({ timeoutMs: 60_000 })).toMatchObject({ unacknowledgedMessages: 1 })
    expect(await published).toMatchObject({ code: 'closed' })
  })

  it('keeps a session that is to be resumed', async () => {
    const peer = await startPeer()
    const client = await connectTo(peer, { cleanStart: false })
    await client.close()
    const [goodbye] = (await peer.connection(0)).all('disconnect')
    expect(goodbye?.properties?.sessionExpiryInterval).toBeUndefined()
  })
})
