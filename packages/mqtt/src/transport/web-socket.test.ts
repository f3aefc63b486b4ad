import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { createAuthority, issueClientCertificate, issueServerCertificate } from '@jamey/auth'
import { OBLIGING, PeerConnection } from '@jamey/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws'
import * as browserEntry from '../browser.js'
import { browserPlatform } from '../entry/browser-platform.js'
import * as nodeEntry from '../index.js'
import { type BrowserConnectOptions, type Client, type ConnectOptions, connect } from '../index.js'
import type { TransportListener } from '../model/transport.js'
import { rejection, text } from '../test-support/harness.js'
import { readUrl } from './endpoint.js'
import { type WebSocketPort, WebSocketTransport } from './web-socket-transport.js'
import { openWebSocket } from './ws-socket.js'

interface WebSocketPeer {
  readonly port: number
  /** What the client asked for, in order. */
  readonly headers: IncomingHttpHeaders[]
  readonly urls: (string | undefined)[]
  readonly sockets: WebSocket[]
  readonly connections: PeerConnection[]
}

/** A server that accepts everybody and everything, over WebSocket. */
async function startPeer(
  options: { tls?: TlsOptions; subprotocol?: string | false } = {},
): Promise<WebSocketPeer> {
  const { tls, subprotocol = 'mqtt' } = options
  const server: Server = tls === undefined ? createHttpServer() : createHttpsServer(tls)
  const webSockets = new WebSocketServer({ server, handleProtocols: () => subprotocol })
  const peer = {
    headers: [] as IncomingHttpHeaders[],
    urls: [] as (string | undefined)[],
    sockets: [] as WebSocket[],
    connections: [] as PeerConnection[],
  }
  webSockets.on('connection', (socket, request) => {
    peer.headers.push(request.headers)
    peer.urls.push(request.url)
    peer.sockets.push(socket)
    const stream = Object.assign(createWebSocketStream(socket), { setNoDelay: () => {} })
    peer.connections.push(new PeerConnection(stream as unknown as Socket, OBLIGING))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of webSockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  return { ...peer, port: (server.address() as AddressInfo).port }
}

async function open(url: string, options: ConnectOptions = {}): Promise<Client> {
  const client = await connect({ url, clientId: 'test', ...options })
  onTestFinished(async () => {
    await client.close({ drain: false, timeoutMs: 500 })
  })
  return client
}

describe('the handshake of a WebSocket', () => {
  it('carries the headers of the options, of a function anew with every attempt', async () => {
    const peer = await startPeer()
    const url = `ws://127.0.0.1:${peer.port}`
    await open(url, { webSocket: { headers: { authorization: 'Bearer one', 'x-tenant': 'a' } } })
    expect(peer.headers[0]).toMatchObject({ authorization: 'Bearer one', 'x-tenant': 'a' })
    let asked = 0
    const client = await open(url, {
      webSocket: { headers: async () => ({ authorization: `Bearer ${++asked}` }) },
      reconnect: { baseDelayMs: 1 },
    })
    peer.sockets[1]?.terminate()
    await expect.poll(() => client.stats().connects).toBe(2)
    expect(peer.headers.slice(1).map(({ authorization }) => authorization)).toEqual(['Bearer 1', 'Bearer 2'])
  })

  it('asks for another subprotocol, which the server has to choose', async () => {
    const old = await startPeer({ subprotocol: 'mqttv3.1' })
    const webSocket = { protocol: 'mqttv3.1' }
    const client = await open(`ws://127.0.0.1:${old.port}`, { webSocket })
    expect(old.headers[0]?.['sec-websocket-protocol']).toBe('mqttv3.1')
    expect(await client.publish('t', 'one', { qos: 1 })).toEqual({ reasonCode: 0 })
    const other = await startPeer()
    const error = await rejection(open(`ws://127.0.0.1:${other.port}`, { webSocket }))
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'unreachable' })
    expect(error.message).toContain('subprotocol')
  })

  it.each([
    [{ headers: { 'x y': 'secret' } }, 'option webSocket.headers has "x y"'],
    [{ headers: { authorization: 'secret\r\nx: y' } }, 'option webSocket.headers has "authorization"'],
    [{ headers: () => ({ authorization: 'secret\n' }) }, 'option webSocket.headers has "authorization"'],
    [{ headers: () => Promise.reject(new Error('no token')) }, 'its function failed: no token'],
    [{ protocol: 'a b' }, 'option webSocket.protocol is "a b"'],
    [{ subprotocol: 'mqtt' }, 'option webSocket.subprotocol is unknown'],
  ])('is not begun with what cannot be sent: %o', async (webSocket, fault) => {
    const peer = await startPeer()
    const options = { webSocket } as ConnectOptions
    const error = await rejection(open(`ws://127.0.0.1:${peer.port}`, options))
    expect(error.name).toBe('ConnectionError')
    expect(error.message).toContain(fault)
    expect(error.message).not.toContain('secret')
    expect(peer.headers).toEqual([])
  })
})

