import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { createAuthority, issueClientCertificate, issueServerCertificate } from '@jamey/auth'
import { FakeClock, RawClient, until } from '@jamey/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import {
  type AuthenticationRequest,
  type Identity,
  insecureAuthenticator,
  type ListenerTls,
  type ReloadOptions,
  type Revise,
} from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

let ca: string
let first: ListenerTls
let second: ListenerTls
let client: { cert: string; key: string }

beforeAll(async () => {
  const authority = await createAuthority()
  ca = authority.certPem
  const issue = async (host: string): Promise<ListenerTls> => {
    const { certPem, keyPem } = await issueServerCertificate(authority, { hosts: [host, 'localhost'] })
    return { cert: certPem, key: keyPem, ca }
  }
  first = await issue('first.example')
  second = await issue('second.example')
  const { certPem, keyPem } = await issueClientCertificate(authority, { commonName: 'c' })
  client = { cert: certPem, key: keyPem }
})

async function secure(port: number, options: object = {}): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port, ca, servername: 'localhost', ...options })
  await once(socket, 'secureConnect')
  return socket
}

const namesIn = (socket: TLSSocket): string => String(socket.getPeerCertificate().subjectaltname)
const taking = (port: number) => RawClient.connect(port, { clientId: 'new' })

describe('reload of connectTimeoutMs', () => {
  it.each([false, true])(
    'bounds the TLS handshakes that come then (WebSocket: %s) [promise 34]',
    async (webSocket) => {
      const clock = new FakeClock()
      const listeners = [{ host: '127.0.0.1', port: 0, tls: first, webSocket }]
      const { broker, port } = await startBroker({ listeners, clock, limits: { connectTimeoutMs: 10_000 } })
      const closed: string[] = []
      /** Says nothing. What comes behind it shows that it was accepted. */
      const arrive = async (name: string) => {
        const socket = connectPlain(port, '127.0.0.1')
        socket.on('error', () => {}).on('close', () => closed.push(name))
        await once(socket, 'connect')
        return (await secure(port)).on('error', () => {})
      }
      const kept = webSocket ? undefined : new RawClient(await secure(port), 5)
      await kept?.handshake()
      const slow = [await arrive('before')]
      broker.reload({ limits: { connectTimeoutMs: 2000 } })
      slow.push(await arrive('after'))
      await clock.advance(1999)
      expect(closed).toEqual([])
      await clock.advance(1)
      await until(() => closed.length > 0)
      await clock.advance(7999)
      expect(closed).toEqual(['after'])
      await clock.advance(1)
      await until(() => closed.length > 1)
      expect(closed).toEqual(['after', 'before'])
      if (kept !== undefined) expect(await kept.settle()).toEqual([])
      for (const socket of slow) socket.destroy()
    },
  )
})

