import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueClientCertificate, issueServerCertificate } from '@jamey/auth'
import { FaultProxy, MqttPeer } from '@jamey/testing'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { makeHarness, rejection } from './test-support/harness.js'

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

  it('refuses TLS 1.2', async () => {
    const peer = await startPeer({ tls: { ...server, maxVersion: 'TLSv1.2' } })
    expect(await rejection(connectTo(peer, { tls: { ca } }))).toMatchObject({ name: 'ConnectionError' })
  })

  it('refuses an unknown authority and a foreign name, for good', async () => {
    const peer = await startPeer({ tls: server })
    const expected = { name: 'AuthenticationError', code: 'tls-verification', retryable: false }
    expect(await rejection(connectTo(peer))).toMatchObject(expected)
    expect(await rejection(connectTo(peer, { tls: { ca, servername: 'other.example' } }))).toMatchObject(
      expected,
    )
    expect(peer.connections.flatMap((connection) => connection.received)).toEqual([])
  })

  it('names the option whose file can not be read, and no secret [promise 19] [promise 37]', async () => {
    const peer = await startPeer({ tls: server })
    const missing = await rejection(connectTo(peer, { tls: { ca: '/nowhere/ca.pem' } }))
    expect(missing.message).toBe(
      'tls.ca "/nowhere/ca.pem" can not be read (ENOENT); expected PEM or a file of it',
    )
    const damaged = await rejection(connectTo(peer, { tls: { ca, key: 'MIGHAgEAMBMG\nsecret' } }))
    expect(damaged.message).not.toContain('secret')
    expect(damaged.cause).toBeUndefined()
  })
})
