import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { createAuthority, issueClientCertificate, issueServerCertificate } from '@jamey/auth'
import { FaultProxy, MqttPeer } from '@jamey/testing'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { makeHarness, rejection } from '../test-support/harness.js'

const { connectTo, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

describe('TLS', () => {
  let ca: string
  let authority: Awaited<ReturnType<typeof createAuthority>>
  let server: { cert: string; key: string }

  beforeAll(async () => {
    authority = await createAuthority()
    ca = authority.certPem
    const issued = await issueServerCertificate(authority, { hosts: ['127.0.0.1', 'broker.example'] })
    server = { cert: issued.certPem, key: issued.keyPem }
  })

  it('connects to a server whose certificate holds, PEM or path, and shows its own certificate', async () => {
    const peer = await startPeer({ tls: { ...server, ca, requestCert: true } })
    const own = await issueClientCertificate(authority, { commonName: 'test' })
    const folder = await mkdtemp(join(tmpdir(), 'jamey-mqtt-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const key = join(folder, 'key.pem')
    await writeFile(key, own.keyPem)
    const client = await connectTo(peer, {
      tls: { ca: [ca], cert: own.certPem, key, servername: 'broker.example' },
    })
    expect(await client.publish('t', Buffer.alloc(200_000, 1), { qos: 1 })).toEqual({ reasonCode: 0 })
    const { socket } = await peer.connection(0)
    expect(socket).toMatchObject({ authorized: true })
    expect((socket as { getProtocol?: () => string }).getProtocol?.()).toBe('TLSv1.3')
  })

  it('refuses TLS 1.2 and says so', async () => {
    const peer = await startPeer({ tls: { ...server, maxVersion: 'TLSv1.2' } })
    const error = await rejection(connectTo(peer, { tls: { ca } }))
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'tls-failed', retryable: true })
    expect(error.message).toBe(
      `connection with ${peer.url} failed: the server offers no TLS 1.3, and nothing older is used`,
    )
    expect(peer.connections).toEqual([])
  })

  it('says that a server without TLS has none', async () => {
    const plain = createServer((socket) =>
      socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    )
    plain.listen(0, '127.0.0.1')
    await once(plain, 'listening')
    onTestFinished(() => void plain.close())
    const { port } = plain.address() as { port: number }
    const error = await rejection(connectTo({ url: `mqtts://127.0.0.1:${port}` }, { tls: { ca } }))
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'tls-failed' })
    expect(error.message).toContain('the server does not speak TLS there')
  })

  it('tells a certificate that the server misses from one that we do not trust', async () => {
    const peer = await startPeer({ tls: { ...server, ca, requestCert: true, rejectUnauthorized: true } })
    const error = await rejection(connectTo(peer, { tls: { ca } }))
    expect(error).toMatchObject({
      name: 'AuthenticationError',
      code: 'client-certificate',
      retryable: true,
    })
    expect(error.message).toContain('certificate required')
  })

  it('refuses an unknown authority and a foreign name, and says nothing to the server', async () => {
    const peer = await startPeer({ tls: server })
    const expected = { name: 'AuthenticationError', code: 'tls-verification', retryable: true }
    expect(await rejection(connectTo(peer))).toMatchObject(expected)
    expect(await rejection(connectTo(peer, { tls: { ca, servername: 'other.example' } }))).toMatchObject(
      expected,
    )
    expect(peer.connections.flatMap((connection) => connection.received)).toEqual([])
  })

  it('names the option whose file cannot be read, and no secret [promise 19] [promise 37]', async () => {
    const peer = await startPeer({ tls: server })
    const missing = await rejection(connectTo(peer, { tls: { ca: '/nowhere/ca.pem' } }))
    expect(missing.message).toBe(
      'tls.ca "/nowhere/ca.pem" cannot be read (ENOENT); expected PEM or a file of it',
    )
    const damaged = await rejection(connectTo(peer, { tls: { ca, key: 'MIGHAgEAMBMG\nsecret' } }))
    expect(damaged.message).not.toContain('secret')
    expect(damaged.cause).toBeUndefined()
  })

  it('names the option that holds no certificate, or none that fits its key, and no secret [promise 19] [promise 37]', async () => {
    const peer = await startPeer({ tls: server })
    const expected = { name: 'ConnectionError', code: 'invalid-argument', retryable: false }
    const junk = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'
    for (const tls of [{ ca: junk }, { ca: [ca, junk] }, { ca, cert: junk }]) {
      const error = await rejection(connectTo(peer, { tls }))
      expect(error).toMatchObject(expected)
      expect(error.message).toMatch(/^tls\.(ca|cert) is no certificate \(.+\); expected PEM or a file of it$/)
    }
    const own = await issueClientCertificate(authority, { commonName: 'test' })
    const mismatch = await rejection(connectTo(peer, { tls: { ca, cert: own.certPem, key: server.key } }))
    expect(mismatch).toMatchObject(expected)
    expect(mismatch.message).toContain('tls.cert and tls.key cannot be used together: key values mismatch')
    const damaged = server.key.replace(/^[^-\n]+$/m, 'c2VjcmV0')
    const secret = await rejection(connectTo(peer, { tls: { ca, cert: server.cert, key: damaged } }))
    expect(secret).toMatchObject(expected)
    expect(inspect(secret, { showHidden: true })).not.toContain('c2VjcmV0')
  })
})
