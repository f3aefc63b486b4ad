import { describe, expect, it } from 'vitest'
import type { BrokerOptions } from './broker-files.js'
import { emqxFiles } from './emqx.js'
import { SAMPLE_OPTIONS, sampleManifest } from './sample.support.js'

const SECRET = 'a-secret_of.32~characters'
const AUTHORIZATION = { url: 'http://127.0.0.1:8090', secret: SECRET }

function made(options: Partial<BrokerOptions> = {}) {
  return emqxFiles(sampleManifest(), { ...SAMPLE_OPTIONS, authorization: AUTHORIZATION, ...options })
}

function textOf(options: Partial<BrokerOptions> = {}): string {
  return made(options).files.find(({ path }) => path === 'emqx.conf')?.text ?? ''
}

describe('the files of EMQX', () => {
  it('open MQTT over TLS 1.3 alone, and no dashboard', () => {
    const text = textOf()
    for (const listener of ['tcp', 'ws', 'wss'])
      expect(text).toContain(`${listener} { default { enable = false } }`)
    expect(text.match(/bind = .*/g)).toEqual(['bind = 0 } } }', 'bind = "127.0.0.1:8883"'])
    expect(text.match(/versions = .*/g)).toEqual(['versions = ["tlsv1.3"]'])
    expect(text).toContain('rpc { listen_address = "127.0.0.1" }')
    expect(text).toContain('telemetry { enable = false }')
  })

  it('ask the service alone, with the secret, and deny what it does not allow', () => {
    const text = textOf()
    expect(text.match(/url = .*/g)).toEqual([
      'url = "http://127.0.0.1:8090/emqx/authenticate"',
      'url = "http://127.0.0.1:8090/emqx/authorize"',
    ])
    expect(text.match(/authorization = "Bearer a-secret_of.32~characters"/g)).toHaveLength(2)
    expect(text).toContain('no_match = deny')
    expect(text).toMatch(/ cn = "\$\{cert_common_name\}"/)
    expect(text).toMatch(/ grant = "\$\{client_attrs\.grant\}"/)
    expect(text.match(/backend = http|type = http/g)).toHaveLength(2)
    expect(text).not.toMatch(/type = file|acl\.conf"/)
    expect(made().files[0]?.mode).toBe(0o600)
  })

  it('verify the service over HTTPS', () => {
    const text = textOf({ authorization: { ...AUTHORIZATION, url: 'https://hub.example.org:8090' } })
    expect(text).toContain('url = "https://hub.example.org:8090/emqx/authorize"')
    const tls =
      'ssl { enable = true, cacertfile = "/srv/certs/ca.crt", verify = verify_peer, versions = ["tlsv1.3"] }'
    expect(text.split(tls)).toHaveLength(3)
  })

  it('ask for a certificate with mutual TLS, and make it the user where certificates are the proof', () => {
    expect(textOf()).toContain('verify = verify_none\n')
    const mutual = textOf({ isMutualTls: true })
    expect(mutual).toContain('verify = verify_peer\n        fail_if_no_peer_cert = true\n')
    expect(mutual).toContain('peer_cert_as_username = disabled')
    expect(textOf({ isMutualTls: true, clientsBy: 'certificates' })).toContain('peer_cert_as_username = cn')
  })

  it('open and close as many braces, and hold a path as it is', () => {
    const text = textOf({ tls: { ...SAMPLE_OPTIONS.tls, ca: '/srv/a "b"\\c/ca.crt' } })
    expect(text).toContain('cacertfile = "/srv/a \\"b\\"\\\\c/ca.crt"')
    const outside = text.replace(/"(\\.|[^"\\])*"/g, '')
    expect(outside.match(/[{[]/g)?.length).toBe(outside.match(/[}\]]/g)?.length)
  })
})
