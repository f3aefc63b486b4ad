import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { createAuthority, issueClientCertificate, issueServerCertificate } from '@jamey/auth'
import { FakeClock, RawClient, text } from '@jamey/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type AuthenticationRequest,
  createBroker,
  insecureAuthenticator,
  type Limits,
  type ListenerTls,
} from '../index.js'
import { silentLog } from '../support/log.js'
import { startBroker } from '../test-support/start-broker.js'

describe('TLS listener', () => {
  let tls: ListenerTls
  let ca: string
  let client: { certPem: string; keyPem: string }
  let foreign: { certPem: string; keyPem: string }

  beforeAll(async () => {
    const authority = await createAuthority()
    const server = await issueServerCertificate(authority, { hosts: ['localhost', '127.0.0.1'] })
    ca = authority.certPem
    client = await issueClientCertificate(authority, { commonName: 'client-1' })
    foreign = await issueClientCertificate(await createAuthority(), { commonName: 'client-1' })
    tls = { cert: server.certPem, key: server.keyPem, ca, requestClientCertificate: true }
  })

  async function start(limits: Partial<Limits> = {}, clock?: FakeClock) {
    const seen: AuthenticationRequest[] = []
    const open = insecureAuthenticator()
    const { broker, port } = await startBroker({
      listeners: [{ host: '127.0.0.1', port: 0, tls }],
      limits,
      clock,
      authenticator: {
        authenticate: (request) => {
          seen.push(request)
          return open.authenticate(request)
        },
      },
    })
    return { broker, port, seen }
  }

  async function secure(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const where = options.socket === undefined ? { host: '127.0.0.1', port } : {}
    const socket = connectTls({ ...where, ca, servername: 'localhost', ...options })
    await once(socket, 'secureConnect')
    return socket
  }

  it('serves TLS 1.3 and refuses 1.2 [promise 36]', async () => {
    const { broker, port } = await start()
    const socket = await secure(port)
    expect(socket.getProtocol()).toBe('TLSv1.3')
    const a = new RawClient(socket, 5)
    await a.handshake()
    await a.subscribe('t', 1)
    a.publish('t', 'x'.repeat(100_000))
    expect(text(await a.expect('publish'))).toHaveLength(100_002)
    await expect(secure(port, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/alert|version/i)
    expect(broker.addresses).toEqual([{ host: '127.0.0.1', port, tls: true }])
  })

  it('shows the authenticator the name in a client certificate, and none where there is none [promise 25]', async () => {
    const { port, seen } = await start()
    const named = new RawClient(await secure(port, { cert: client.certPem, key: client.keyPem }), 5)
    await named.handshake()
    const nameless = new RawClient(await secure(port), 5)
    await nameless.handshake()
    expect(seen.map(({ certificate }) => certificate)).toEqual([
      { commonName: 'client-1', raw: new X509Certificate(client.certPem).raw },
      undefined,
    ])
  })

  it('refuses a client certificate of a foreign authority', async () => {
    const { broker, port, seen } = await start()
    const socket = await secure(port, { cert: foreign.certPem, key: foreign.keyPem })
    const impostor = new RawClient(socket, 5)
    await impostor.closed
    expect(seen).toEqual([])
    expect(broker.stats().connectionsRefused).toBe(1)
  })

  it('serves nobody who speaks plain MQTT to it, and goes on serving', async () => {
    const { port } = await start()
    const plain = await RawClient.open(port)
    plain.sendBytes(Buffer.from('100c00044d515454050200000000', 'hex'))
    await plain.closed
    const a = new RawClient(await secure(port), 5)
    expect((await a.handshake()).reasonCode).toBe(0)
  })

  it('warns of nobody who only looks whether the port is open', async () => {
    const warnings: string[] = []
    const warn = (_: object, message: string): void => void warnings.push(message)
    const log = { ...silentLog, warn, error: warn }
    const { broker, port } = await startBroker({ listeners: [{ host: '127.0.0.1', port: 0, tls }], log })
    for (let n = 0; n < 10; n++) {
      const probe = connectPlain({ host: '127.0.0.1', port }, () => probe.resetAndDestroy())
      probe.on('error', () => {})
    }
    await expect.poll(() => broker.stats().connectionsRefused).toBeGreaterThanOrEqual(10)
    expect(warnings).toEqual([])
  })

  it('counts sockets that say nothing before their handshake, and destroys those over the limit [promise 34]', async () => {
    const { broker, port } = await start({ pendingPerAddress: 2, waitingConnections: 0 })
    const silent = [await RawClient.open(port), await RawClient.open(port)]
    const third = await RawClient.open(port)
    await third.closed
    expect(broker.stats()).toMatchObject({ connectionsAccepted: 0, connectionsRefused: 1 })
    await silent[0]?.vanish()
    await expect
      .poll(async () => {
        const a = new RawClient(await secure(port), 5)
        return (await a.handshake()).reasonCode
      })
      .toBe(0)
  })

  it('has a fleet behind one address wait for its turn, and closes none of it', async () => {
    const clock = new FakeClock()
    const limits = { pendingPerAddress: 5, connectionsPerSecondPerAddress: 20 }
    const { broker, port } = await start(limits, clock)
    const fleet = Array.from({ length: 50 }, async () => {
      const client = new RawClient(await secure(port), 5)
      return (await client.handshake()).reasonCode
    })
    await expect.poll(() => broker.stats().connections).toBe(20)
    await clock.advance(1_000)
    await expect.poll(() => broker.stats().connections).toBe(40)
    await clock.advance(1_000)
    expect(new Set(await Promise.all(fleet))).toEqual(new Set([0]))
    expect(broker.stats()).toMatchObject({ connections: 50, connectionsRefused: 0 })
  })

  it('has one span of time for TLS handshake and CONNECT together [promise 34]', async () => {
    const clock = new FakeClock()
    const { broker, port } = await start({}, clock)
    const socket = connectPlain({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    const second = await RawClient.open(port)
    // Sockets are accepted in the order of their coming.
    second.sendBytes(Buffer.from('100c00044d515454050200000000', 'hex'))
    await second.closed
    await clock.advance(6000)
    const late = new RawClient(await secure(port, { socket }), 5)
    await expect.poll(() => broker.stats().connectionsAccepted).toBe(1)
    await clock.advance(4000)
    await late.closed
  })

  it('wants to know who vouches for client certificates [promise 37]', async () => {
    const { ca: _, ...withoutAuthority } = tls
    const listeners = [{ host: '127.0.0.1', port: 0, tls: withoutAuthority }]
    const authenticator = insecureAuthenticator()
    await expect(createBroker({ listeners, authenticator })).rejects.toMatchObject({
      code: 'listener-invalid',
    })
  })
})