describe('the client over WebSocket in Node', () => {
  it('offers mqtt, asks for /mqtt, and does all that it does over TCP [MQTT-6.0.0-3]', async () => {
    const peer = await startPeer()
    const client = await open(`ws://127.0.0.1:${peer.port}`)
    expect(peer.sockets[0]?.protocol).toBe('mqtt')
    expect(peer.urls).toEqual(['/mqtt'])
    const seen: string[] = []
    await client.subscribe('t', { qos: 1 }, (message) => {
      seen.push(text(message.payload))
    })
    expect(await client.publish('t', 'one', { qos: 1 })).toEqual({ reasonCode: 0 })
    expect(await client.publish('t', 'two', { qos: 2 })).toEqual({ reasonCode: 0 })
    peer.connections[0]?.publish('t', 'hello')
    await expect.poll(() => seen).toEqual(['hello'])
    expect(await client.close()).toEqual({ unacknowledgedMessages: 0, runningHandlers: 0 })
    expect(peer.connections[0]?.all('disconnect')).toHaveLength(1)
    await expect.poll(() => peer.sockets[0]?.readyState).toBe(WebSocket.CLOSED)
  })

  it('takes the path and query of the URL, and shows no query in errors [promise 19]', async () => {
    const peer = await startPeer()
    await open(`ws://127.0.0.1:${peer.port}/some/where?token=secret`)
    expect(peer.urls).toEqual(['/some/where?token=secret'])
    for (const url of [
      'wss://127.0.0.1:1/x?token=secret',
      'ws://127.0.0.1:99999/x?token=secret',
      'w?secret',
      'ws://u:secret?x@:1',
    ]) {
      expect((await rejection(connect({ url }))).message).not.toContain('secret')
    }
  })

  it('reads packets that span messages, and messages that hold several [MQTT-6.0.0-2]', async () => {
    const peer = await startPeer()
    const client = await open(`ws://127.0.0.1:${peer.port}`)
    const seen: string[] = []
    await client.subscribe('t', { qos: 0 }, (message) => {
      seen.push(text(message.payload))
    })
    const publish = Buffer.from('3005000174' + '00' + '41', 'hex')
    const socket = peer.sockets[0] as WebSocket
    for (const byte of publish) socket.send(Buffer.of(byte))
    socket.send(Buffer.concat([publish, publish, publish.subarray(0, 4)]))
    socket.send(Buffer.alloc(0))
    socket.send(publish.subarray(4))
    await expect.poll(() => seen).toEqual(['A', 'A', 'A', 'A'])
  })

  it('gives up a server that sends text [MQTT-6.0.0-1]', async () => {
    const peer = await startPeer()
    const client = await open(`ws://127.0.0.1:${peer.port}`, { reconnect: false })
    peer.sockets[0]?.send('text')
    await expect.poll(() => client.state).toBe('disconnected')
    expect(client.status.cause).toMatchObject({ name: 'ConnectionError', code: 'protocol-error' })
    await expect.poll(() => peer.sockets[0]?.readyState).toBe(WebSocket.CLOSED)
  })

  it('gives up a server that did not choose mqtt [MQTT-6.0.0-4]', async () => {
    const peer = await startPeer({ subprotocol: false })
    const error = await rejection(connect({ url: `ws://127.0.0.1:${peer.port}` }))
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'unreachable' })
    expect(error.message).toContain('subprotocol')
  })

  it('waits where the server takes nothing, and goes on when it does', async () => {
    const peer = await startPeer()
    const client = await open(`ws://127.0.0.1:${peer.port}`)
    const { connections, sockets } = peer
    const [connection, socket] = [connections[0] as PeerConnection, sockets[0] as WebSocket]
    socket.pause()
    const payload = new Uint8Array(100_000)
    const count = 200
    const sent = Array.from({ length: count }, () => client.publish('t', payload, { qos: 1 }))
    // What waits is not handed to the socket: the client knows what it has not sent.
    await expect.poll(() => client.stats().bytesSent).toBeGreaterThan(1_000_000)
    expect(client.stats().bytesSent).toBeLessThan(count * payload.length)
    socket.resume()
    await Promise.all(sent)
    expect(connection.all('publish')).toHaveLength(count)
  })

  it('comes back after the server is gone', async () => {
    const peer = await startPeer()
    const client = await open(`ws://127.0.0.1:${peer.port}`)
    peer.sockets[0]?.close(1001)
    await expect.poll(() => peer.connections.length).toBe(2)
    await expect.poll(() => client.state).toBe('connected')
    peer.sockets[1]?.terminate()
    await expect.poll(() => peer.connections.length).toBe(3)
  })

  it('says what to do where the package ws is missing', async () => {
    const endpoint = readUrl('ws://localhost')
    const tls = await browserPlatform.readTls({})
    const transport = openWebSocket(endpoint, tls, () => Promise.reject(new Error('ERR_MODULE_NOT_FOUND')))
    const client = open('ws://localhost', { transport: () => transport })
    expect(await rejection(client)).toMatchObject({
      name: 'ConnectionError',
      code: 'invalid-argument',
      message:
        "ws://localhost:80/mqtt needs the package 'ws', which cannot be loaded; install it with: npm install ws",
    })
  })
})

