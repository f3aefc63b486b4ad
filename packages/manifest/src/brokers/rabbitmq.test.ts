import { describe, expect, it } from 'vitest'
import type { BrokerOptions } from './broker-files.js'
import { rabbitMqFiles } from './rabbitmq.js'
import { client, SAMPLE_OPTIONS, sampleManifest } from './sample.support.js'

function made(options: Partial<BrokerOptions> = {}) {
  return rabbitMqFiles(sampleManifest(), { ...SAMPLE_OPTIONS, ...options })
}

function textOf(path: string, options: Partial<BrokerOptions> = {}): string {
  return made(options).files.find((file) => file.path === path)?.text ?? ''
}

describe('the files of RabbitMQ', () => {
  it('open MQTT over TLS 1.3 alone, and let nobody in whom the service does not', () => {
    const lines = textOf('rabbitmq.conf').split('\n')
    expect(lines.filter((line) => line.includes('listeners.'))).toEqual([
      'listeners.tcp = none',
      'mqtt.listeners.tcp = none',
      'mqtt.listeners.ssl.1 = 127.0.0.1:8883',
    ])
    expect(lines.filter((line) => line.includes('versions'))).toEqual(['ssl_options.versions.1 = tlsv1.3'])
    expect(lines.filter((line) => line.startsWith('auth_backends'))).toEqual(['auth_backends.1 = cache'])
    expect(lines).toContain('auth_cache.cached_backend = http')
    expect(lines).toContain('mqtt.allow_anonymous = false')
    expect(lines).toContain('mqtt.ssl_cert_login = false')
  })

  it('show the secret to the service, and are for their owner alone', () => {
    const { files } = made({
      authorization: { url: 'http://127.0.0.1:8090/', secret: 'a-secret_of.32~characters' },
    })
    const [{ text = '', mode } = {}] = files
    for (const path of ['user', 'vhost', 'resource', 'topic']) {
      const url = `http://broker:a-secret_of.32~characters@127.0.0.1:8090/rabbitmq/${path}`
      expect(text).toContain(`auth_http.${path}_path = ${url}\n`)
    }
    expect(mode).toBe(0o600)
    expect(files.filter((file) => file.text.includes('a-secret')).map(({ path }) => path)).toEqual([
      'rabbitmq.conf',
    ])
  })

  it('believe a service elsewhere by its certificate', () => {
    const authorization = { url: 'https://hub.example.org:8090', secret: 'secret' }
    expect(textOf('advanced.config', { authorization })).toBe(
      `[{rabbitmq_auth_backend_http, [{ssl_options, [{cacertfile, "/srv/certs/ca.crt"}, {verify, verify_peer}, {versions, ['tlsv1.3']}]}]}].\n`,
    )
    expect(textOf('rabbitmq.conf', { authorization })).toContain(
      'https://broker:secret@hub.example.org:8090/rabbitmq/user\n',
    )
    expect(textOf('advanced.config')).toBe('[].\n')
  })

  it('ask for a certificate with mutual TLS, and make it the user where certificates are the proof', () => {
    const mutual = textOf('rabbitmq.conf', { isMutualTls: true })
    expect(mutual).toContain('ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\n')
    expect(mutual).toContain('mqtt.ssl_cert_login = false')
    const certificates = textOf('rabbitmq.conf', { isMutualTls: true, clientsBy: 'certificates' })
    expect(certificates).toContain('mqtt.ssl_cert_login = true\nssl_cert_login_from = common_name\n')
    expect(made({ clientsBy: 'certificates' }).notes.join('\n')).toContain(
      'JAMEY_AUTHZ_CERTIFICATES=rabbitmq',
    )
  })

  it('keep what Erlang opens on this machine', () => {
    const script = textOf('start.sh')
    expect(script).toContain('export ERL_EPMD_ADDRESS=127.0.0.1\n')
    expect(script).toContain('inet_dist_use_interface {127,0,0,1}')
  })

  it('name clients that have another proof than what is asked for', () => {
    const manifest = sampleManifest(client('robot-7', []), client('robot-8', [], { proofs: ['token'] }))
    expect(rabbitMqFiles(manifest, SAMPLE_OPTIONS).notes.at(-1)).toMatch(/by a token alone.* "robot-7"\.$/)
  })

  it.each([
    [{ host: 'hub.example.org' }, 'RabbitMQ cannot listen at "hub.example.org"; expected an address'],
    [{ folder: '/srv/a b' }, 'RabbitMQ cannot be told the path of folder, "/srv/a b"; expected letters'],
    [{ folder: 'srv' }, 'the path of folder "srv" is not absolute'],
    [
      { folder: '/srv\nlisteners.tcp.1 = 1' },
      'the path of folder "/srv\\nlisteners.tcp.1 = 1" has a control character',
    ],
    [{ port: 0 }, 'the port 0 is none; expected a whole number, 1 to 65535'],
    [
      { authorization: { url: 'http://a.example', secret: undefined } },
      'tokens would be readable on their way',
    ],
    [
      { authorization: { url: 'https://127.0.0.1:8090', secret: undefined } },
      'RabbitMQ cannot verify the certificate of "https://127.0.0.1:8090"; expected a host name',
    ],
    [{ authorization: { url: 'http://127.0.0.1/x', secret: undefined } }, 'expected http://HOST:PORT'],
    [{ authorization: { url: 'http://127.0.0.1', secret: 'a@b' } }, 'make one with `openssl rand -hex 32`'],
  ])('are not made for %j', (options, fault) => {
    expect(() => made(options)).toThrow(fault)
  })
})
