import { FakeClock, FaultProxy, MqttPeer, type PeerConnection, settled, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Client, ConnectOptions, Credentials, CredentialsRequest } from '../index.js'
import { makeHarness, rejection, text } from '../test-support/harness.js'

const { connectTo, makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

const METHOD = 'SCRAM'
const STEADY = { baseDelayMs: 1, maxDelayMs: 1 }

/** AUTH of the server. */
function auth(reasonCode: number, data?: string, authenticationMethod: string | undefined = METHOD) {
  const authenticationData = data === undefined ? undefined : Buffer.from(data)
  return { type: 'auth', reasonCode, properties: { authenticationMethod, authenticationData } } as const
}

/** Answers each question with what was asked, and keeps the reasons. */
function credentials(): { asked: string[]; provider: (request: CredentialsRequest) => Credentials } {
  const asked: string[] = []
  return {
    asked,
    provider: ({ reason, challenge }) => {
      const about = challenge === undefined ? '' : ` ${text(challenge)}`
      asked.push(`${reason}${about}`)
      return { authenticationMethod: METHOD, authenticationData: `${reason}${about} ${asked.length}` }
    },
  }
}

const dataOf = (server: PeerConnection): string[] =>
  server.all('auth').map(({ reasonCode, properties }) => {
    return `${reasonCode.toString(16)} ${text(properties?.authenticationData as Uint8Array)}`
  })

describe('enhanced authentication at connect', () => {
  it('takes as many steps as the server wants [MQTT-4.12.0-3] [MQTT-4.12.0-5]', async () => {
    const peer = await startPeer()
    let steps = 0
    peer.follow({
      connect: (_, server) => server.send(auth(0x18, 'first')),
      auth: (_, server) => {
        if (++steps < 3) server.send(auth(0x18, `step ${steps}`))
        else server.accept({ properties: { authenticationMethod: METHOD } })
      },
    })
    const { asked, provider } = credentials()
    const client = await connectTo(peer, { credentials: provider })
    expect(client.state).toBe('connected')
    expect(asked).toEqual(['connect', 'challenge first', 'challenge step 1', 'challenge step 2'])
    const server = await peer.connection(0)
    expect(dataOf(server)).toEqual(['18 challenge first 2', '18 challenge step 1 3', '18 challenge step 2 4'])
    expect(server.all('auth').every(({ properties }) => properties?.authenticationMethod === METHOD)).toBe(
      true,
    )
  })

  it('that the server refuses half way is a refusal [MQTT-4.12.0-4]', async () => {
    const peer = await startPeer()
    peer.follow({
      connect: (_, server) => server.send(auth(0x18, '?')),
      auth: (_, server) => server.accept({ reasonCode: 0x87, properties: { reasonString: 'wrong proof' } }),
    })
    const { asked, provider } = credentials()
    const error = await rejection(connectTo(peer, { credentials: provider }))
    expect(error).toMatchObject({ name: 'AuthenticationError', code: 'not-authorized', reasonCode: 0x87 })
    expect(error.message).toContain('wrong proof')
    // Once more with fresh ones, and that is all.
    expect(asked).toEqual(['connect', 'challenge ?', 'refresh', 'challenge ?'])
  })

  const broken: [string, ConnectOptions['credentials'], (server: PeerConnection) => void, string][] = [
    [
      'AUTH although no method was offered [MQTT-4.12.0-6]',
      { username: 'me' },
      (server) => server.send(auth(0x18, '?')),
      "the authentication method 'SCRAM' came; expected none",
    ],
    [
      'AUTH of another method [MQTT-4.12.0-5]',
      { authenticationMethod: METHOD },
      (server) => server.send(auth(0x18, '?', 'OTHER')),
      "the authentication method 'OTHER' came; expected 'SCRAM'",
    ],
    [
      'CONNACK of another method [MQTT-4.12.0-5]',
      { authenticationMethod: METHOD },
      (server) => server.accept({ properties: { authenticationMethod: 'OTHER' } }),
      "the authentication method 'OTHER' came; expected 'SCRAM'",
    ],
    [
      'CONNACK with a method although none was offered [MQTT-4.12.0-6]',
      undefined,
      (server) => server.accept({ properties: { authenticationMethod: METHOD } }),
      "the authentication method 'SCRAM' came; expected none",
    ],
    [
      'AUTH that says success before CONNACK',
      { authenticationMethod: METHOD },
      (server) => server.send(auth(0x00)),
      'AUTH with success (0x00) came where none may',
    ],
    [
      'AUTH that asks for a re-authentication, which only clients do',
      { authenticationMethod: METHOD },
      (server) => server.send(auth(0x19, '?')),
      'AUTH with reAuthenticate (0x19) came where none may',
    ],
    [
      'DISCONNECT before CONNACK, with its reason [MQTT-3.14.0-1]',
      { authenticationMethod: METHOD },
      (server) => server.send({ type: 'disconnect', reasonCode: 0x8c, properties: undefined }),
      'disconnect (badAuthenticationMethod (0x8c)) came before CONNACK',
    ],
  ]

  it.each(broken)('does not put up with %s', async (_, provider, act, expected) => {
    const peer = await startPeer()
    peer.follow({ connect: (_packet, server) => act(server) })
    const error = await rejection(connectTo(peer, { credentials: provider }))
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'protocol-error', reasonCode: 0x82 })
    expect(error.message).toContain(expected)
    expect(await (await peer.connection(0)).packet('disconnect')).toMatchObject({ reasonCode: 0x82 })
  })

  it.each([
    ['throws', () => Promise.reject(new Error('no key')), 'no key'],
    [
      'takes another method',
      () => ({ authenticationMethod: 'OTHER' }),
      "answered a challenge of the method 'SCRAM' by the method 'OTHER'",
    ],
  ])('fails where the credentials function %s when it is challenged', async (_, answer, expected) => {
    const peer = await startPeer()
    peer.follow({ connect: (_packet, server) => server.send(auth(0x18, '?')) })
    const provider = ({ reason }: CredentialsRequest): Credentials | Promise<Credentials> =>
      reason === 'challenge' ? answer() : { authenticationMethod: METHOD }
    const error = await rejection(connectTo(peer, { credentials: provider }))
    expect(error).toMatchObject({ name: 'AuthenticationError', code: 'credentials-failed', retryable: true })
    expect(error.message).toContain(expected)
  })
})

