import { describe, expect, it } from 'vitest'
import type { BrokerOptions } from './broker-files.js'
import { SAMPLE_OPTIONS, sampleManifest } from './sample.support.js'
import { vernemqFiles } from './vernemq.js'

const SECRET = 'a-secret_of.32~characters'
const AUTHORIZATION = { url: 'http://127.0.0.1:8090', secret: SECRET }

function linesOf(options: Partial<BrokerOptions> = {}): string[] {
  const { files } = made(options)
  return files.find(({ path }) => path === 'vernemq.conf')?.text.split('\n') ?? []
}

function made(options: Partial<BrokerOptions> = {}) {
  return vernemqFiles(sampleManifest(), { ...SAMPLE_OPTIONS, authorization: AUTHORIZATION, ...options })
}

describe('the files of VerneMQ', () => {
  it('open MQTT over TLS 1.3 alone, and the rest to this machine', () => {
    const lines = linesOf()
    expect(lines.filter((line) => /^listener\.\w+\.\w+ = /.test(line))).toEqual([
      'listener.ssl.default = 127.0.0.1:8883',
      'listener.vmq.clustering = 127.0.0.1:44053',
      'listener.http.default = 127.0.0.1:8888',
    ])
    expect(lines).toContain('listener.ssl.default.tls_version = tlsv1.3')
    expect(lines).toContain('listener.ssl.default.allowed_protocol_versions = 4,5')
    expect(lines).toContain('shared_subscription_policy = random')
  })

  it('ask the service by all seven hooks, with the secret, and let nobody in otherwise', () => {
    const lines = linesOf()
    const hooks = lines.flatMap((line) => /^vmq_webhooks\.\w+\.hook = (.*)$/.exec(line)?.[1] ?? [])
    expect(hooks.sort()).toEqual([
      'auth_on_publish',
      'auth_on_publish_m5',
      'auth_on_register',
      'auth_on_register_m5',
      'auth_on_subscribe',
      'auth_on_subscribe_m5',
      'on_auth_m5',
    ])
    const endpoints = lines.flatMap((line) => /\.endpoint = (.*)$/.exec(line)?.[1] ?? [])
    expect(new Set(endpoints)).toEqual(new Set([`http://broker:${SECRET}@127.0.0.1:8090/vernemq`]))
    expect(endpoints).toHaveLength(7)
    expect(lines.filter((line) => line.endsWith('no_payload = on'))).toHaveLength(2)
    expect(lines.filter((line) => line.startsWith('plugins.') && line.endsWith('on'))).toEqual([
      'plugins.vmq_webhooks = on',
    ])
    expect(lines.filter((line) => line.includes('anonymous'))).toEqual(['allow_anonymous = off'])
  })

  it('go by rules and certificates where those are the proof', () => {
    const lines = linesOf({ clientsBy: 'certificates', isMutualTls: true })
    expect(lines).toContain('listener.ssl.default.require_certificate = on')
    expect(lines).toContain('listener.ssl.default.use_identity_as_username = on')
    expect(lines.filter((line) => line.startsWith('plugins.') && line.endsWith('on'))).toEqual([
      'plugins.vmq_acl = on',
    ])
    expect(lines).toContain('vmq_acl.acl_file = /srv/broker/vmq.acl')
    expect(lines.join('\n')).not.toContain(SECRET)
    const { files, notes } = made({ clientsBy: 'certificates' })
    expect(files.map(({ path }) => path)).toContain('vmq.acl')
    expect(notes.join('\n')).toContain('for "jamey-operator".')
  })

  it('name each key once, and are for their owner alone', () => {
    for (const clientsBy of ['tokens', 'certificates'] as const) {
      const keys = linesOf({ clientsBy, authorization: { ...AUTHORIZATION, url: 'https://127.0.0.1' } })
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => line.split(' = ')[0])
      expect(new Set(keys).size).toBe(keys.length)
    }
    expect(made().files[0]?.mode).toBe(0o600)
  })

  it('have a cookie that is nobody else’s, and not the secret', () => {
    const cookie = (secret: string) =>
      linesOf({ authorization: { ...AUTHORIZATION, secret } }).find((line) =>
        line.startsWith('distributed_cookie'),
      )
    expect(cookie(SECRET)).toMatch(/^distributed_cookie = [0-9a-f]{64}$/)
    expect(cookie(SECRET)).toBe(cookie(SECRET))
    expect(cookie(SECRET)).not.toBe(cookie('another'))
    expect(() => made({ authorization: { ...AUTHORIZATION, secret: undefined } })).toThrow(
      'there is no secret',
    )
  })

  it('are not made for a host name, which it cannot listen at', () => {
    expect(() => made({ host: 'hub.example.org' })).toThrow('VerneMQ cannot listen at "hub.example.org"')
  })
})
