import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signToken } from '@jamey/auth'
import { pino } from 'pino'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { recorded } from './authz.support.js'
import { runAuthz } from './run.js'
import { settingsFromEnvironment } from './settings.js'

const TOKEN_SECRET = 'a-secret-that-tokens-are-signed-with'
const log = pino({ level: 'silent' })
const MANIFEST = "version: 1\nclients:\n  eva: { permissions: ['app/#'] }\n"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-authz-run-'))
  return () => rmSync(folder, { recursive: true })
})

const write = (name: string, text: string, mode = 0o600) => writeFileSync(join(folder, name), text, { mode })

describe('the service by its environment', () => {
  const env = {
    JAMEY_AUTHZ_PORT: '0',
    JAMEY_AUTHZ_SECRET_FILE: 'authz-secret',
    JAMEY_AUTHZ_MANIFEST: 'permissions.yaml',
    JAMEY_DATA_DIR: '.',
    JAMEY_DENIED_FILE: 'denied.json',
    MQTT_JWT_SECRET_FILE: 'token-secret',
  }

  async function run(more: NodeJS.ProcessEnv = {}) {
    const service = await runAuthz({ env: { ...env, ...more }, cwd: folder, log })
    onTestFinished(() => service.stop())
    const ask = async (path: string, body: object, line = 0) => {
      const secret = readFileSync(join(folder, 'authz-secret'), 'utf8').split('\n')[line]
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${secret}` }
      const response = await fetch(`${service.url}${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      })
      return response.status === 200
        ? ((await response.json()) as { result: string }).result
        : response.status
    }
    return { service, ask }
  }
  const connecting = async (clientId: string) =>
    recorded.emqxAuthenticate(
      clientId,
      await signToken({ sub: clientId, permissions: ['app/#'] }, TOKEN_SECRET),
    )

  it('makes its secret, and decides by the files that it names', async () => {
    write('token-secret', `${TOKEN_SECRET}\n`)
    write('permissions.yaml', MANIFEST)
    const { service, ask } = await run()
    expect(statSync(join(folder, 'authz-secret')).mode & 0o777).toBe(0o600)
    expect(await ask('/emqx/authenticate', await connecting('eva'))).toBe('allow')
    expect(await ask('/emqx/authenticate', await connecting('bob'))).toBe('deny')
    expect(readFileSync(join(folder, 'authz-grants'), 'utf8')).toMatch(/^\n[\w-]+\.[\w-]+\n$/)
    expect(await ask('/emqx/authorize', recorded.emqxAuthorize('eva', 'publish', 'app/1'))).toBe('allow')

    // Read again: another manifest, and a secret that takes the place of the first.
    write('permissions.yaml', MANIFEST.replace('eva', 'bob'))
    write(
      'authz-secret',
      `another-secret-for-brokers-to-show-here\n${readFileSync(join(folder, 'authz-secret'))}`,
    )
    await service.reload()
    for (const line of [0, 1]) {
      expect(await ask('/emqx/authenticate', await connecting('bob'), line)).toBe('allow')
      expect(await ask('/emqx/authorize', recorded.emqxAuthorize('eva', 'publish', 'app/1'), line)).toBe(
        'deny',
      )
    }
    write('permissions.yaml', 'version: 7')
    await expect(service.reload()).rejects.toMatchObject({ name: 'ManifestError' })
    expect(await ask('/emqx/authenticate', await connecting('bob'))).toBe('allow')

    write('denied.json', '[{"sub":"bob"}]')
    await expect.poll(async () => ask('/emqx/authenticate', await connecting('bob'))).toBe('deny')
  })

  it.each([
    ['authz-secret', 'short\n', 'secret-unusable', 0o600],
    ['authz-secret', `${TOKEN_SECRET}\n`, 'secret-unusable', 0o644],
    ['permissions.yaml', 'version: 1\nclients: 7\n', 'manifest-invalid', 0o600],
    ['token-secret', 'short\n', 'secret-too-short', 0o600],
  ])('does not start with a %s of %j: %s', async (name, text, code, mode) => {
    write('token-secret', `${TOKEN_SECRET}\n`)
    write('permissions.yaml', MANIFEST)
    rmSync(join(folder, name), { force: true })
    write(name, text, mode)
    await expect(runAuthz({ env, cwd: folder, log })).rejects.toMatchObject({ code })
  })

  it('does not start where another listens', async () => {
    write('token-secret', `${TOKEN_SECRET}\n`)
    write('permissions.yaml', MANIFEST)
    const { service } = await run()
    const port = new URL(service.url).port
    const second = runAuthz({ env: { ...env, JAMEY_AUTHZ_PORT: port }, cwd: folder, log })
    await expect(second).rejects.toMatchObject({
      code: 'port-in-use',
      message: expect.stringContaining(port),
    })
  })
})