describe('the client over WebSocket with TLS', () => {
  it('trusts whom it is told to, with TLS 1.3 and the right name [promise 36]', async () => {
    const authority = await createAuthority()
    const issued = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
    const tls = { cert: issued.certPem, key: issued.keyPem }
    const ca = authority.certPem
    const peer = await startPeer({ tls })
    const url = `wss://127.0.0.1:${peer.port}`
    const client = await open(url, { tls: { ca } })
    expect(await client.publish('t', 'x', { qos: 1 })).toEqual({ reasonCode: 0 })
    const untrusted = { name: 'AuthenticationError', code: 'tls-verification', retryable: true }
    expect(await rejection(open(url))).toMatchObject(untrusted)
    expect(await rejection(open(url, { tls: { ca, servername: 'other.example' } }))).toMatchObject(untrusted)
    const old = await startPeer({ tls: { ...tls, maxVersion: 'TLSv1.2' } })
    expect(await rejection(open(`wss://127.0.0.1:${old.port}`, { tls: { ca } }))).toMatchObject({
      name: 'ConnectionError',
      code: 'tls-failed',
      message: expect.stringContaining('the server offers no TLS 1.3'),
    })
    expect(old.connections).toEqual([])
  })

  it('shows its own certificate where the server wants one, and says so where it has none', async () => {
    const authority = await createAuthority()
    const issued = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
    const ca = authority.certPem
    const tls = { cert: issued.certPem, key: issued.keyPem, ca, requestCert: true }
    const { port } = await startPeer({ tls })
    const url = `wss://127.0.0.1:${port}`
    const own = await issueClientCertificate(authority, { commonName: 'test' })
    const client = await open(url, { tls: { ca, cert: own.certPem, key: own.keyPem } })
    expect(await client.publish('t', 'x', { qos: 1 })).toEqual({ reasonCode: 0 })
    expect(await rejection(open(url, { tls: { ca } }))).toMatchObject({
      name: 'AuthenticationError',
      code: 'client-certificate',
    })
  })
})

