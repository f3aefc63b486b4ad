import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { createAuthority, issueServerCertificate } from '@jamey/auth'
import { FaultProxy, MqttPeer, until } from '@jamey/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { systemClock } from '../support/node-clock.js'
import { makeHarness, rejection } from '../test-support/harness.js'
import { NodeDialer } from './node-dialer.js'
import { readProxy } from './node-proxy.js'
import { proxyOfEnvironment } from './node-proxy-environment.js'

const { connectTo, startPeer, makeClient } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

/** What a proxy was asked for, and where it is. */
interface Started {
  readonly port: number
  readonly targets: string[]
  readonly sockets: Set<Socket>
}

async function start(server: Server, targets: string[] = []): Promise<Started> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, targets, sockets }
}

function join(one: Socket, other: Socket): void {
  one.pipe(other).on('error', () => one.destroy())
  other.pipe(one).on('error', () => other.destroy())
}

/** Leads to the local `port` whatever it is asked for, which alone knows the names of tests. */
function httpProxy(port: number, login?: string): Promise<Started> {
  const server = createHttpServer()
  return start(server, leadingTo(server, port, login).targets)
}

function leadingTo(server: Server, port: number, login?: string): { targets: string[] } {
  const targets: string[] = []
  server.on('connect', ({ url = '', headers }: IncomingMessage, socket: Socket) => {
    const expected = login && `Basic ${Buffer.from(login).toString('base64')}`
    if (headers['proxy-authorization'] !== expected) {
      return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n')
    }
    targets.push(url)
    const onward = connectTcp(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n')
      join(socket, onward)
    })
  })
  return { targets }
}

function socksProxy(port: number, login?: string): Promise<Started> {
  const targets: string[] = []
  const server = createServer(async (socket) => {
    const next = async (): Promise<Buffer> => (await once(socket, 'data'))[0] as Buffer
    const [, , ...methods] = await next()
    const method = login === undefined ? 0 : 2
    if (!methods.includes(method)) return socket.end(Buffer.from([5, 0xff]))
    socket.write(Buffer.from([5, method]))
    if (login !== undefined) {
      const given = await next()
      const username = given.subarray(2, 2 + (given[1] ?? 0))
      const password = given.subarray(3 + username.length)
      const isRight = `${username}:${password}` === login
      socket.write(Buffer.from([1, isRight ? 0 : 1]))
      if (!isRight) return
    }
    const request = await next()
    const end = request.length - 2
    const host = request[3] === 3 ? request.toString('latin1', 5, end) : request.toString('hex', 4, end)
    targets.push(`${host}:${request.readUInt16BE(end)}`)
    const onward = connectTcp(port, '127.0.0.1', () => {
      // The address comes in pieces.
      socket.write(Buffer.from([5, 0, 0, 1, 127]))
      setImmediate(() => {
        socket.write(Buffer.from([0, 0, 1, 0, 80]))
        join(socket, onward)
      })
    })
  })
  return start(server, targets)
}

const proxies = [
  ['http', httpProxy],
  ['socks5', socksProxy],
] as const

