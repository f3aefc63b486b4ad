import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueClientCertificate, issueServerCertificate } from '@jamey/auth'
import { type AuthenticationRequest, createBroker } from '@jamey/broker'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type ConnectOptions, connect, type TlsOptions } from '../index.js'
import { isBun, text } from '../test-support/harness.js'

const SCHEMES = ['mqtt', 'mqtts', 'ws', 'wss'] as const

describe('a client, by scheme and version', () => {
  let tls: TlsOptions
  let server: { cert: string; key: string; ca: string }

  beforeAll(async () => {
    const authority = await createAuthority()
    const issued = await issueServerCertificate(authority, { hosts: ['broker.example'] })
    const own = await issueClientCertificate(authority, { commonName: 'everywhere' })
    server = { cert: issued.certPem, key: issued.keyPem, ca: authority.certPem }
    const folder = await mkdtemp(join(tmpdir(), 'jamey-schemes-'))
    const file = async (name: string, pem: string): Promise<string> => {
      const path = join(folder, name)
      await writeFile(path, pem)
      return path
    }
    tls = {
      ca: await file('ca.pem', authority.certPem),
      cert: await file('client.pem', own.certPem),
      key: await file('client.key', own.keyPem),
      servername: 'broker.example',
    }
    return () => rm(folder, { recursive: true })
  })

  const cases = SCHEMES.flatMap((scheme) => ([4, 5] as const).map((version) => [scheme, version] as const))

  it.each(cases)(
    '%s, version %i: every QoS, small and large, with its own certificate where there is TLS',
    async (scheme, protocolVersion) => {
      const shown: (string | undefined)[] = []
      const isSecure = scheme === 'mqtts' || scheme === 'wss'
      const broker = await createBroker({
        listeners: [
          {
            host: '127.0.0.1',
            port: 0,
            webSocket: scheme.startsWith('ws'),
            ...(isSecure ? { tls: { ...server, requestClientCertificate: true } } : { insecure: true }),
          },
        ],
        authenticator: {
          authenticate: async ({ clientId, certificate }: AuthenticationRequest) => {
            shown.push(certificate?.commonName)
            const all = (): boolean => true
            return { username: clientId, mayPublish: all, maySubscribe: all, mayReceive: all }
          },
        },
        limits: { sysIntervalSeconds: 0 },
      })
      onTestFinished(() => broker.close({ graceMs: 50 }))
      await broker.listen()
      const options: ConnectOptions = {
        url: `${scheme}://127.0.0.1:${broker.addresses[0]?.port}`,
        clientId: 'everywhere',
        protocolVersion,
        ...(isSecure ? { tls } : {}),
      }
      const client = await connect(options)
      onTestFinished(async () => void (await client.close({ drain: false })))
      const seen: string[] = []
      await client.subscribe('t/#', { qos: 2 }, ({ topic, payload, qos }) => {
        seen.push(`${topic} ${qos} ${payload.length} ${text(payload.subarray(0, 3))}`)
      })
      for (const qos of [0, 1, 2] as const) {
        await client.publish(`t/${qos}`, 'abc', { qos })
        await client.publish(`t/${qos}`, 'x'.repeat(300_000), { qos })
      }
      await expect.poll(() => seen).toHaveLength(6)
      expect(seen).toEqual(
        [0, 1, 2].flatMap((qos) => [`t/${qos} ${qos} 3 abc`, `t/${qos} ${qos} 300000 xxx`]),
      )
      // The servers of HTTPS of Bun do not tell the certificate of a client.
      const isShown = isSecure && !(isBun && scheme === 'wss')
      expect(shown).toEqual([isShown ? 'everywhere' : undefined])
      expect(client.serverInformation?.protocolVersion).toBe(protocolVersion)
      expect(await client.close()).toEqual({ unacknowledgedMessages: 0, runningHandlers: 0 })
    },
  )
})