/** A WebSocket as browsers have it, in the hands of a test. */
class BrowserSocket implements WebSocketPort {
  binaryType = 'blob'
  protocol = 'mqtt'
  bufferedAmount = 0
  onopen: WebSocketPort['onopen'] = null
  onmessage: WebSocketPort['onmessage'] = null
  onerror: WebSocketPort['onerror'] = null
  onclose: WebSocketPort['onclose'] = null
  readonly sent: Uint8Array[] = []
  closedWith: number | undefined

  send(data: Uint8Array): void {
    this.sent.push(data)
    this.bufferedAmount += data.length
  }

  close(code: number): void {
    this.closedWith = code
  }
}

describe('the client over the WebSocket of a browser', () => {
  async function openTransport() {
    const socket = new BrowserSocket()
    const told: string[] = []
    const listener: TransportListener = {
      onOpen: () => told.push('open'),
      onData: (chunk) => told.push(`data ${Buffer.from(chunk).toString('hex')}`),
      onDrain: () => told.push('drain'),
      onClose: (error) => told.push(`close ${error?.message}`),
    }
    const transport = new WebSocketTransport(readUrl('wss://host'), () => socket)
    transport.open(listener)
    await expect.poll(() => socket.binaryType).toBe('arraybuffer')
    socket.onopen?.(undefined as never)
    const message = (hex: string) =>
      socket.onmessage?.({ data: new Uint8Array(Buffer.from(hex, 'hex')).buffer })
    return { socket, told, transport, message }
  }

  it('goes on reading where it was asked to pause, which browsers cannot', async () => {
    const { told, transport, message } = await openTransport()
    transport.pause()
    message('01')
    transport.resume()
    message('02')
    expect(told).toEqual(['open', 'data 01', 'data 02'])
  })

  it('waits while much is buffered, and looks until it is not', async () => {
    const { socket, told, transport } = await openTransport()
    expect(transport.write([new Uint8Array(1000)])).toBe(true)
    expect(transport.write([new Uint8Array(1_048_576)])).toBe(false)
    socket.bufferedAmount = 10
    await expect.poll(() => told).toEqual(['open', 'drain'])
  })

  it('tells of an end without reason, of a reason, and of nothing after it was destroyed', async () => {
    const normal = await openTransport()
    normal.socket.onclose?.({ code: 1001, reason: '' })
    expect(normal.told).toEqual(['open', 'close undefined'])
    const broken = await openTransport()
    broken.socket.onerror?.({})
    broken.socket.onclose?.({ code: 1006, reason: '' })
    expect(broken.told).toEqual(['open', 'close the WebSocket closed with code 1006'])
    const destroyed = await openTransport()
    destroyed.transport.destroy()
    destroyed.message('01')
    destroyed.socket.onclose?.({ code: 1006, reason: '' })
    expect(destroyed.socket.closedWith).toBe(1000)
    expect(destroyed.told).toEqual(['open'])
  })

  it('closes on text [MQTT-6.0.0-1]', async () => {
    const { socket, told } = await openTransport()
    socket.onmessage?.({ data: 'text' })
    expect(told[1]).toContain('sent a text message')
    expect(socket.closedWith).toBe(1000)
  })
})

describe('the entry for browsers', () => {
  it('exports what the entry for Node does', () => {
    // A page's clock is its own, and it has no store that would have to know exchanges again.
    const all = [...Object.keys(browserEntry), 'systemClock', 'exchangeOf']
    expect(all.sort()).toEqual(Object.keys(nodeEntry).sort())
  })

  it('says that browsers have WebSocket only, and their own certificates', async () => {
    const reject = (options: BrowserConnectOptions) =>
      rejection(browserEntry.connect({ clientId: 'test', ...options }))
    const expected = { name: 'ConnectionError', code: 'invalid-argument' }
    const plain = await reject({ url: 'mqtts://localhost' })
    expect(plain).toMatchObject(expected)
    expect(plain.message).toContain('use wss:')
    const withFile = await reject({ url: 'wss://localhost', tls: { ca: 'ca.pem' } })
    expect(withFile).toMatchObject(expected)
    expect(withFile.message).toContain('tls.ca')
  })

  it('warns in the console of the page', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    browserPlatform.warn('careful')
    expect(warn).toHaveBeenCalledWith('careful')
    warn.mockRestore()
  })
})