describe.each(proxies)('a proxy by %s', (scheme, startProxy) => {
  it('carries TLS to a server whose name it alone can resolve', async () => {
    const authority = await createAuthority()
    const { certPem, keyPem } = await issueServerCertificate(authority, { hosts: ['broker.example'] })
    const peer = await startPeer({ tls: { cert: certPem, key: keyPem } })
    const proxy = await startProxy(peer.port, 'me:p@ss')
    const client = await connectTo(
      { url: 'mqtts://broker.example' },
      { proxy: `${scheme}://me:p%40ss@127.0.0.1:${proxy.port}`, tls: { ca: authority.certPem } },
    )
    expect(await client.publish('t', Buffer.alloc(200_000, 1), { qos: 1 })).toEqual({ reasonCode: 0 })
    expect(proxy.targets).toEqual(['broker.example:8883'])
    expect(inspect(client, { showHidden: true, depth: 9 }) + JSON.stringify(client.explain())).not.toContain(
      'p@ss',
    )
  })

  it('is gone through by every attempt', async () => {
    const peer = await startPeer()
    const proxy = await startProxy(peer.port)
    const options = { proxy: `${scheme}://127.0.0.1:${proxy.port}`, reconnect: { baseDelayMs: 1 } }
    const client = await connectTo({ url: 'mqtt://broker.example' }, options)
    for (const socket of proxy.sockets) socket.destroy()
    await until(() => client.stats().connects === 2)
    expect(proxy.targets).toEqual(['broker.example:1883', 'broker.example:1883'])
  })

  it('carries WebSocket', async () => {
    const webSockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(webSockets, 'listening')
    onTestFinished(() => {
      for (const socket of webSockets.clients) socket.terminate()
      webSockets.close()
    })
    const proxy = await startProxy((webSockets.address() as AddressInfo).port)
    const arrived = once(webSockets, 'connection')
    const client = makeClient({
      url: 'ws://broker.example/there',
      proxy: `${scheme}://127.0.0.1:${proxy.port}`,
      waitForConnection: false,
    })
    client.connect().catch(() => {})
    const [, request] = await arrived
    expect(request).toMatchObject({ url: '/there', headers: { host: 'broker.example' } })
    expect(proxy.targets).toEqual(['broker.example:80'])
  })

  it.each(['', 'me:secret@'])(
    'that does not take our login, "%s", is told from the server',
    async (login) => {
      const proxy = await startProxy(1, 'you:other')
      const error = await rejection(
        connectTo({ url: 'mqtt://broker.example' }, { proxy: `${scheme}://${login}127.0.0.1:${proxy.port}` }),
      )
      expect(error).toMatchObject({ name: 'AuthenticationError', code: 'bad-credentials', retryable: true })
      expect(error.message).toContain(`the proxy ${scheme}://127.0.0.1:${proxy.port} `)
      expect(error.message).toContain('see the option proxy')
      expect(inspect(error, { showHidden: true })).not.toContain('secret')
      expect(proxy.targets).toEqual([])
    },
  )

  it('that is not there is named', async () => {
    const { port } = await startPeer()
    const silent = await start(createServer((socket) => void socket.end()))
    const at = (where: number) =>
      rejection(
        connectTo({ url: `mqtt://127.0.0.1:${port}` }, { proxy: `${scheme}://me:secret@127.0.0.1:${where}` }),
      )
    for (const [where, fault] of [
      [1, 'cannot be reached: connect ECONNREFUSED'],
      [silent.port, 'hung up'],
    ] as const) {
      const error = await at(where)
      expect(error).toMatchObject({ name: 'ConnectionError', code: 'unreachable', retryable: true })
      expect(error.message).toBe(error.message.replace(/^(?!the proxy)/, 'the proxy '))
      expect(error.message).toContain(`the proxy ${scheme}://127.0.0.1:${where} ${fault}`)
      expect(inspect(error, { showHidden: true })).not.toContain('secret')
    }
  })

  it('that says nothing is left with the attempt', async () => {
    let asked = 0
    const silent = await start(createServer((socket) => void socket.once('data', () => asked++)))
    const options = { proxy: `${scheme}://127.0.0.1:${silent.port}`, waitForConnection: false } as const
    const client = makeClient({ url: 'mqtt://broker.example', ...options })
    client.connect().catch(() => {})
    await until(() => asked === 1)
    await client.close({ drain: false })
    await until(() => silent.sockets.size === 0)
    expect(client.state).toBe('disconnected')
  })
})

