import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { inspect, promisify } from 'node:util'
import { createAuthority, issueClientCertificate, issueServerCertificate } from '@jamey/auth'
import { connect, type TlsOptions } from '@jamey/mqtt'
import { MqttPeer } from '@jamey/testing'
import { describe, expect, it, onTestFinished } from 'vitest'

const PASSPHRASE = 'hush'

/** A server that wants certificates, and one for `test` in PKCS#12 as OpenSSL writes it. */
async function start(): Promise<{ peer: MqttPeer; ca: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'jamey-pkcs12-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const authority = await createAuthority()
  const own = await issueClientCertificate(authority, { commonName: 'test' })
  const [cert, key, path] = [join(folder, 'own.crt'), join(folder, 'own.key'), join(folder, 'own.p12')]
  await Promise.all([writeFile(cert, own.certPem), writeFile(key, own.keyPem)])
  const files = ['-in', cert, '-inkey', key, '-out', path]
  await promisify(execFile)('openssl', ['pkcs12', '-export', ...files, '-passout', `pass:${PASSPHRASE}`])
  const server = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
  const ca = authority.certPem
  const tls = { cert: server.certPem, key: server.keyPem, ca, requestCert: true, rejectUnauthorized: true }
  const peer = await MqttPeer.listen({ tls })
  onTestFinished(() => peer.close())
  return { peer, ca, path }
}

describe('a certificate and its key in PKCS#12', () => {
  it('are shown to the server, from a file and from bytes', async () => {
    const { peer, ca, path } = await start()
    for (const [i, pfx] of [path, await readFile(path)].entries()) {
      const client = await connect({ url: peer.url, tls: { ca, pfx, passphrase: PASSPHRASE } })
      onTestFinished(async () => void (await client.close()))
      expect(await client.publish('t', 'x', { qos: 1 })).toEqual({ reasonCode: 0 })
      const { socket } = await peer.connection(i)
      expect((socket as TLSSocket).getPeerCertificate().subject.CN).toBe('test')
    }
  })

  it.each<[string, Pick<TlsOptions, 'passphrase'>]>([
    ['a wrong', { passphrase: 'other' }],
    ['no', {}],
  ])('are refused with %s passphrase, which is not shown', async (_, given) => {
    const { peer, ca, path } = await start()
    const pfx = await readFile(path)
    const error = await connect({ url: peer.url, tls: { ca, pfx, ...given } }).catch(
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'invalid-argument', retryable: false })
    expect((error as Error).message).toMatch(/^tls\.pfx cannot be used: .+tls\.passphrase where it has one$/)
    expect(inspect(error, { showHidden: true })).not.toContain('other')
    expect(peer.connections).toEqual([])
  })
})
