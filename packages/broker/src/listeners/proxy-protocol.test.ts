import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { createAuthority, issueClientCertificate, issueServerCertificate } from '@jamey/auth'
import { encode, Writer } from '@jamey/protocol'
import { connectPacket, FakeClock, RawClient, until } from '@jamey/testing'
import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import {
  type AuthenticationRequest,
  createBroker,
  DEFAULT_LIMITS,
  insecureAuthenticator,
  type Limits,
  type ListenerOptions,
} from '../index.js'
import { startBroker } from '../test-support/start-broker.js'

function headerOf(address: string, versionAndCommand = 0x21): Buffer {
  const body = Buffer.alloc(12)
  body.set(address.split('.').map(Number))
  const prefix = Buffer.from('0d0a0d0a000d0a515549540a0011000c', 'hex')
  prefix[12] = versionAndCommand
  return Buffer.concat([prefix, body])
}

async function start(listener: Partial<ListenerOptions> = {}, limits: Partial<Limits> = {}) {
  const clock = new FakeClock()
  const seen: AuthenticationRequest[] = []
  const reasons: unknown[] = []
  const lines: unknown[] = []
  const note = (fields: Record<string, unknown>): void => {
    if (fields['reason'] !== undefined) reasons.push(fields['reason'])
    lines.push(fields['remoteAddress'])
  }
  const open = insecureAuthenticator()
  const { broker, port } = await startBroker({
    listeners: [{ host: '127.0.0.1', port: 0, insecure: true, proxyProtocol: true, ...listener }],
    clock,
    limits,
    log: { debug: () => {}, info: note, warn: note, error: note },
    authenticator: {
      authenticate: (request) => {
        seen.push(request)
        return open.authenticate(request)
      },
    },
  })
  return { broker, port, clock, seen, reasons, lines }
}