describe('reload of certificates', () => {
  it('serves the new one to new connections, ends none, and keeps to TLS 1.3 [promise 36]', async () => {
    const listeners = [{ host: '127.0.0.1', port: 0, tls: first }]
    const { broker, port } = await startBroker({ listeners })
    const socket = await secure(port)
    const a = new RawClient(socket, 5)
    await a.handshake()
    broker.reload({ tls: [second] })
    expect(await a.received()).toEqual([])
    expect(namesIn(socket)).toContain('first.example')
    const later = await secure(port)
    expect(namesIn(later)).toContain('second.example')
    expect((await new RawClient(later, 5).handshake()).reasonCode).toBe(0)
    await expect(secure(port, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/alert|version/i)
  })

  it('reaches WebSocket listeners, and leaves those it does not name', async () => {
    const plain = { host: '127.0.0.1', port: 0 }
    const listeners = [
      { ...plain, tls: first },
      { ...plain, tls: first, webSocket: true },
    ]
    const { broker } = await startBroker({ listeners })
    broker.reload({ tls: [undefined, second] })
    const [tcp, web] = broker.addresses
    expect(namesIn(await secure(tcp?.port ?? 0))).toContain('first.example')
    expect(namesIn(await secure(web?.port ?? 0))).toContain('second.example')
    const url = `wss://localhost:${web?.port}/mqtt`
    const webSocket = new WebSocket(url, ['mqtt'], { ca })
    await once(webSocket, 'open')
    webSocket.terminate()
  })

  it('shuts out clients of an authority that is gone, with a session of TLS to resume, too [promise 25]', async () => {
    const tls = { ...first, requestClientCertificate: true }
    const { broker, port } = await startBroker({ listeners: [{ host: '127.0.0.1', port: 0, tls }] })
    const handshake = async (session: Buffer | undefined): Promise<TLSSocket> =>
      secure(port, { ...client, session })
    const socket = await handshake(undefined)
    const ticket = once(socket, 'session').then(([session]) => session as Buffer)
    expect((await new RawClient(socket, 5).handshake()).reasonCode).toBe(0)
    const resumed = await handshake(await ticket)
    expect(resumed.isSessionReused()).toBe(true)
    expect((await new RawClient(resumed, 5).handshake()).reasonCode).toBe(0)
    const { certPem } = await createAuthority()
    broker.reload({ tls: [{ ...second, ca: certPem, requestClientCertificate: true }] })
    const later = await handshake(await ticket)
    const isReused = later.isSessionReused()
    await new RawClient(later, 5).closed
    expect([isReused, broker.stats().connectionsRefused]).toEqual([false, 1])
  })

  it('changes nothing where something of it cannot be used [promise 37]', async () => {
    const listeners = [{ host: '127.0.0.1', port: 0, tls: first }]
    const { broker, port } = await startBroker({ listeners })
    const limits = { subscriptionsPerClient: 1 }
    const faulty: [ReloadOptions, string, RegExp][] = [
      [{ limits, tls: [{ ...second, key: first.key }] }, 'listener-invalid', /cannot be used: .*mismatch/],
      [{ limits, tls: [{ ...second, cert: 'no PEM' }] }, 'listener-invalid', /cannot be used/],
      [{ limits, tls: [second, second] }, 'reload-invalid', /got 2 entries; .* there are 1/],
      [{ limits, tls: [{ ...second, requireClientCertificate: true }] }, 'reload-invalid', /not asked for/],
      [{ tls: [second], limits: { packetBytes: 1 } }, 'limit-invalid', /packetBytes: got 1/],
    ]
    for (const [options, code, message] of faulty) {
      expect(() => broker.reload(options)).toThrow(expect.objectContaining({ code }))
      expect(() => broker.reload(options)).toThrow(message)
    }
    const socket = await secure(port)
    expect(namesIn(socket)).toContain('first.example')
    const a = new RawClient(socket, 5)
    await a.handshake()
    expect((await a.subscribe([{ filter: 'a' }, { filter: 'b' }])).reasonCodes).toEqual([0, 0])
  })
})

describe('mutual TLS', () => {
  it('lets nobody in who shows no certificate [promise 25]', async () => {
    const tls = { ...first, requireClientCertificate: true }
    const { broker, port } = await startBroker({ listeners: [{ host: '127.0.0.1', port: 0, tls }] })
    const known = new RawClient(await secure(port, client), 5)
    expect((await known.handshake()).reasonCode).toBe(0)
    const nameless = connectTls({ host: '127.0.0.1', port, ca, servername: 'localhost' })
    const [error] = await once(nameless, 'error')
    expect(String(error)).toMatch(/certificate required/)
    await expect.poll(() => broker.stats().connectionsRefused).toBe(1)
    const foreign = await createAuthority()
    const { certPem, keyPem } = await issueClientCertificate(foreign, { commonName: 'c' })
    const impostor = new RawClient(await secure(port, { cert: certPem, key: keyPem }), 5)
    await impostor.closed
    await expect.poll(() => broker.stats().connectionsRefused).toBe(2)
  })
})

describe('reload of limits', () => {
  const publishTwice = (client: RawClient): void => {
    for (const packetIdentifier of [1, 2]) client.publish('t', 'x', { qos: 2, packetIdentifier })
  }

  it('leaves a connection what its CONNACK announced [promise 34]', async () => {
    const { broker, port } = await startBroker({
      limits: { receiveMaximum: 2, topicAliases: 5, packetBytes: 1_000, keepAliveSeconds: 0 },
    })
    const old = await RawClient.connect(port, { clientId: 'old' })
    broker.reload({ limits: { receiveMaximum: 1, topicAliases: 1, packetBytes: 100, keepAliveSeconds: 30 } })
    const fresh = await RawClient.open(port)
    const { properties } = await fresh.handshake({ clientId: 'fresh' })
    expect(properties).toMatchObject({
      receiveMaximum: 1,
      topicAliasMaximum: 1,
      maximumPacketSize: 100,
      serverKeepAlive: 30,
    })
    old.publish('t', 'x'.repeat(500), { properties: { topicAlias: 5 } })
    expect(await old.received()).toEqual([])
    publishTwice(old)
    expect(await old.received()).toEqual(['pubrec', 'pubrec'])
    publishTwice(fresh)
    await fresh.expect('pubrec')
    expect((await fresh.expect('disconnect')).reasonCode).toBe(0x93)
  })

  it('binds what comes afterwards, on connections that stand, too, and ends none', async () => {
    const { broker, port } = await startBroker()
    const old = await RawClient.connect(port, { clientId: 'old' })
    expect(await old.publishOnce('a/b/c', '')).toBe(0x10)
    broker.reload({ limits: { subscriptionsPerClient: 1, topicLevels: 2, connections: 1 } })
    expect((await old.subscribe([{ filter: 'a' }, { filter: 'b' }])).reasonCodes).toEqual([0, 0x97])
    expect(await old.publishOnce('a/b/c', '')).toBe(0x87)
    const next = await RawClient.open(port)
    expect((await next.handshake({ clientId: 'next' })).reasonCode).toBe(0x89)
    broker.reload({ limits: {} })
    expect((await old.subscribe('b')).reasonCodes).toEqual([0])
    expect((await (await RawClient.open(port)).handshake({ clientId: 'next' })).reasonCode).toBe(0)
  })

  it('counts sockets by the new ones from then on', async () => {
    const { broker, port } = await startBroker()
    await RawClient.open(port)
    broker.reload({ limits: { pendingPerAddress: 1, waitingConnections: 0 } })
    await (await RawClient.open(port)).closed
    expect(broker.stats().connectionsRefused).toBe(1)
  })

  it('publishes $SYS as often as they say', async () => {
    const clock = new FakeClock()
    const { broker, port } = await startBroker({ clock })
    const a = await taking(port)
    await a.subscribe('$SYS/broker/uptime')
    broker.reload({ limits: { sysIntervalSeconds: 5 } })
    await clock.advance(10_000)
    const uptime = (seconds: number) => `$SYS/broker/uptime=${seconds} seconds`
    expect(await a.received()).toEqual([0, 5, 10].map(uptime))
    broker.reload({ limits: { sysIntervalSeconds: 0 } })
    await clock.advance(10_000)
    expect(await a.received()).toEqual([])
  })
})

describe('reload of permissions', () => {
  const only = (topics: readonly string[], username = 'u'): Identity => ({
    username,
    permissions: { list: topics },
    mayPublish: (topic) => topics.includes(topic),
    maySubscribe: () => true,
    mayReceive: (topic) => topics.includes(topic),
  })
  const authenticator = { authenticate: async () => only(['t', 'u']) }
  const narrowFor =
    (name: string): Revise =>
    (identity, clientId) =>
      clientId === name ? only(['u']) : identity

  it('binds sessions that stand and those that are away, and no others [promise 36]', async () => {
    const { broker, port } = await startBroker({ authenticator })
    const stays = { properties: { sessionExpiryInterval: 600 } }
    const a = await RawClient.connect(port, { clientId: 'a', ...stays })
    const away = await RawClient.connect(port, { clientId: 'away', ...stays })
    const other = await RawClient.connect(port, { clientId: 'other' })
    for (const each of [a, away, other]) await each.subscribe('#', 1)
    await away.vanish()
    const publisher = await RawClient.connect(port, { clientId: 'other too' })
    await expect.poll(() => broker.stats().connections).toBe(3)
    expect(await publisher.publishOnce('t', '1')).toBe(0)
    for (const each of [a, other]) each.acknowledge(await each.expect('publish'))
    expect(broker.stats().queuedMessages).toBe(1)
    broker.reload({ revise: (identity, id) => (id.startsWith('other') ? identity : only(['u'])) })
    expect(broker.stats()).toMatchObject({ connections: 3, droppedDenied: 1, queuedMessages: 0 })
    expect(await a.publishOnce('t', '2')).toBe(0x87)
    for (const topic of ['t', 'u']) await publisher.publishOnce(topic, '3')
    expect(await a.received()).toEqual(['u=3 q1'])
    expect(await other.received()).toEqual(['t=3 q1', 'u=3 q1'])
  })

  it('ends who is refused, with the reason, and keeps from them what waits [promise 36]', async () => {
    const { broker, port } = await startBroker({ authenticator })
    const properties = { sessionExpiryInterval: 600 }
    const a = await RawClient.connect(port, { clientId: 'a', properties })
    await a.subscribe('#', 1)
    const other = await RawClient.connect(port, { clientId: 'other' })
    broker.reload({
      revise: (identity, id) => (id === 'a' ? { refuse: 0x87, reason: 'struck off' } : identity),
    })
    const { reasonCode, properties: told } = await a.expect('disconnect')
    expect([reasonCode, told?.reasonString]).toEqual([0x87, 'struck off'])
    expect(await other.publishOnce('t', '1')).toBe(0x10)
    expect(broker.stats()).toMatchObject({ sessions: 2, queuedMessages: 0 })
    const back = await RawClient.open(port)
    expect((await back.handshake({ clientId: 'a', cleanStart: false })).reasonCode).toBe(0x87)
  })

  it('changes nothing where they cannot be told', async () => {
    const { broker, port } = await startBroker({ authenticator })
    const a = await RawClient.connect(port, { clientId: 'a' })
    const failing = (): never => {
      throw new Error('no')
    }
    expect(() => broker.reload({ limits: { subscriptionsPerClient: 1 }, revise: failing })).toThrow('no')
    expect((await a.subscribe([{ filter: 'a' }, { filter: 'b' }])).reasonCodes).toEqual([0, 0])
    expect(await a.publishOnce('t', '')).toBe(0x10)
  })

  it('reaches one who was being authenticated meanwhile [promise 36]', async () => {
    let answer: (identity: Identity) => void = () => {}
    let isAsked = false
    const slow = {
      authenticate: () => {
        isAsked = true
        return new Promise<Identity>((resolve) => {
          answer = resolve
        })
      },
    }
    const { broker, port } = await startBroker({ authenticator: slow })
    const a = await RawClient.open(port)
    const connack = a.handshake({ clientId: 'a' })
    await until(() => isAsked)
    broker.reload({ revise: narrowFor('a') })
    answer(only(['t', 'u']))
    expect((await connack).reasonCode).toBe(0)
    expect(await a.publishOnce('t', '')).toBe(0x87)
    expect(await a.publishOnce('u', '')).toBe(0x10)
  })

  it('asks another authenticator from then on', async () => {
    const { broker, port } = await startBroker()
    const seen: AuthenticationRequest[] = []
    const authenticate = (request: AuthenticationRequest) => {
      seen.push(request)
      return insecureAuthenticator().authenticate(request)
    }
    broker.reload({ authenticator: { authenticate } })
    await taking(port)
    expect(seen.map(({ clientId }) => clientId)).toEqual(['new'])
  })
})
