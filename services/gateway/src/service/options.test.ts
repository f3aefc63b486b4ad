import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LiveKeySet } from '@jamey/auth'
import { ConfigurationError } from '@jamey/bus'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gatewayOptionsFromEnvironment } from './options.js'

describe('gatewayOptionsFromEnvironment', () => {
  it('leaves the defaults to the gateway', () => {
    expect(gatewayOptionsFromEnvironment({})).toEqual({})
    expect(gatewayOptionsFromEnvironment({ JAMEY_HTTP_PORT: '', MQTT_JWT_SECRET: '' })).toEqual({})
  })

  it('reads every variable', () => {
    expect(
      gatewayOptionsFromEnvironment({
        JAMEY_HTTP_HOST: '0.0.0.0',
        JAMEY_HTTP_PORT: '9000',
        JAMEY_HTTP_REQUIRE_TOKEN: '1',
        JAMEY_HTTP_CALLS_PER_MINUTE: '60',
        JAMEY_HTTP_TRUST_PROXY: '10.0.0.0/8, ::1, loopback',
        MQTT_JWT_SECRET: 'x'.repeat(32),
      }),
    ).toEqual({
      host: '0.0.0.0',
      port: 9000,
      requireToken: true,
      callLimit: { calls: 60, windowMs: 60_000 },
      trustProxy: ['10.0.0.0/8', '::1', 'loopback'],
      tokenSecret: 'x'.repeat(32),
    })
  })

  it('reads what HTTPS is served with, and tells what is missing of it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'jamey-https-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    for (const name of ['crt', 'key', 'ca', 'open']) writeFileSync(join(folder, name), name, { mode: 0o600 })
    chmodSync(join(folder, 'open'), 0o644)
    const read = (env: Record<string, string>) => gatewayOptionsFromEnvironment(env, folder)
    const all = {
      JAMEY_HTTP_CERT: 'crt',
      JAMEY_HTTP_KEY: 'key',
      JAMEY_HTTP_CA: 'ca',
      JAMEY_HTTP_CRL: 'a, /b',
    }
    expect(read(all)).toEqual({
      tls: { cert: 'crt', key: 'key', clientCa: 'ca' },
      tlsFiles: ['crt', 'key', 'ca'].map((name) => join(folder, name)),
      crlFiles: [join(folder, 'a'), '/b'],
      ownCrlFile: join(folder, 'crl.pem'),
    })
    expect(read({ JAMEY_HTTP_CERT: 'crt', JAMEY_HTTP_KEY: 'key' })).toEqual({
      tls: { cert: 'crt', key: 'key' },
      tlsFiles: ['crt', 'key'].map((name) => join(folder, name)),
    })
    const faults = (env: Record<string, string>) => {
      try {
        return read(env)
      } catch (error) {
        return (error as ConfigurationError).faults.map(({ variable }) => variable)
      }
    }
    expect(faults({ JAMEY_HTTP_CERT: 'crt' })).toEqual(['JAMEY_HTTP_KEY'])
    expect(faults({ JAMEY_HTTP_CA: 'ca' })).toEqual(['JAMEY_HTTP_CERT'])
    expect(faults({ JAMEY_HTTP_CRL: 'a' })).toEqual(['JAMEY_HTTP_CA'])
    expect(faults({ ...all, JAMEY_HTTP_KEY: 'open' })).toEqual(['JAMEY_HTTP_KEY'])
    expect(faults({ ...all, JAMEY_HTTP_CERT: 'absent' })).toEqual(['JAMEY_HTTP_CERT'])
  })

  it('reads whose tokens are taken, and tells what is wrong with it', () => {
    const { keys, ...others } = gatewayOptionsFromEnvironment({
      MQTT_JWT_AUDIENCE: 'hub, edge',
      MQTT_JWT_ISSUER: 'https://idp.example',
      MQTT_JWKS_URL: 'https://idp.example/jwks',
    })
    expect(others).toEqual({ audience: ['hub', 'edge'], issuers: ['https://idp.example'] })
    expect(keys).toBeInstanceOf(LiveKeySet)
    const faults = (env: Record<string, string>) => {
      try {
        return gatewayOptionsFromEnvironment(env)
      } catch (error) {
        return (error as ConfigurationError).faults.map(({ variable, found }) => `${variable}: ${found}`)
      }
    }
    expect(faults({ MQTT_JWT_AUDIENCE: 'a,,b', MQTT_JWKS_URL: 'https://u:geheim@idp.example' })).toEqual([
      'MQTT_JWT_AUDIENCE: "a,,b"',
      'MQTT_JWKS_URL: the URL of the key set has a user name or password in it; expected https://...',
    ])
    expect(faults({ MQTT_JWKS_FILE: 'a', MQTT_JWKS_URL: 'https://idp.example' })).toEqual([
      'MQTT_JWKS_URL: both',
    ])
    const absent = { MQTT_JWKS_URL: 'https://idp.example', MQTT_JWKS_CA_CERT: '/absent.pem' }
    expect(faults(absent)).toEqual(['MQTT_JWKS_CA_CERT: "/absent.pem", which cannot be read (ENOENT)'])
  })

  it('reads 0 calls per minute as no limit, and 0 as no token', () => {
    expect(
      gatewayOptionsFromEnvironment({ JAMEY_HTTP_CALLS_PER_MINUTE: '0', JAMEY_HTTP_REQUIRE_TOKEN: '0' }),
    ).toEqual({ callLimit: false, requireToken: false })
  })

  it('names every fault at once, with what was found and expected, and no secret [promise 37]', () => {
    const read = () =>
      gatewayOptionsFromEnvironment({
        JAMEY_HTTP_HOST: 'not a host',
        JAMEY_HTTP_PORT: '65536',
        JAMEY_HTTP_REQUIRE_TOKEN: 'perhaps',
        JAMEY_HTTP_CALLS_PER_MINUTE: '-1',
        JAMEY_HTTP_TRUST_PROXY: 'everybody',
        MQTT_JWT_SECRET: 'hunter2',
      })
    expect(read).toThrow(ConfigurationError)
    try {
      read()
    } catch (error) {
      const { message, faults } = error as ConfigurationError
      expect(faults.map(({ variable }) => variable)).toEqual([
        'JAMEY_HTTP_HOST',
        'JAMEY_HTTP_PORT',
        'JAMEY_HTTP_REQUIRE_TOKEN',
        'JAMEY_HTTP_CALLS_PER_MINUTE',
        'JAMEY_HTTP_TRUST_PROXY',
        'MQTT_JWT_SECRET',
      ])
      expect(message).toContain('JAMEY_HTTP_PORT: expected a port from 0 to 65535, found "65536"')
      expect(message).not.toContain('hunter2')
    }
  })
})
