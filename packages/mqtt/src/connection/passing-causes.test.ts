import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueClientCertificate, issueServerCertificate } from '@jamey/auth'
import { FakeClock, FaultProxy, MqttPeer, type MqttPeerOptions, until } from '@jamey/testing'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ConnectOptions } from '../index.js'
import { makeHarness } from '../test-support/harness.js'
import { openWebSocket } from '../transport/ws-socket.js'

const { makeClient, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

const DAY_MS = 86_400_000

interface Material {
  readonly cert: string
  readonly key: string
}

/** A cause as it meets a client, and what takes it away. */
interface Case {
  readonly options: ConnectOptions
  mend?(): Promise<void> | void
}

let ca: string
let authority: Awaited<ReturnType<typeof createAuthority>>
let good: Material
let own: Material

async function serverOf(from = authority, hosts = ['127.0.0.1'], now = Date.now): Promise<Material> {
  const { certPem, keyPem } = await issueServerCertificate(from, { hosts, now, validityDays: 1 })
  return { cert: certPem, key: keyPem }
}

beforeAll(async () => {
  authority = await createAuthority({ now: () => Date.now() - 100 * DAY_MS })
  ca = authority.certPem
  good = await serverOf()
  const { certPem, keyPem } = await issueClientCertificate(authority, { commonName: 'test' })
  own = { cert: certPem, key: keyPem }
})

/** A file of this test. */
function fileWith(text: string | undefined): { path: string; write: (text: string) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'jamey-mqtt-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'it.pem')
  const write = (content: string): void => writeFileSync(path, content)
  if (text !== undefined) write(text)
  return { path, write }
}

/** The server at one port is replaced by another. */
async function replaced(bad: MqttPeerOptions, by: MqttPeerOptions = { tls: good }): Promise<Case> {
  const peer = await startPeer(bad)
  const { url, port } = peer
  return {
    options: { url, tls: { ca } },
    mend: async () => {
      await peer.close()
      const next = await startPeer(by)
      await next.close()
      await next.relisten(port)
    },
  }
}

/** The option url gives what is none first, and the server's after that. */
async function urlOnce(first: () => string | Promise<string>): Promise<Case> {
  const peer = await startPeer()
  let hasAsked = false
  const url = (): string | Promise<string> => {
    if (hasAsked) return peer.url
    hasAsked = true
    return first()
  }
  return { options: { url } }
}

/** A proxy that answers `refusal` until it is put right. */
async function proxyOnce(refusal: string): Promise<Case> {
  const peer = await startPeer()
  let isRight = false
  const proxy = createServer().on('connect', (_, socket: Socket) => {
    if (!isRight) return socket.end(`HTTP/1.1 ${refusal}\r\n\r\n`)
    const onward = connectTcp(peer.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  onTestFinished(() => void proxy.close())
  const { port } = proxy.address() as AddressInfo
  return {
    options: { url: peer.url, proxy: `http://me:secret@127.0.0.1:${port}` },
    mend: () => {
      isRight = true
    },
  }
}

async function withTls(
  tls: NonNullable<ConnectOptions['tls']>,
  mend: Case['mend'] = () => {},
): Promise<Case> {
  const { url } = await startPeer({ tls: good })
  return { options: { url, tls }, mend }
}

async function withOptions(options: ConnectOptions, mend: Case['mend'] = () => {}): Promise<Case> {
  const { url } = await startPeer()
  return { options: { url, ...options }, mend }
}

async function unreachable(): Promise<Case> {
  const peer = await startPeer()
  const { url, port } = peer
  await peer.close()
  return { options: { url }, mend: () => peer.relisten(port) }
}

async function silent(): Promise<Case> {
  const peer = await startPeer()
  peer.follow({ connect: () => {} })
  return {
    options: { url: peer.url },
    mend: () => {
      peer.follow({})
      for (const connection of peer.connections) connection.cut()
    },
  }
}

async function forbidden(): Promise<Case> {
  const peer = await startPeer()
  peer.follow({ connect: (_, server) => server.socket.write(Buffer.from([0x20, 0x01, 0x00])) })
  return { options: { url: peer.url }, mend: () => peer.follow({}) }
}

async function keyComesLater(): Promise<Case> {
  const key = fileWith(good.key)
  return withTls({ ca, cert: own.cert, key: key.path }, () => key.write(own.key))
}

async function functionMends(): Promise<Case> {
  let username: string | undefined
  return withOptions(
    { protocolVersion: 4, credentials: () => (username === undefined ? { password: 'x' } : { username }) },
    () => {
      username = 'me'
    },
  )
}

async function credentialsFail(): Promise<Case> {
  let isDown = true
  const credentials = (): { username: string } => {
    if (isDown) throw new Error('issuer down')
    return { username: 'me' }
  }
  return withOptions({ credentials }, () => {
    isDown = false
  })
}

const CASES: Record<string, (() => Promise<Case>)[]> = {
  'nobody listens, no such name, no way there, the connection breaks': [unreachable],
  'no answer in time': [silent],
  "the server's certificate has expired, is not valid yet, has another name, is signed by nobody we know": [
    async () => replaced({ tls: await serverOf(authority, undefined, () => Date.now() - 50 * DAY_MS) }),
    async () => replaced({ tls: await serverOf(authority, undefined, () => Date.now() + 50 * DAY_MS) }),
    async () => replaced({ tls: await serverOf(authority, ['other.example']) }),
    async () => replaced({ tls: await serverOf(await createAuthority()) }),
  ],
  'the server does not take our certificate, or misses one': [
    () => replaced({ tls: { ...good, ca, requestCert: true, rejectUnauthorized: true } }),
  ],
  'the server has no TLS 1.3, or no TLS': [() => replaced({ tls: { ...good, maxVersion: 'TLSv1.2' } })],
  'the server sends what MQTT forbids': [forbidden],
  'the credentials function fails': [credentialsFail],
  'the function of `url` or of `webSocket.headers` fails': [
    () => urlOnce(() => Promise.reject(new Error('no signature'))),
  ],
  'that of `url` gives no URL, that of `webSocket.headers` no headers': [() => urlOnce(() => 'nowhere')],
  'the proxy is not there, or does not connect to the server': [() => proxyOnce('502 Bad Gateway')],
  'the proxy does not take our user and password': [() => proxyOnce('407 Proxy Authentication Required')],
  'a file among them is missing or cannot be read': [
    async () => {
      const file = fileWith(undefined)
      return withTls({ ca: file.path }, () => file.write(ca))
    },
  ],
  'a file among them is empty or no certificate': [
    async () => {
      const file = fileWith('')
      return withTls({ ca: file.path }, () => file.write(ca))
    },
    async () => {
      const file = fileWith(ca.slice(0, 200))
      return withTls({ ca: [ca, file.path] }, () => file.write(ca))
    },
  ],
  'certificate and key do not fit each other, and one is a file': [keyComesLater],
  'the text given as one of them is none, or they do not fit each other': [
    () => withTls({ ca: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----' }),
    () => withTls({ ca, cert: own.cert, key: good.key }),
    () => withTls({ ca, cert: own.cert, key: 'MIGHAgEAMBMG\nof no file' }),
  ],
  'CONNECT cannot be written, and credentials or will are a function': [functionMends],
  'CONNECT cannot be written, and neither is': [
    () => withOptions({ protocolVersion: 4, credentials: { password: 'x' } }),
  ],
  'the package `ws` is missing': [
    async () => ({
      options: {
        url: 'ws://127.0.0.1:1',
        transport: (endpoint, tls) =>
          openWebSocket(endpoint, tls, () => Promise.reject(new Error('Cannot find package'))),
      },
    }),
  ],
}

interface Row {
  readonly what: string
  readonly name: string
  readonly codes: string[]
  readonly then: string
}

const page = readFileSync(join(import.meta.dirname, '../../../../docs/errors.md'), 'utf8')
const rows: Row[] = [
  ...page.matchAll(/^\| (.+) \| `(\w+Error)` ([a-z -]+(?:, [a-z -]+)*) \| (retry|stop) \|$/gm),
].map(([, what = '', name = '', codes = '', then = '']) => ({
  what,
  name,
  codes: codes.split(/, | or /),
  then,
}))
const cases = rows.flatMap((row) =>
  (CASES[row.what] ?? []).map((make, at): [string, Row, () => Promise<Case>] => [
    `${row.what} (${at + 1})`,
    row,
    make,
  ]),
)

describe("what a client meets beside the server's own words", () => {
  it('stands in docs/errors.md, each row with what is tried here', () => {
    expect(rows.map(({ what }) => what)).toEqual(Object.keys(CASES))
  })

  it.each(cases)('%s', async (_, { name, codes, then }, make) => {
    const { options, mend } = await make()
    const clock = new FakeClock()
    const client = makeClient({
      ...options,
      clock,
      waitForConnection: false,
      reconnect: { jitter: 0, failuresBeforeOpen: Number.POSITIVE_INFINITY },
      connectTimeoutMs: 10_000,
    })
    const causes: (Error | undefined)[] = []
    client.onState(({ cause }) => cause !== undefined && causes.push(cause))
    client.connect().catch(() => {})
    await clock.advance(codes.includes('timeout') ? 10_000 : 0)
    await until(() => causes.length > 0)
    const [cause] = causes
    expect(cause).toMatchObject({
      name,
      code: expect.stringMatching(codes.join('|')),
      retryable: then !== 'stop',
    })
    if (then === 'stop') {
      expect(client.state).toBe('error')
      await clock.advance(600_000)
      expect(causes).toHaveLength(1)
      return
    }
    await mend?.()
    for (let i = 0; i < 20 && client.state !== 'connected'; i++) {
      await until(() => client.state === 'reconnecting' || client.state === 'connected')
      await clock.advance(client.status.delayMs ?? 0)
      await until(() => client.state !== 'connecting')
    }
    expect(client.state).toBe('connected')
  })
})