describe('a proxy by https', () => {
  /** TLS to the proxy at 127.0.0.1, which leads to the local `port`. */
  async function startSecured(port: number): Promise<Started & { ca: string }> {
    const authority = await createAuthority()
    const { certPem, keyPem } = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
    const server = createHttpsServer({ cert: certPem, key: keyPem })
    const { targets } = leadingTo(server, port, 'me:secret')
    return { ...(await start(server, targets)), ca: authority.certPem }
  }

  it('is told the login within TLS, and carries TLS to the server', async () => {
    const authority = await createAuthority()
    const { certPem, keyPem } = await issueServerCertificate(authority, { hosts: ['broker.example'] })
    const peer = await startPeer({ tls: { cert: certPem, key: keyPem } })
    const { port, ca, targets } = await startSecured(peer.port)
    const seen: Buffer[] = []
    const relay = await start(
      createServer((socket) => {
        join(
          socket.on('data', (chunk: Buffer) => seen.push(chunk)),
          connectTcp(port, '127.0.0.1'),
        )
      }),
    )
    const client = await connectTo(
      { url: 'mqtts://broker.example' },
      { proxy: { url: `https://me:secret@127.0.0.1:${relay.port}`, ca }, tls: { ca: authority.certPem } },
    )
    expect(await client.publish('t', Buffer.alloc(200_000, 1), { qos: 1 })).toEqual({ reasonCode: 0 })
    expect(targets).toEqual(['broker.example:8883'])
    expect(Buffer.concat(seen).toString('latin1')).not.toContain('CONNECT')
  })

  it('that shows a certificate of somebody unknown is told nothing', async () => {
    const { port, targets } = await startSecured(1)
    const { certPem } = await createAuthority()
    const error = await rejection(
      connectTo(
        { url: 'mqtt://broker.example' },
        { proxy: { url: `https://me:secret@127.0.0.1:${port}`, ca: certPem } },
      ),
    )
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'unreachable', retryable: true })
    expect(error.message).toMatch(/^the proxy https:\/\/127\.0\.0\.1:\d+ makes no TLS: .*certificate/)
    expect(targets).toEqual([])
  })

  it('that says nothing is left with the attempt', async () => {
    const silent = await start(createServer((socket) => void socket.resume()))
    const options = { proxy: `https://127.0.0.1:${silent.port}`, waitForConnection: false } as const
    const client = makeClient({ url: 'mqtt://broker.example', ...options })
    client.connect().catch(() => {})
    await until(() => silent.sockets.size === 1)
    await client.close({ drain: false })
    await until(() => silent.sockets.size === 0)
  })
})