describe('the settings', () => {
  it.each([
    [{}, ['JAMEY_AUTHZ_SECRET_FILE: found nothing', 'MQTT_JWT_SECRET_FILE: found nothing']],
    [{ JAMEY_AUTHZ_HOST: '0.0.0.0' }, ['JAMEY_AUTHZ_CERT: found nothing; expected a certificate']],
    [{ JAMEY_AUTHZ_PORT: '70000' }, ['JAMEY_AUTHZ_PORT: found "70000"; expected a port from 0 to 65535']],
    [{ JAMEY_AUTHZ_CERT: 'x' }, ['JAMEY_AUTHZ_KEY: found nothing']],
    [{ JAMEY_AUTHZ_KEY: 'x' }, ['JAMEY_AUTHZ_CERT: found nothing']],
    [
      { JAMEY_AUTHZ_CERT: 'x', JAMEY_AUTHZ_KEY: 'x', JAMEY_AUTHZ_CA: 'x' },
      ['JAMEY_AUTHZ_CLIENTS: found nothing'],
    ],
    [{ JAMEY_AUTHZ_CLIENTS: 'emqx-1' }, ['JAMEY_AUTHZ_CA: found nothing']],
    [{ JAMEY_AUTHZ_CERTIFICATES: 'emqx' }, ['JAMEY_AUTHZ_MANIFEST: found nothing']],
    [{ JAMEY_AUTHZ_CERTIFICATES: 'emqx,nats' }, ['JAMEY_AUTHZ_CERTIFICATES: found "emqx,nats"']],
    [{ JAMEY_AUTHZ_CACHE_SECONDS: '1.5' }, ['JAMEY_AUTHZ_CACHE_SECONDS: found "1.5"']],
    [{ MQTT_JWT_SECRET: 'x', MQTT_JWT_SECRET_FILE: 'x' }, ['MQTT_JWT_SECRET_FILE: found both']],
    [{ MQTT_JWKS_FILE: 'x', MQTT_JWKS_URL: 'x' }, ['MQTT_JWKS_URL: found both']],
    [{ MQTT_JWKS_URL: 'http://issuer.example' }, ['MQTT_JWKS_URL: found']],
  ])('of %j say what is wrong', (env, faults) => {
    for (const fault of faults) {
      expect(() => settingsFromEnvironment(env, folder)).toThrow(fault)
    }
  })

  it('have secure defaults, and paths of the folder', () => {
    const env = { JAMEY_AUTHZ_SECRET_FILE: 'secret', MQTT_JWT_SECRET: TOKEN_SECRET, JAMEY_DATA_DIR: 'data' }
    expect(settingsFromEnvironment(env, '/somewhere')).toMatchObject({
      host: '127.0.0.1',
      port: 8090,
      secretFile: '/somewhere/secret',
      certificatesOf: [],
      cacheSeconds: 0,
      failuresPerMinute: 30,
      grantsFile: '/somewhere/data/authz-grants',
    })
    const none = settingsFromEnvironment({ ...env, JAMEY_AUTHZ_GRANTS_FILE: 'none' }, '/somewhere')
    expect(none.grantsFile).toBeUndefined()
  })
})
