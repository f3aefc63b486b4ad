import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configFromEnvironment } from '@jamey/bus'
import pc from 'picocolors'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectionFailure } from '../client/connection.js'
import { connectionTarget } from '../client/connection-target.js'
import { conclusionOf, exitOf } from '../commands/doctor.js'
import {
  completed,
  directoryEnvironment,
  environmentBesideBroker,
  serviceSettings,
} from '../components/component-environment.js'
import type { Finding } from '../doctor/finding.js'
import {
  checkCertificates,
  checkClock,
  checkDirectory,
  checkNode,
  checkPortFree,
} from '../doctor/health-checks.js'
import { serverHostsOf } from '../install/certificate-facts.js'
import {
  type DataDirectory,
  dataDirectoryAt,
  dataDirectoryOption,
  findDataDirectory,
} from '../install/data-directory.js'
import { issueClient, issueServer, makeDataDirectory, provision, serverHosts } from '../install/provision.js'
import { claimRunFile } from '../install/run-file.js'
import type { ExitCode } from '../support/exit-codes.js'
import { reachableHost } from '../support/host-address.js'
import { formatBanner } from '../views/up-view.js'
import { environmentOf } from './environment.js'
import { runCommand } from './run-command.support.js'

let folder: string
let directory: DataDirectory

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-folder-'))
  directory = dataDirectoryAt(join(folder, '.jamey'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function install(): Promise<void> {
  makeDataDirectory(directory)
  await provision(directory, '127.0.0.1')
}

/** The environment of a command in the folder, nothing of it from a file. */
function from(env: NodeJS.ProcessEnv) {
  return { env, fromFile: new Set<string>(), cwd: folder }
}

describe('the data directory', () => {
  it('is made with certificates, secret and data, and used again', async () => {
    makeDataDirectory(directory)
    const { written } = await provision(directory, '127.0.0.1')
    expect(written).toEqual(
      expect.arrayContaining(['ca.crt', 'server.key', 'jamey-memory.crt', 'token-secret']),
    )
    const before = readFileSync(directory.serverCertificate, 'utf8')
    expect(await provision(directory, '127.0.0.1')).toEqual({ written: [], repaired: [] })
    expect(readFileSync(directory.serverCertificate, 'utf8')).toBe(before)
  })

  it("is its owner's alone: folders 0700, secrets 0600", async () => {
    await install()
    const mode = (path: string) => statSync(path).mode & 0o777
    for (const path of [directory.path, directory.data, directory.certificates])
      expect(mode(path)).toBe(0o700)
    for (const path of [directory.secret, directory.serverKey, directory.clientKey('ca')])
      expect(mode(path)).toBe(0o600)
    chmodSync(directory.path, 0o755)
    expect(makeDataDirectory(directory).repaired[0]).toContain('was open to others (mode 0755)')
    expect(mode(directory.path)).toBe(0o700)
  })

  it('gets a new server certificate where another host is asked for', async () => {
    await install()
    expect((await provision(directory, 'jamey.example.org')).written).toEqual(['server.crt'])
    expect(serverHostsOf(directory)).toContain('jamey.example.org')
    // Neither the next start nor another host takes one away.
    expect((await provision(directory, '127.0.0.1')).written).toEqual([])
    expect((await issueServer(directory, ['broker.local', '::1'])).written).toEqual(['server.crt'])
    expect(serverHostsOf(directory)).toEqual(
      expect.arrayContaining(['127.0.0.1', '::1', 'jamey.example.org', 'broker.local']),
    )
    expect(serverHosts('0.0.0.0')).not.toContain('0.0.0.0')
  })

  it('is made whole by the first server certificate, for parts that never run in one process', async () => {
    const { written } = await issueServer(directory, ['broker.local'])
    expect(written).toEqual(expect.arrayContaining(['ca.crt', 'jamey-memory.key', 'token-secret']))
    expect(statSync(directory.path).mode & 0o777).toBe(0o700)
    expect((await provision(directory, '127.0.0.1')).written).toEqual([])
  })

  it('issues a certificate for one more client, once, and leaves the others alone', async () => {
    await install()
    await issueServer(directory, ['broker.local'])
    expect((await issueClient(directory, 'worker-1')).written).toEqual(['worker-1.key', 'worker-1.crt'])
    expect((await issueClient(directory, 'worker-1')).written).toEqual([])
    expect(statSync(directory.clientKey('worker-1')).mode & 0o777).toBe(0o600)
    expect(serverHostsOf(directory)).toContain('broker.local')
    await expect(issueClient(directory, '../worker')).rejects.toThrow(/name a file here/)
    // Its key may be taken to where it is used.
    rmSync(directory.clientKey('worker-1'))
    expect(checkCertificates(directory, new Date(), folder).filter(({ status }) => status !== 'ok')).toEqual(
      [],
    )
  })

  it('is found in the folder or above it, or where the option says', async () => {
    mkdirSync(directory.path)
    const below = join(folder, 'a', 'b')
    mkdirSync(below, { recursive: true })
    expect(findDataDirectory(below, undefined)?.path).toBe(directory.path)
    expect(findDataDirectory(below, '../../.jamey')?.path).toBe(directory.path)
    expect(findDataDirectory(below, 'absent')).toBeUndefined()
    expect(dataDirectoryOption(directory, folder)).toBe('')
    expect(dataDirectoryOption(dataDirectoryAt(join(folder, "it's")), folder)).toBe(` --data-dir 'it'\\''s'`)
  })
})

describe('a command', () => {
  it('connects under a name of its own to the broker that the run file names, with operator permissions', async () => {
    await install()
    const claim = claimRunFile(directory.path, '0.1.0')
    claim.update({ broker: { host: '0.0.0.0', port: 18_883 } })
    const { config, address } = await connectionTarget(from({}), {})
    expect(config).toMatchObject({ url: 'mqtts://127.0.0.1:18883', permissions: ['jamey/#'] })
    expect(config.clientId).toMatch(/^jamey-cli-[0-9a-f]{12}$/)
    expect(address).toBe('127.0.0.1:18883')
    claim.release()
    expect((await connectionTarget(from({}), { permission: ['a'] })).config).toMatchObject({
      url: 'mqtts://127.0.0.1:8883',
      permissions: ['a'],
    })
  })

  it('takes the environment first, and never the name of the component whose environment it is', async () => {
    await install()
    const env = {
      MQTT_BROKER_URL: 'mqtt://example.org',
      MQTT_TLS_CA_CERT: directory.caCertificate,
      MQTT_JWT_SECRET: 'x'.repeat(32),
      MQTT_CLIENT_ID: 'jamey-memory',
      MQTT_TLS_CLIENT_CERT: directory.clientCertificate('jamey-memory'),
      MQTT_TLS_CLIENT_KEY: directory.clientKey('jamey-memory'),
    }
    // The bus looks into `.env` once more.
    const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(join(folder, '.env'), lines.join(''), { mode: 0o600 })
    const { config, wayOut } = await connectionTarget(from(env), {})
    expect(config.clientId).toMatch(/^jamey-cli-/)
    expect(config.tls).toEqual({ ca: readFileSync(directory.caCertificate, 'utf8') })
    expect(wayOut).toContain('--client-id NAME')
    const asked = await connectionTarget(from(env), { clientId: 'jamey-memory' })
    expect(asked.config).toMatchObject({ clientId: 'jamey-memory', tls: { cert: expect.anything() } })
    await expect(connectionTarget(from(env), { clientId: 'other' })).rejects.toThrow(/MQTT_TLS_CLIENT_CERT/)
  })

  it('tries for ever once connected, unless it was told how often', async () => {
    await install()
    expect((await connectionTarget(from({}), {})).config.breakerFailures).toBe(Number.POSITIVE_INFINITY)
    const env = { MQTT_BROKER_URL: 'mqtt://example.org', MQTT_JWT_SECRET: 'x'.repeat(32) }
    expect((await connectionTarget(from(env), {})).config.breakerFailures).toBe(Number.POSITIVE_INFINITY)
    const told = { ...env, MQTT_BREAKER_FAILURES: '3' }
    expect((await connectionTarget(from(told), {})).config.breakerFailures).toBe(3)
  })

  it('tells nobody there, nobody to trust and nobody who wants us apart', async () => {
    await install()
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
    const bare = Object.assign(new Error('no'), { name: 'AuthenticationError', code: 'client-certificate' })
    expect(told(bare)).toMatchObject({ exitCode: 3, hint: expect.stringContaining('certs issue NAME') })
    const shown = { ...target, config: { ...target.config, tls: { cert: 'PEM', key: 'PEM' } } }
    expect(connectionFailure({ cause: bare }, shown).hint).toContain('belongs to another system')
    expect(reachableHost('::')).toBe('::1')
  })
})

describe('a certificate for a client elsewhere', () => {
  it('is told with all that the client has to be told, permissions too, which parts of Jamey have', async () => {
    await install()
    const lines = async (name: string) => (await runCommand(folder, ['certs', 'issue', name])).stdout
    expect(await lines('worker-1')).toContain(
      '\n  MQTT_PERMISSIONS=publish:worker-1/#,subscribe:worker-1/#\n',
    )
    expect(await lines('jamey-memory')).not.toContain('MQTT_PERMISSIONS')
  })
})

describe('the environment of a part', () => {
  it('is its own identity out of the folder, completed by what is set', async () => {
    await install()
    const broker = { host: '127.0.0.1', port: 18_883 }
    const identity = directoryEnvironment('memory', directory, { broker })
    expect(identity).toMatchObject({
      MQTT_BROKER_URL: 'mqtts://127.0.0.1',
      MQTT_PORT: '18883',
      MQTT_CLIENT_ID: 'jamey-memory',
      MQTT_TLS_CLIENT_CERT: directory.clientCertificate('jamey-memory'),
    })
    const other = directoryEnvironment('memory', directory, { broker, clientId: 'second' })
    expect(other['MQTT_TLS_CLIENT_CERT']).toBeUndefined()
    const set = completed({ MQTT_BROKER_URL: 'mqtts://far:1', MQTT_JWT_SECRET: 's', JAMEY_X: '' }, identity)
    expect(set).toMatchObject({
      MQTT_BROKER_URL: 'mqtts://far:1',
      MQTT_JWT_SECRET: 's',
      MQTT_CLIENT_ID: 'jamey-memory',
    })
    expect(['MQTT_PORT', 'MQTT_JWT_SECRET_FILE', 'JAMEY_X'].filter((name) => name in set)).toEqual([])
    expect(completed({ MQTT_PORT: '1' }, identity)).toMatchObject({
      MQTT_BROKER_URL: 'mqtts://127.0.0.1',
      MQTT_PORT: '1',
    })
    const settings = { MQTT_BROKER_URL: 'x', JAMEY_JUDGE_URL: 'y', JAMEY_RULES: 'mine.yaml' }
    expect(serviceSettings(settings, folder)).toEqual({
      JAMEY_JUDGE_URL: 'y',
      JAMEY_RULES: join(folder, 'mine.yaml'),
    })
  })

  it('has a part that runs beside its broker try for ever, as no outage of that one outlasts the process', async () => {
    await install()
    const broker = { host: '127.0.0.1', port: 18_883 }
    const beside = environmentBesideBroker('gateway', directory, broker)
    expect(configFromEnvironment(beside).breakerFailures).toBe(Number.POSITIVE_INFINITY)
    const alone = directoryEnvironment('gateway', directory, { broker })
    expect(configFromEnvironment(alone).breakerFailures).toBe(10)
    expect({ ...beside, MQTT_BREAKER_FAILURES: undefined }).toMatchObject(alone)
  })

  it('holds what .env adds, filters without quotes, too, and a variable that is set wins', async () => {
    writeFileSync(join(folder, '.env'), 'A=file\nB=jamey/#\n')
    expect(await environmentOf({ A: 'set' }, folder)).toEqual({
      env: { A: 'set', B: 'jamey/#' },
      fromFile: new Set(['B']),
    })
    expect((await environmentOf({ A: 'set' }, join(folder, 'absent'))).env).toEqual({ A: 'set' })
  })
})

describe('the doctor', () => {
  it('finds nothing wrong with a new folder', async () => {
    await install()
    const findings = [
      ...(await checkDirectory(directory, folder)),
      ...checkCertificates(directory, new Date(), folder),
      checkNode(process.version),
    ]
    expect(findings.filter(({ status }) => status !== 'ok')).toEqual([])
    expect(findings.length).toBeGreaterThanOrEqual(8)
  })

  it('gives a way out for everything that is wrong', async () => {
    await install()
    chmodSync(directory.serverKey, 0o644)
    rmSync(directory.secret)
    const late = new Date(Date.now() + 380 * 86_400_000)
    const early = new Date(Date.now() - 86_400_000)
    const findings = [
      ...(await checkDirectory(directory, folder)),
      ...checkCertificates(directory, late, folder),
      ...checkCertificates(directory, early, folder),
      checkNode('v18.0.0'),
      checkClock(new Date(0).toUTCString(), new Date(60_000)),
    ].filter(({ status }) => status === 'failed')
    const told = findings.map(({ check, message }) => `${check}: ${message}`).join('\n')
    for (const part of ['mode 0644', 'token secret', 'ended', 'begins only', 'v18.0.0', '60 s ahead']) {
      expect(told).toContain(part)
    }
    expect(findings.every(({ hint }) => (hint ?? '') !== '')).toBe(true)
  })

  it('sees a damaged certificate, a missing key and a foreign one, and all that is well beside them', async () => {
    await install()
    writeFileSync(directory.serverCertificate, 'nonsense')
    rmSync(directory.clientKey('jamey-memory'))
    copyFileSync(directory.clientKey('jamey-gateway'), directory.clientKey('jamey-conscience'))
    const findings = checkCertificates(directory, new Date(), folder)
    const told = new Map(findings.map(({ check, message }) => [check.replace(/.*\//, ''), message]))
    expect(told.get('server.crt')).toContain('server.crt is damaged')
    expect(told.get('jamey-memory.crt')).toContain('jamey-memory.key is missing')
    expect(told.get('jamey-conscience.crt')).toContain('does not belong to')
    expect(told.get('jamey-gateway.crt')).toContain('days left')
    expect(told.get('ca.crt')).toContain('days left')
    rmSync(directory.caCertificate)
    const without = checkCertificates(directory, new Date(), folder)
    expect(without.find(({ check }) => check.endsWith('ca.crt'))?.message).toContain('ca.crt is missing')
    expect(without.find(({ check }) => check.endsWith('jamey-gateway.crt'))?.status).toBe('ok')
  })

  it('tells one cause once: who reads the token secret checks its mode', async () => {
    await install()
    chmodSync(directory.secret, 0o644)
    const wrong = (await checkDirectory(directory, folder)).filter(({ status }) => status !== 'ok')
    expect(wrong).toMatchObject([{ check: 'token secret', message: expect.stringContaining('mode 0644') }])
  })

  it('says that nothing is wrong only where nothing is, and leaves with the code of what is', () => {
    const finding = (status: Finding['status'], exitCode?: ExitCode): Finding => ({
      check: 'x',
      status,
      message: 'y',
      ...(exitCode === undefined ? {} : { exitCode }),
    })
    const [ok, failed, absent] = [finding('ok'), finding('failed'), finding('warning', 5)]
    expect([conclusionOf([ok]), exitOf([ok])]).toEqual(['nothing is wrong', 0])
    expect([conclusionOf([ok, absent]), exitOf([ok, absent])]).toEqual(['1 warning', 5])
    expect([conclusionOf([failed, absent]), exitOf([failed, absent])]).toEqual([
      '1 thing is wrong, 1 warning',
      1,
    ])
    expect(exitOf([finding('failed', 3)])).toBe(3)
    expect(exitOf([finding('failed', 3), failed])).toBe(1)
    expect(exitOf([finding('warning')])).toBe(0)
  })

  it('tells a free port from a taken one', async () => {
    const server = createServer()
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
    })
    expect(await checkPortFree('broker', '127.0.0.1', port, '--port')).toMatchObject({ status: 'warning' })
    await new Promise((resolve) => server.close(resolve))
    expect(await checkPortFree('broker', '127.0.0.1', port, '--port')).toMatchObject({ status: 'ok' })
  })
})

describe('the greeting of `jamey up`', () => {
  it('says what runs where, and three commands to try next', () => {
    const facts = { brokerAddress: { host: '::1', port: 8883 }, url: 'http://127.0.0.1:8080' }
    const text = formatBanner({
      system: facts,
      directory,
      cwd: folder,
      elapsedMs: 840,
      colors: pc.createColors(false),
    })
    expect(text).toContain('mqtts://[::1]:8883')
    expect(text).toContain('http://127.0.0.1:8080')
    expect(text).toContain('ready in 0.84 s')
    expect(text.match(/^ {2}jamey (evaluate|remember|recall) --data-dir \.jamey/gm)).toHaveLength(3)
  })
})
