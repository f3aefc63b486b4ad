import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { createAuthority, issueServerCertificate } from '@jamey/auth'
import { FaultProxy, MqttPeer } from '@jamey/testing'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ConnectOptions } from '../index.js'
import { makeHarness, rejection } from '../test-support/harness.js'

const { connectTo, startPeer } = makeHarness({
  onTestFinished,
  listen: MqttPeer.listen,
  proxy: FaultProxy.listen,
})

describe('TLS material', () => {
  let ca: string
  let other: string
  let server: { cert: string; key: string }

  beforeAll(async () => {
    const authority = await createAuthority()
    ca = authority.certPem
    other = (await createAuthority()).certPem
    const issued = await issueServerCertificate(authority, { hosts: ['127.0.0.1'] })
    server = { cert: issued.certPem, key: issued.keyPem }
  })

  it('may be DER, in bytes or in a file, and a bundle in whatever order', async () => {
    const peer = await startPeer({ tls: server })
    const der = new X509Certificate(ca).raw
    const folder = await mkdtemp(join(tmpdir(), 'jamey-mqtt-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const path = join(folder, 'ca.der')
    await writeFile(path, der)
    for (const authorities of [der, path, [der], `${other}\n# and\n${ca}`, Buffer.from(`${ca}${other}`)]) {
      const client = await connectTo(peer, { tls: { ca: authorities } })
      await expect(client.publish('t', 'x', { qos: 1 })).resolves.toEqual({ reasonCode: 0 })
    }
  })

  it('is refused where less would be trusted than was meant', async () => {
    const peer = await startPeer({ tls: server })
    const damaged = other.replace(/[A-Za-z0-9+/]{20}\n/, '\n')
    const cases: [ConnectOptions['tls'], string][] = [
      [{ ca: `${ca}${damaged}` }, 'tls.ca: certificate 2 of 2'],
      [{ ca: `${damaged}${ca}` }, 'tls.ca: certificate 1 of 2'],
      [{ ca: [] }, 'tls.ca is an empty list'],
      [{ ca: Buffer.from('neither') }, 'tls.ca is no certificate'],
      [{ ca, pfx: Buffer.from('neither') }, 'tls.pfx cannot be used'],
    ]
    for (const [tls, fault] of cases) {
      const error = await rejection(connectTo(peer, { tls }))
      expect(error).toMatchObject({ name: 'ConnectionError', code: 'invalid-argument', retryable: false })
      expect(error.message).toContain(fault)
    }
  })

  it('offers protocols by ALPN, as MQTT at port 443 of some services needs', async () => {
    const peer = await startPeer({ tls: { ...server, ALPNProtocols: ['h2', 'mqtt'] } })
    await connectTo(peer, { tls: { ca, ALPNProtocols: ['x-amzn-mqtt-ca', 'mqtt'] } })
    expect(((await peer.connection(0)).socket as TLSSocket).alpnProtocol).toBe('mqtt')
  })
})

describe('an unknown option', () => {
  it.each([
    [{ keepAlive: 5 }, 'option keepAlive is unknown; did you mean keepAliveSeconds?'],
    [{ clientID: 'x' }, 'option clientID is unknown; did you mean clientId?'],
    [{ tls: { ALPNProtocol: ['mqtt'] } }, 'did you mean tls.ALPNProtocols?'],
    [{ tls: { rejectUnauthorized: false } }, 'option tls.rejectUnauthorized is unknown; there are ca, '],
    [{ reconnect: { baseDelay: 5 } }, 'did you mean reconnect.baseDelayMs?'],
    [
      { queue: { maxMessages: 5 } },
      'option queue.maxMessages is unknown; did you mean queue.maximumMessages?',
    ],
    [{ will: { topic: 't', payload: 'x', retian: true } }, 'did you mean will.retain?'],
  ])('%j is refused by name', async (options, fault) => {
    const peer = await startPeer()
    const error = await rejection(connectTo(peer, options as ConnectOptions))
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'invalid-argument' })
    expect(error.message).toContain(fault)
  })
})