async function opened(port: number): Promise<Socket> {
  const socket = connectPlain({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  return socket
}

function bytesOfConnect(clientId = 'a'): Buffer {
  const writer = new Writer()
  encode(writer, connectPacket({ clientId }), 5)
  encode(writer, { type: 'pingreq' }, 5)
  return Buffer.concat(writer.take())
}

describe('a listener with the PROXY protocol', () => {
  it('takes the address of the client from the header, and loses nothing behind it, however it is cut', async () => {
    const { port, seen, lines } = await start()
    const bytes = Buffer.concat([headerOf('192.0.2.7'), bytesOfConnect()])
    for (const cut of [0, 1, 11, 12, 16, 17, 27, 28, 29, bytes.length - 1]) {
      const socket = await opened(port)
      const client = new RawClient(socket, 5)
      if (cut > 0) {
        await new Promise((resolve) => socket.write(bytes.subarray(0, cut), resolve))
        // The broker has read the piece by the time it has answered somebody else.
        const other = await opened(port)
        other.destroy()
        await once(other, 'close')
      }
      socket.write(bytes.subarray(cut))
      expect((await client.expect('connack')).reasonCode).toBe(0)
      await client.expect('pingresp')
      await client.leave()
    }
    expect(new Set(seen.map(({ remoteAddress }) => remoteAddress))).toEqual(new Set(['192.0.2.7']))
    expect(lines).toContain('192.0.2.7')
  })

  it('stands before TLS, whose first bytes may come with the header', async () => {
    const authority = await createAuthority()
    const server = await issueServerCertificate(authority, { hosts: ['localhost', '127.0.0.1'] })
    const client = await issueClientCertificate(authority, { commonName: 'client-1' })
    const ca = authority.certPem
    const tls = { cert: server.certPem, key: server.keyPem, ca, requestClientCertificate: true }
    const { port, seen, lines } = await start({ insecure: false, tls })
    for (const isCorked of [true, false]) {
      const socket = await opened(port)
      if (isCorked) socket.cork()
      socket.write(headerOf('192.0.2.8'))
      const secure = connectTls({
        socket,
        ca,
        servername: 'localhost',
        cert: client.certPem,
        key: client.keyPem,
      })
      setImmediate(() => socket.uncork())
      await once(secure, 'secureConnect')
      const a = new RawClient(secure, 5)
      expect((await a.handshake({ clientId: 'a' })).reasonCode).toBe(0)
      await a.leave()
    }
    expect(seen.map(({ remoteAddress }) => remoteAddress)).toEqual(['192.0.2.8', '192.0.2.8'])
    expect(seen[0]?.certificate).toMatchObject({ commonName: 'client-1' })
    const broken = await opened(port)
    broken.write(Buffer.concat([headerOf('192.0.2.9'), bytesOfConnect()]))
    await new RawClient(broken, 5).closed
    expect(lines).toContain('192.0.2.9')
  })

  it('stands before WebSocket, whose request may come with the header', async () => {
    const { port, seen, lines } = await start({ webSocket: true })
    for (const path of ['/mqtt', '/elsewhere']) {
      const socket = await opened(port)
      socket.cork()
      socket.write(headerOf('192.0.2.10'))
      const webSocket = new WebSocket(`ws://127.0.0.1:${port}${path}`, 'mqtt', {
        createConnection: () => socket,
      })
      setImmediate(() => socket.uncork())
      if (path === '/elsewhere') {
        const [error] = (await once(webSocket, 'error')) as [Error]
        expect(error.message).toContain('404')
        continue
      }
      await once(webSocket, 'open')
      webSocket.send(bytesOfConnect())
      const [connack] = (await once(webSocket, 'message')) as [Buffer]
      expect(connack[0]).toBe(0x20)
      expect(seen.map(({ remoteAddress }) => remoteAddress)).toEqual(['192.0.2.10'])
      webSocket.terminate()
    }
    expect(lines).toContain('192.0.2.10')
  })

  it('takes LOCAL for a connection of the load balancer itself', async () => {
    const { port, seen } = await start()
    const socket = await opened(port)
    socket.write(Buffer.concat([headerOf('192.0.2.7', 0x20), bytesOfConnect()]))
    expect((await new RawClient(socket, 5).expect('connack')).reasonCode).toBe(0)
    expect(seen[0]?.remoteAddress).toBe('127.0.0.1')
  })

  it.each([
    ['MQTT', bytesOfConnect(), 'no PROXY protocol header came first'],
    [
      'version 1',
      Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\n'),
      'version 1 came; set the load balancer to version 2',
    ],
    ['an unknown command', headerOf('192.0.2.7', 0x2f), 'command 15'],
  ])('closes what begins with %s, and says why in the log', async (_name, bytes, reason) => {
    const { broker, port, seen, reasons } = await start()
    const client = new RawClient(await opened(port), 5)
    client.sendBytes(bytes)
    expect(await client.next()).toBeUndefined()
    expect(reasons.join()).toContain(reason)
    expect(seen).toEqual([])
    expect(broker.stats()).toMatchObject({ connectionsAccepted: 0, connectionsRefused: 1 })
  })

  it('gives the header the time of a CONNECT, however it trickles in [promise 34]', async () => {
    const { port, clock, reasons } = await start()
    const silent = new RawClient(await opened(port), 5)
    const slow = new RawClient(await opened(port), 5)
    slow.sendBytes(headerOf('192.0.2.7').subarray(0, 20))
    const gone = await opened(port)
    gone.end(headerOf('192.0.2.7').subarray(0, 20))
    await once(gone, 'close')
    await until(() => clock.pendingTimers === 2)
    await clock.advance(DEFAULT_LIMITS.connectTimeoutMs - 1)
    expect(reasons).toEqual([])
    await clock.advance(1)
    await Promise.all([silent.closed, slow.closed])
    expect(reasons).toEqual(['no PROXY protocol header in time', 'no PROXY protocol header in time'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('limits addresses of clients, not the one of the load balancer [promise 34]', async () => {
    const { port, reasons } = await start({}, { connectionsPerAddress: 1, pendingPerAddress: 1 })
    const enter = async (address: string): Promise<RawClient> => {
      const client = new RawClient(await opened(port), 5)
      client.sendBytes(Buffer.concat([headerOf(address), bytesOfConnect(address)]))
      return client
    }
    const one = await enter('192.0.2.1')
    await one.expect('connack')
    const two = await enter('192.0.2.2')
    await two.expect('connack')
    const more = await enter('192.0.2.1')
    expect(await more.next()).toBeUndefined()
    expect(reasons.at(-1)).toContain('1 connections from this address')
    await one.vanish()
    await expect.poll(async () => (await (await enter('192.0.2.1')).next())?.type).toBe('connack')
  })

  it('limits no trusted load balancer by its own address', async () => {
    const { port } = await start(
      { proxyProtocol: { trusted: ['127.0.0.0/8'] } },
      { connectionsPerAddress: 1, pendingPerAddress: 1, connectionsPerSecondPerAddress: 1 },
    )
    const LOCAL = 0x20
    for (const clientId of ['a', 'b', 'c']) {
      const client = new RawClient(await opened(port), 5)
      client.sendBytes(Buffer.concat([headerOf('0.0.0.0', LOCAL), bytesOfConnect(clientId)]))
      expect((await client.expect('connack')).reasonCode).toBe(0)
    }
  })

  it('limits those whose header has not come yet [promise 34]', async () => {
    const { port, clock, reasons } = await start({}, { pendingConnections: 2, waitingConnections: 0 })
    const waiting = [await opened(port), await opened(port)]
    await until(() => clock.pendingTimers === 2)
    const third = new RawClient(await opened(port), 5)
    await third.closed
    expect(reasons.at(-1)).toContain('2 connections wait')
    for (const socket of waiting) socket.destroy()
    await until(() => clock.pendingTimers === 0)
    const fourth = new RawClient(await opened(port), 5)
    fourth.sendBytes(Buffer.concat([headerOf('192.0.2.1'), bytesOfConnect()]))
    expect((await fourth.expect('connack')).reasonCode).toBe(0)
  })

  it('is there for trusted load balancers only, where they are named', async () => {
    for (const [trusted, isLetIn] of [
      [['127.0.0.0/8'], true],
      [['::1', '10.0.0.1'], false],
      [[], false],
    ] as const) {
      const { port, reasons } = await start({ proxyProtocol: { trusted } })
      const client = new RawClient(await opened(port), 5)
      client.sendBytes(Buffer.concat([headerOf('127.0.0.1'), bytesOfConnect()]))
      expect((await client.next())?.type).toBe(isLetIn ? 'connack' : undefined)
      if (!isLetIn) expect(reasons.at(-1)).toBe('not one of the trusted load balancers')
    }
  })

  it.each(['here', '10.0.0.0/33', '10.0.0.0/', '::/129'])(
    'refuses %j as trusted [promise 37]',
    async (entry) => {
      const listeners = [{ host: '127.0.0.1', port: 0, insecure: true, proxyProtocol: { trusted: [entry] } }]
      const created = createBroker({ listeners, authenticator: insecureAuthenticator() })
      await expect(created).rejects.toMatchObject({ code: 'listener-invalid' })
      await expect(created).rejects.toThrow(`trusted: got ${JSON.stringify(entry)}`)
    },
  )
})

it('a listener without the PROXY protocol takes no header', async () => {
  const { port, seen } = await start({ proxyProtocol: false })
  const client = new RawClient(await opened(port), 5)
  client.sendBytes(Buffer.concat([headerOf('192.0.2.7'), bytesOfConnect()]))
  expect(await client.next()).toBeUndefined()
  expect(seen).toEqual([])
})
