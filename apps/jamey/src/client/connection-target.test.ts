import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { claimRunFile, runFilePath } from '../install/run-file.js'
import { TestFolder } from '../install/test-folder.support.js'
import { reachableHost } from '../support/host-address.js'
import { connectionFailure } from './connection.js'
import { connectionTarget } from './connection-target.js'

const at = new TestFolder()

/** The environment of a command in the folder, nothing of it from a file. */
function from(env: NodeJS.ProcessEnv) {
  return { env, fromFile: new Set<string>(), cwd: at.path }
}

describe('a command', () => {
  it('connects under a name of its own to the broker that the run file names, with operator permissions', async () => {
    await at.install()
    const claim = claimRunFile(at.directory.path, '0.1.0')
    claim.update({ broker: { host: '0.0.0.0', port: 18_883 } })
    const { config, address } = await connectionTarget(from({}), {})
    expect(config).toMatchObject({ url: 'mqtts://127.0.0.1:18883', permissions: ['jamey/#'] })
    expect(config.clientId).toMatch(/^jamey-cli-[0-9a-f]{12}$/)
    expect(address).toBe('127.0.0.1:18883')
    expect((await connectionTarget(from({}), { permission: ['a'] })).config.permissions).toEqual(['a'])
    claim.release()
  })

  it('never takes another system for that of its folder: where nothing was started from it, there is none', async () => {
    await at.install()
    for (const options of [{}, { dataDir: at.directory.path }]) {
      await expect(connectionTarget(from({}), options)).rejects.toMatchObject({
        code: 'no-broker',
        exitCode: 5,
        message: `nothing runs from ${at.directory.path}`,
        hint: expect.stringContaining('`jamey up'),
      })
    }
    const claim = claimRunFile(at.directory.path, '0.1.0')
    // It does not listen yet.
    await expect(connectionTarget(from({}), {})).rejects.toMatchObject({
      code: 'no-broker',
      exitCode: 5,
      message: `process ${process.pid} is still starting from ${at.directory.path}`,
    })
    claim.release()
  })

  it('takes the port of a broker that the environment starts with the certificate of the folder', async () => {
    await at.install()
    const env = { JAMEY_BROKER_CERT: '.jamey/certs/server.crt', JAMEY_BROKER_PORT: '18884' }
    expect((await connectionTarget(from(env), {})).address).toBe('127.0.0.1:18884')
    const other = { ...env, JAMEY_BROKER_CERT: 'other/server.crt' }
    await expect(connectionTarget(from(other), {})).rejects.toMatchObject({ code: 'no-broker' })
  })

  it('tries what is recorded of a process that it cannot see, such as one in a container, and says so', async () => {
    await at.install()
    const record = {
      pid: 2 ** 30,
      process_started: 'elsewhere',
      version: '0.1.0',
      started_at: '2026-05-01T00:00:00Z',
    }
    const broker = { host: '0.0.0.0', port: 18_885 }
    writeFileSync(runFilePath(at.directory.path), JSON.stringify({ ...record, broker }), { mode: 0o600 })
    const { address, doubt } = await connectionTarget(from({}), {})
    expect(address).toBe('127.0.0.1:18885')
    expect(doubt).toContain('trying 127.0.0.1:18885')
  })

  it('takes the environment first, and never the name of the component whose environment it is', async () => {
    await at.install()
    const env = {
      MQTT_BROKER_URL: 'mqtt://example.org',
      MQTT_TLS_CA_CERT: at.directory.caCertificate,
      MQTT_JWT_SECRET: 'x'.repeat(32),
      MQTT_CLIENT_ID: 'jamey-memory',
      MQTT_TLS_CLIENT_CERT: at.directory.clientCertificate('jamey-memory'),
      MQTT_TLS_CLIENT_KEY: at.directory.clientKey('jamey-memory'),
    }
    // The bus looks into `.env` once more.
    const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(join(at.path, '.env'), lines.join(''), { mode: 0o600 })
    const { config, wayOut } = await connectionTarget(from(env), {})
    expect(config.clientId).toMatch(/^jamey-cli-/)
    expect(config.tls).toEqual({ ca: readFileSync(at.directory.caCertificate, 'utf8') })
    expect(wayOut).toContain('--client-id NAME')
    const asked = await connectionTarget(from(env), { clientId: 'jamey-memory' })
    expect(asked.config).toMatchObject({ clientId: 'jamey-memory', tls: { cert: expect.anything() } })
    await expect(connectionTarget(from(env), { clientId: 'other' })).rejects.toThrow(/MQTT_TLS_CLIENT_CERT/)
  })

  it('connects under the name of its certificate where nothing else proves who it is', async () => {
    await at.install()
    const env = {
      MQTT_BROKER_URL: 'mqtts://example.org',
      MQTT_TLS_CA_CERT: at.directory.caCertificate,
      MQTT_TLS_CLIENT_CERT: at.directory.clientCertificate('jamey-memory'),
      MQTT_TLS_CLIENT_KEY: at.directory.clientKey('jamey-memory'),
    }
    const certified = { ...env, MQTT_USERNAME: 'none' }
    const { config } = await connectionTarget(from(certified), {})
    expect(config).toMatchObject({ clientId: 'jamey-memory', tls: { cert: expect.anything() } })
    const component = await connectionTarget(from({ ...certified, MQTT_CLIENT_ID: 'jamey-memory' }), {})
    expect(component.config.clientId).toMatch(/^jamey-cli-/)
    const withToken = await connectionTarget(from({ ...env, MQTT_JWT_SECRET: 'x'.repeat(32) }), {})
    expect(withToken.config.clientId).toMatch(/^jamey-cli-/)
    expect(withToken.config.tls).not.toHaveProperty('cert')
  })

  it('goes by the manifest where it connects as a client that this names', async () => {
    await at.installRunning()
    writeFileSync(
      join(at.path, 'permissions.yaml'),
      "version: 1\nclients: { robot-7: { proof: token, permissions: ['publish:lab/%c/#'] } }\n",
    )
    const env = { JAMEY_PERMISSIONS_FILE: 'permissions.yaml' }
    const named = await connectionTarget(from(env), { clientId: 'robot-7' })
    expect([named.config.permissions, named.permissionSource]).toEqual([['publish:lab/%c/#'], 'manifest'])
    const other = await connectionTarget(from(env), { clientId: 'robot-7', permission: ['lab/a'] })
    expect([other.config.permissions, other.permissionSource]).toEqual([['lab/a'], 'option'])
    const passing = await connectionTarget(from(env), {})
    expect([passing.config.permissions, passing.permissionSource]).toEqual([['jamey/#'], 'default'])
    await expect(connectionTarget(from(env), { clientId: 'robot-8' })).rejects.toThrow(
      'permissions.yaml does not name "robot-8"',
    )
  })

  it('tries for ever once connected, unless it was told how often', async () => {
    await at.installRunning()
    expect((await connectionTarget(from({}), {})).config.failuresBeforeOpen).toBe(Number.POSITIVE_INFINITY)
    const env = { MQTT_BROKER_URL: 'mqtt://example.org', MQTT_JWT_SECRET: 'x'.repeat(32) }
    expect((await connectionTarget(from(env), {})).config.failuresBeforeOpen).toBe(Number.POSITIVE_INFINITY)
    const told = { ...env, MQTT_BREAKER_FAILURES: '3' }
    expect((await connectionTarget(from(told), {})).config.failuresBeforeOpen).toBe(3)
  })

  it('tells nobody there, nobody to trust and nobody who wants us apart', async () => {
    await at.installRunning()
    const target = await connectionTarget(from({}), {})
    const told = (cause: Error) => connectionFailure({ cause }, target)
    const system = (code: string) => Object.assign(new Error(code), { code })
    const refused = told(new Error('unreachable', { cause: system('ECONNREFUSED') }))
    expect(refused).toMatchObject({ exitCode: 5, message: 'no broker at 127.0.0.1:8883' })
    expect(refused.hint).toContain('jamey up')
    expect(told(system('ERR_TLS_CERT_ALTNAME_INVALID'))).toMatchObject({
      code: 'certificate-host',
      hint: expect.stringContaining('certs issue --server --host'),
    })
    expect(told(system('SELF_SIGNED_CERT_IN_CHAIN'))).toMatchObject({
      code: 'certificate-not-trusted',
      exitCode: 5,
    })
    const unwanted = Object.assign(new Error('bad token'), {
      name: 'AuthenticationError',
      code: 'bad-credentials',
    })
    expect(told(unwanted)).toMatchObject({ exitCode: 3, code: 'bad-credentials' })
    const unlisted = Object.assign(
      new Error("refused: the broker's manifest does not name this client"),
      unwanted,
    )
    expect(told(unlisted).hint).toContain('--client-id takes one that is in the manifest')
    const named = { ...target, config: { ...target.config, clientId: 'eva' } }
    expect(connectionFailure({ cause: unlisted }, named).hint).toContain('belongs to another system')
    const bare = Object.assign(new Error('no'), { name: 'AuthenticationError', code: 'client-certificate' })
    expect(told(bare)).toMatchObject({ exitCode: 3, hint: expect.stringContaining('certs issue NAME') })
    const shown = { ...target, config: { ...target.config, tls: { cert: 'PEM', key: 'PEM' } } }
    expect(connectionFailure({ cause: bare }, shown).hint).toContain('belongs to another system')
    expect(reachableHost('::')).toBe('::1')
  })
})
