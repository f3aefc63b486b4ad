import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readTokenSecretsFile } from '@jamey/auth'
import { configFromEnvironment, connectBus } from '@jamey/bus'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { embeddedSettings } from '../broker/embedded-broker.js'
import { type ServedBroker, startServedBroker } from '../broker/served-broker.js'
import { type RunningComponent, startComponent } from '../components/component.js'
import { environmentBesideBroker } from '../components/component-environment.js'
import { type DataDirectory, dataDirectoryAt } from '../install/data-directory.js'
import { CERTIFIED_CLIENTS, makeDataDirectory, provision } from '../install/provision.js'
import { runCommand } from './run-command.support.js'

const log = pino({ level: 'silent' })
const text = (path: string) => readFileSync(path, 'utf8')

let folder: string
let directory: DataDirectory
let broker: ServedBroker
let gateway: RunningComponent
let port: number

/** Broker and gateway as `jamey up` has them. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-issued-tokens-'))
  directory = dataDirectoryAt(join(folder, '.jamey'))
  makeDataDirectory(directory)
  await provision(directory, '127.0.0.1')
  const started = embeddedSettings({
    host: '127.0.0.1',
    port: 0,
    cert: text(directory.serverCertificate),
    key: text(directory.serverKey),
    ca: text(directory.caCertificate),
    secrets: await readTokenSecretsFile(directory.secret),
    storePath: join(directory.data, 'broker'),
    deniedFile: directory.denied,
    ownClients: CERTIFIED_CLIENTS,
  })
  broker = await startServedBroker({
    started,
    read: async () => started,
    log,
    logLevel: 'silent',
    portSetting: '',
  })
  port = broker.addresses[0]?.port ?? 0
  const env = environmentBesideBroker('gateway', directory, { host: '127.0.0.1', port })
  const http = { JAMEY_HTTP_PORT: '0', JAMEY_HTTP_HOST: '127.0.0.1' }
  gateway = await startComponent('gateway', { env: { ...env, ...http }, cwd: directory.path, log })
  await gateway.ready
}, 30_000)

afterAll(async () => {
  await gateway.stop(1_000)
  await broker.stop(0)
  rmSync(folder, { recursive: true })
})

async function command(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(folder, ['client', ...args])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return stdout.trim()
}

/** What such a client has, and no more: no secret that signs is among it. */
function environmentOf(secret: string): NodeJS.ProcessEnv {
  writeFileSync(join(folder, 'robot.secret'), `${secret}\n`, { mode: 0o600 })
  return {
    MQTT_BROKER_URL: `mqtts://127.0.0.1:${port}`,
    MQTT_TLS_CA_CERT: directory.caCertificate,
    MQTT_CLIENT_ID: 'robot-7',
    MQTT_PERMISSIONS: 'publish:lab/#',
    MQTT_TOKEN_URL: `${gateway.url}/v1/token`,
    MQTT_CLIENT_SECRET_FILE: 'robot.secret',
  }
}

async function enter(secret: string) {
  const config = configFromEnvironment(environmentOf(secret), { cwd: folder })
  const bus = await connectBus({ ...config, failuresBeforeOpen: 1 })
  onTestFinished(async () => void (await bus.close({ timeoutMs: 1_000 })))
  return bus
}

/** What is refused until the file was read again counts as a guess, and who guesses often is not heard for a while. */
const PATIENTLY = { timeout: 20_000, interval: 500 }

describe('a client with a secret of its own', () => {
  it('gets its tokens from the gateway and holds nothing that signs them [promise 22]', async () => {
    const secret = await command('add', 'robot-7', '--permission', 'publish:lab/#', '--lifetime', '60')
    expect(secret).toMatch(/^[\w-]{43}$/)
    expect(text(directory.clients)).not.toContain(secret)
    expect(await command('list')).toBe('robot-7: publish:lab/#')
    await expect
      .poll(
        () =>
          enter(secret).then(
            () => 'in',
            (error: Error) => error.message,
          ),
        PATIENTLY,
      )
      .toBe('in')
    const bus = await enter(secret)
    expect((await bus.mqtt.publish('lab/x', 'm', { qos: 1 })).reasonCode).toBe(0x10)
    await expect(bus.mqtt.publish('elsewhere', 'm', { qos: 1 })).rejects.toMatchObject({ reasonCode: 0x87 })
    // Renewed in place, with a token that was asked for.
    await bus.mqtt.reauthenticate()
    expect(bus.state).toBe('connected')
    const config = configFromEnvironment(environmentOf(secret), { cwd: folder })
    expect(config).not.toHaveProperty('jwtSecret')

    const next = await command('rotate', 'robot-7', '--keep', '1h')
    expect(next).not.toBe(secret)
    await expect
      .poll(
        () =>
          enter(next).then(
            () => 'in',
            () => 'out',
          ),
        PATIENTLY,
      )
      .toBe('in')
    await enter(secret)
    const last = await command('rotate', 'robot-7')
    await expect
      .poll(
        () =>
          enter(last).then(
            () => 'in',
            () => 'out',
          ),
        PATIENTLY,
      )
      .toBe('in')
    await expect(enter(next)).rejects.toThrow('issues no token to "robot-7": invalid_client')

    await command('remove', 'robot-7')
    await expect
      .poll(
        () =>
          enter(last).then(
            () => 'in',
            () => 'out',
          ),
        PATIENTLY,
      )
      .toBe('out')
    expect(await command('list')).toBe('nobody gets tokens for a secret or a certificate')
  }, 30_000)

  it('is told at the command line what is wrong [promise 37]', async () => {
    const failing = async (...args: string[]) => (await runCommand(folder, ['client', ...args])).stderr
    expect(await failing('add', 'a/b', '--permission', 'x')).toContain('"a/b" cannot be a client identifier')
    const turned = await failing('add', 'robot\u202e7', '--permission', 'x')
    expect(turned).toContain('cannot be a client identifier: it has U+202E, which is not seen')
    expect(turned).not.toContain('\u202e')
    expect(await failing('add', 'jamey-gatewаy', '--permission', 'x')).toContain('U+0430 (Cyrillic)')
    expect(await failing('add', 'a', '--permission', 'x#')).toContain('permission "x#"')
    expect(await failing('add', 'a')).toContain('--permission')
    expect(await failing('rotate', 'nobody')).toContain('"nobody" is no client')
    expect(await command('add', 'certified', '--permission', 'x', '--certificate')).toBe('')
    expect(await command('list')).toContain('certified: x (by certificate)')
    expect(await failing('rotate', 'certified')).toContain('has a certificate in the place of a secret')
    await command('remove', 'certified')
    await command('add', 'twice', '--permission', 'x')
    expect(await failing('add', 'twice', '--permission', 'x')).toContain('twice is a client already')
  })
})