describe('the proxy of the environment', () => {
  it('is asked for every attempt, and not without being wanted', async () => {
    const peer = await startPeer()
    const proxy = await httpProxy(peer.port)
    vi.stubEnv('http_proxy', `127.0.0.1:${proxy.port}`)
    onTestFinished(() => void vi.unstubAllEnvs())
    await connectTo({ url: `mqtt://127.0.0.1:${peer.port}` })
    expect(proxy.targets).toEqual([])
    const options = { proxy: 'environment', reconnect: { baseDelayMs: 1 } }
    const client = await connectTo({ url: 'mqtt://broker.example' }, options)
    expect(proxy.targets).toEqual(['broker.example:1883'])
    const other = await httpProxy(peer.port)
    vi.stubEnv('http_proxy', `http://127.0.0.1:${other.port}`)
    for (const socket of proxy.sockets) socket.destroy()
    await until(() => client.stats().connects === 2)
    expect(other.targets).toEqual(['broker.example:1883'])
  })

  const secure = (env: Record<string, string>, host = 'a.example', port = 8883) =>
    proxyOfEnvironment(env, host, port, true)?.href

  it('is https_proxy for TLS and http_proxy for what is not, else all_proxy, small letters first', () => {
    const env = {
      HTTPS_PROXY: 'http://big',
      https_proxy: 'http://small',
      all_proxy: 'http://all',
      HTTP_PROXY: 'x',
    }
    expect(secure(env)).toBe('http://small:80')
    expect(secure({ ...env, https_proxy: '' })).toBe('http://big:80')
    expect(secure({ ALL_PROXY: 'socks5h://all' })).toBe('socks5://all:1080')
    expect(proxyOfEnvironment(env, 'a.example', 1883, false)?.href).toBe('http://all:80')
    expect(secure({})).toBeUndefined()
    expect(() => secure({ HTTPS_PROXY: 'ftp://me:secret@h' })).toThrow(
      /^variable HTTPS_PROXY is no URL of one/,
    )
  })

  it.each([
    ['*', 'a.example', true],
    ['example', 'a.example', true],
    ['.example', 'a.example', true],
    ['*.example', 'A.Example', true],
    ['xample', 'a.example', false],
    ['a.example:8883', 'a.example', true],
    ['a.example:1883', 'a.example', false],
    ['b.example, 10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['10.0.0.0/99', '10.1.2.3', false],
    ['10.1.2.3:8883', '10.1.2.3', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['[fd00::1]:8883', 'fd00::1', true],
    ['fd00::1', 'fd00::1', true],
    ['', 'localhost', true],
    ['', '127.1.2.3', true],
    ['', '::1', true],
  ])('with no_proxy=%s is left out for %s: %s', (noProxy, host, isLeftOut) => {
    expect(secure({ https_proxy: 'http://h', NO_PROXY: noProxy }, host) === undefined).toBe(isLeftOut)
  })
})

describe('what a proxy answers', () => {
  const answers: [string, string | number[], string][] = [
    [
      'http',
      'HTTP/1.1 502 Bad\u0007Gateway\r\n\r\n',
      'does not connect to broker.example:1883: 502 Bad?Gateway',
    ],
    ['http', 'SSH-2.0-x\r\n\r\n', 'does not speak HTTP'],
    ['http', 'x'.repeat(20_000), 'answers with more than 16384 bytes'],
    ['socks5', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'does not speak SOCKS5'],
    ['socks5', [5, 0, 5, 5, 0, 1], 'does not connect to broker.example:1883: connection refused'],
    ['socks5', [5, 0, 5, 99], 'does not connect to broker.example:1883: code 99'],
  ]

  it.each(answers)('by %s is said where it is a failure (%#)', async (scheme, answer, fault) => {
    const bytes = typeof answer === 'string' ? Buffer.from(answer, 'latin1') : Buffer.from(answer)
    const proxy = await start(createServer((socket) => void socket.resume().write(bytes)))
    const error = await rejection(
      connectTo({ url: 'mqtt://broker.example' }, { proxy: `${scheme}://127.0.0.1:${proxy.port}` }),
    )
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'unreachable', retryable: true })
    expect(error.message).toBe(`the proxy ${scheme}://127.0.0.1:${proxy.port} ${fault}`)
    await until(() => proxy.sockets.size === 0)
  })

  it.each([
    ['http', Buffer.from('HTTP/1.0 200 OK\r\n\r\nhello')],
    ['socks5', Buffer.from([5, 0, 5, 0, 0, 3, 1, 0x61, 0, 80, ...Buffer.from('hello')])],
  ])('by %s goes no further than its end: what follows is the server', async (scheme, answer) => {
    const proxy = await start(createServer((socket) => void socket.write(answer)))
    const through = readProxy(`${scheme}://127.0.0.1:${proxy.port}`)
    const dialer = new NodeDialer(systemClock, 0, undefined, undefined, () => through)
    const socket = await dialer.dial('broker.example', 1883, new AbortController().signal)
    const [chunk] = await once(socket, 'data')
    expect(String(chunk)).toBe('hello')
    socket.destroy()
  })

  it.each([
    ['127.0.0.9', '7f000009:1883'],
    ['[::1]', `${'0'.repeat(31)}1:1883`],
    ['[fe80::12:3%25eth0]', 'fe800000000000000000000000120003:1883'],
  ])('for the address %s is asked for by SOCKS5 as an address', async (host, target) => {
    const peer = await startPeer()
    const proxy = await socksProxy(peer.port)
    await connectTo({ url: `mqtt://${host}` }, { proxy: `socks5://127.0.0.1:${proxy.port}` })
    expect(proxy.targets).toEqual([target])
  })
})

describe('the option proxy', () => {
  it.each([
    ['ftp://me:secret@host:1', 'is no URL of one'],
    ['secret', 'is no URL of one'],
    ['http://', 'is no URL of one'],
    ['http://se%3Acret:x@host', "has a ':' in its user"],
    ['socks5://me:%ffsecret@host', "has a '%' in user or password"],
    [`socks5://me:${'secret'.repeat(50)}@host`, 'has a user or password of 300 bytes'],
  ])('%s is refused, and not shown', (proxy, fault) => {
    const make = () => makeClient({ url: 'mqtt://127.0.0.1', proxy })
    expect(make).toThrow(fault)
    expect(make).not.toThrow('secret')
  })

  it.each([
    ['http://h', 'http://h:80'],
    ['https://h', 'https://h:443'],
    ['socks5://[::1]', 'socks5://[::1]:1080'],
    ['socks5h://h', 'socks5://h:1080'],
  ])('%s has the port of its scheme', (text, href) => {
    expect(readProxy(text)).toMatchObject({ href, login: undefined })
  })
})