describe('re-authentication in place', () => {
  async function start(options: ConnectOptions = {}): Promise<{
    peer: MqttPeer
    client: Client
    server: PeerConnection
    clock: FakeClock
    asked: string[]
  }> {
    const clock = new FakeClock()
    const peer = await startPeer()
    const { asked, provider } = credentials()
    const client = await connectTo(peer, {
      clock,
      keepAliveSeconds: 0,
      credentials: provider,
      reconnect: STEADY,
      ...options,
    })
    return { peer, client, server: await peer.connection(0), clock, asked }
  }

  it('takes as many steps as the server wants, while messages flow [MQTT-4.12.1-1]', async () => {
    const { client, server, asked, clock } = await start()
    const seen: string[] = []
    await client.subscribe('t', ({ payload }) => seen.push(text(payload)))
    const renewed = client.reauthenticate()
    await server.packet('auth')
    server.publish('t', 'meanwhile')
    server.send(auth(0x18, 'more'))
    await server.packet('auth', 1)
    expect(await client.publish('t', 'x', { qos: 1 })).toEqual({ reasonCode: 0 })
    server.send(auth(0x18, 'and more'))
    await server.packet('auth', 2)
    server.send(auth(0x00))
    await renewed
    expect(seen).toEqual(['meanwhile'])
    expect(asked).toEqual(['connect', 'refresh', 'challenge more', 'challenge and more'])
    expect(dataOf(server)).toEqual(['19 refresh 2', '18 challenge more 3', '18 challenge and more 4'])
    expect([client.stats().connects, clock.pendingTimers]).toEqual([1, 0])
    // And again.
    const again = client.reauthenticate()
    await server.packet('auth', 3)
    server.send(auth(0x00))
    await again
  })

  it.each([
    ['nobody asked for', async () => {}, auth(0x00), 'AUTH came although nothing was asked'],
    ['asks for what only clients ask', begun, auth(0x19, '?'), 'reAuthenticate (0x19) came where none may'],
    ['has another method', begun, auth(0x18, '?', 'OTHER'), "'OTHER' came; expected 'SCRAM'"],
    ['has another method and says success', begun, auth(0x00, undefined, 'OTHER'), "'OTHER' came; expected"],
  ])('ends the connection on AUTH that %s', async (_, prepare, packet, expected) => {
    const { client, server } = await start()
    await prepare(client, server)
    const lost = new Promise<Error | undefined>((resolve) => client.onState(({ cause }) => resolve(cause)))
    server.send(packet)
    expect(await lost).toMatchObject({ code: 'protocol-error', reasonCode: 0x82 })
    expect((await lost)?.message).toContain(expected)
    expect(await server.packet('disconnect')).toMatchObject({ reasonCode: 0x82 })
  })

  it.each(['late', 'too late to fail'])(
    'answers no challenge of a connection that is gone: %s',
    async (when) => {
      let settle = (): void => {}
      const provider = ({ reason }: CredentialsRequest): Credentials | Promise<Credentials> => {
        if (reason !== 'challenge') return { authenticationMethod: METHOD }
        return new Promise((resolve, reject) => {
          settle = () => (when === 'late' ? resolve({}) : reject(new Error('no key')))
        })
      }
      const { client, server, clock, peer } = await start({ credentials: provider })
      await begun(client, server)
      server.send(auth(0x18, '?'))
      await until(() => client.stats().bytesReceived > 12)
      server.cut()
      await until(() => client.state === 'reconnecting')
      await clock.advance(1)
      await until(() => client.state === 'connected')
      const again = client.reauthenticate()
      const second = await peer.connection(1)
      await second.packet('auth')
      settle()
      await settled()
      second.send(auth(0x00))
      await again
      expect(second.all('auth')).toHaveLength(1)
      expect(client.stats().connects).toBe(2)
    },
  )

  it('is over with the success of the server: AUTH after that is one that nobody asked for', async () => {
    const { client, server } = await start()
    const renewed = client.reauthenticate()
    await server.packet('auth')
    const lost = new Promise<Error | undefined>((resolve) => client.onState(({ cause }) => resolve(cause)))
    server.send(auth(0x00), auth(0x18, '?'))
    await renewed
    expect(await lost).toMatchObject({ code: 'protocol-error', reasonCode: 0x82 })
  })

  async function begun(client: Client, server: PeerConnection): Promise<void> {
    client.reauthenticate().catch(() => {})
    await server.packet('auth')
  }

  it('has not begun before the credentials are there: an answer by then is none', async () => {
    let answer = (_: Credentials): void => {}
    const provider = ({ reason }: CredentialsRequest): Credentials | Promise<Credentials> =>
      reason === 'connect'
        ? { authenticationMethod: METHOD }
        : new Promise((resolve) => {
            answer = resolve
          })
    const { client, server } = await start({ credentials: provider, reconnect: false })
    const renewed = rejection(client.reauthenticate())
    server.send(auth(0x00))
    expect(await renewed).toMatchObject({ code: 'protocol-error' })
    answer({ authenticationMethod: METHOD })
    await settled()
    expect(server.all('auth')).toEqual([])
  })

  it.each([0x87, 0x8c])(
    'goes on over a new connection where the server answers with DISCONNECT %i',
    async (reasonCode) => {
      const { client, server, peer, clock, asked } = await start()
      const renewed = client.reauthenticate()
      await server.packet('auth')
      server.send({ type: 'disconnect', reasonCode, properties: undefined })
      await until(() => client.state === 'reconnecting')
      await clock.advance(1)
      await renewed
      expect(client.state).toBe('connected')
      expect(asked).toEqual(['connect', 'refresh', 'refresh'])
      expect(peer.connections).toHaveLength(2)
    },
  )

  it('ends with the connection that breaks in the middle, and its successor has fresh credentials', async () => {
    const { client, server, clock, asked } = await start()
    const renewed = client.reauthenticate()
    await server.packet('auth')
    server.cut()
    await until(() => client.state === 'reconnecting')
    await clock.advance(1)
    await renewed
    expect(asked).toEqual(['connect', 'refresh', 'connect'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('ends the connection where the next step cannot be answered [MQTT-4.12.1-2]', async () => {
    const provider = ({ reason }: CredentialsRequest): Credentials => {
      if (reason === 'challenge') throw new Error('no key')
      return { authenticationMethod: METHOD }
    }
    const { client, server, clock } = await start({ credentials: provider })
    const renewed = rejection(client.reauthenticate())
    await server.packet('auth')
    server.send(auth(0x18, '?'))
    expect(await renewed).toMatchObject({ name: 'AuthenticationError', code: 'credentials-failed' })
    expect(await server.packet('disconnect')).toMatchObject({ reasonCode: 0x80 })
    await until(() => client.state === 'reconnecting')
    await clock.advance(1)
    await until(() => client.state === 'connected')
  })

  it.each([
    ['at once', 'refresh', 0, []],
    ['at the next step, which ends the connection', 'challenge', 1, ['19 refresh']],
  ])(
    'that would take more than the server does is not sent: %s [MQTT-3.2.2-15]',
    async (_, large, lost, sent) => {
      const peer = await startPeer()
      peer.follow({
        connect: (_, server) =>
          server.accept({ properties: { maximumPacketSize: 60, authenticationMethod: METHOD } }),
      })
      const provider = ({ reason }: CredentialsRequest): Credentials => ({
        authenticationMethod: METHOD,
        authenticationData: reason === large ? 'x'.repeat(100) : reason,
      })
      const client = await connectTo(peer, { credentials: provider, reconnect: { baseDelayMs: 60_000 } })
      const server = await peer.connection(0)
      const states: string[] = []
      client.onState((change) => states.push(change.state))
      const renewed = rejection(client.reauthenticate())
      if (large === 'challenge') {
        await server.packet('auth')
        server.send(auth(0x18, '?'))
      }
      const error = await renewed
      expect(error).toMatchObject({ name: 'AuthenticationError', code: 'credentials-failed' })
      expect(error.message).toBe(
        'the credentials function gave data for an AUTH of 115 bytes; the server accepts 60',
      )
      expect(client.stats().connectionsLost).toBe(lost)
      expect(dataOf(server)).toEqual(sent)
    },
  )

  it('that the server does not answer in time is tried by a new connection', async () => {
    const { client, server, clock } = await start({ connectTimeoutMs: 2000 })
    const renewed = client.reauthenticate()
    await server.packet('auth')
    const lost = new Promise<Error | undefined>((resolve) => client.onState(({ cause }) => resolve(cause)))
    await clock.advance(2000)
    expect(await lost).toMatchObject({ code: 'timeout', retryable: true })
    expect(await server.packet('disconnect')).toMatchObject({ reasonCode: 0x80 })
    await clock.advance(1)
    await renewed
    expect(client.stats().connects).toBe(2)
  })

  it('rejects where the credentials are not there in time, and leaves the connection as it is', async () => {
    let answer = (_: Credentials): void => {}
    const provider = ({ reason }: CredentialsRequest): Credentials | Promise<Credentials> =>
      reason === 'connect'
        ? { authenticationMethod: METHOD }
        : new Promise((resolve) => {
            answer = resolve
          })
    const { client, server, clock } = await start({ credentials: provider, connectTimeoutMs: 2000 })
    const renewed = rejection(client.reauthenticate())
    await clock.advance(2000)
    expect(await renewed).toMatchObject({ code: 'credentials-failed', retryable: true })
    answer({ authenticationMethod: METHOD })
    await settled()
    expect(server.all('auth')).toEqual([])
    expect(client.state).toBe('connected')
  })

  it.each([
    ['another one', { authenticationMethod: 'OTHER' }],
    ['none', { username: 'me', password: 'x' }],
  ])('becomes a new connection where the fresh credentials have %s for a method', async (_, fresh) => {
    let isFirst = true
    const provider = (): Credentials => {
      const given = isFirst ? { authenticationMethod: METHOD } : fresh
      isFirst = false
      return given
    }
    const { client, server, peer } = await start({ credentials: provider })
    await client.reauthenticate()
    expect(server.all('auth')).toEqual([])
    const { connect } = await peer.connection(1)
    expect(connect.properties?.authenticationMethod).toBe((fresh as Credentials).authenticationMethod)
  })

  it('is not for a client without a connection: it rejects, or joins the attempt', async () => {
    const client = makeClient({ url: 'mqtt://127.0.0.1:1' })
    expect(await rejection(client.reauthenticate())).toMatchObject({ code: 'closed' })
    const peer = await startPeer()
    const other = makeClient({ url: peer.url })
    const connecting = other.connect()
    await until(() => other.state === 'connecting')
    await Promise.all([connecting, other.reauthenticate()])
  })
})
