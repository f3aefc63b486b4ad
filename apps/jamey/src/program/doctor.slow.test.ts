import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, issueClientCertificate } from '@jamey/auth'
import { type Broker, type BrokerOptions, createBroker } from '@jamey/broker'
import { AuditLog } from '@jamey/conscience'
import { topics } from '@jamey/contracts'
import { openBrokerStore } from '@jamey/store'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { accessOf } from '../broker/access.js'
import { checkSpace } from '../doctor/data-checks.js'
import type { Finding } from '../doctor/finding.js'
import { checkServices } from '../doctor/service-checks.js'
import { type DataDirectory, dataDirectoryAt, readDataFile } from '../install/data-directory.js'
import { makeDataDirectory, provision } from '../install/provision.js'
import { runCommand } from './run-command.support.js'

let folder: string
let directory: DataDirectory

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-doctor-'))
  directory = dataDirectoryAt(join(folder, '.jamey'))
  makeDataDirectory(directory)
  await provision(directory, '127.0.0.1')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function doctor(env: NodeJS.ProcessEnv = {}, args: readonly string[] = []) {
  const { code, stdout } = await runCommand(folder, ['doctor', '--json', ...args], env)
  const findings = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Finding)
  const find = (check: string): Finding | undefined => findings.find((one) => one.check.startsWith(check))
  return { code, stdout, find }
}

/** A broker with the folder's certificates and secret. */
async function startBroker(
  client: 'optional' | 'required' = 'optional',
  host = '127.0.0.1',
  settings: Partial<BrokerOptions> = {},
): Promise<Broker> {
  const tls = {
    cert: readDataFile(directory.serverCertificate),
    key: readDataFile(directory.serverKey),
    ca: readDataFile(directory.caCertificate),
    requestClientCertificate: true,
    requireClientCertificate: client === 'required',
  }
  const secrets = [readFileSync(directory.secret, 'utf8').trim()]
  const { authenticator } = accessOf({ authentication: { method: 'token', secrets }, permissions: undefined })
  const broker = await createBroker({ listeners: [{ host, port: 0, tls }], authenticator, ...settings })
  await broker.listen()
  onTestFinished(() => broker.close({ graceMs: 0 }))
  return broker
}

function clientEnvironment(broker: Broker): NodeJS.ProcessEnv {
  return {
    MQTT_BROKER_URL: 'mqtts://127.0.0.1',
    MQTT_PORT: String(broker.addresses[0]?.port),
    MQTT_TLS_CA_CERT: directory.caCertificate,
    MQTT_TLS_CLIENT_CERT: directory.clientCertificate('jamey-memory'),
    MQTT_TLS_CLIENT_KEY: directory.clientKey('jamey-memory'),
    MQTT_JWT_SECRET_FILE: directory.secret,
    MQTT_CLIENT_ID: 'jamey-memory',
  }
}

describe('what the doctor says of settings', () => {
  it('names variables that are misspelt with the ones that were meant, and shows no value', async () => {
    writeFileSync(join(folder, '.env'), 'MQTT_BROKR_URL=mqtts://u:secret1@h\nMQTT_TOPIC=secret2\n')
    const { stdout } = await doctor({
      JAMEY_POLICY_FIEL: 'secret3',
      MQTT_PROT: '1',
      MQTT_HOST: 'other',
      PATH: '/bin',
    })
    expect(stdout).toContain('MQTT_BROKR_URL of .env is not a variable')
    expect(stdout).toContain('did you mean MQTT_BROKER_URL?')
    expect(stdout).toContain('did you mean JAMEY_POLICY_FILE?')
    expect(stdout).toContain('did you mean MQTT_PORT?')
    expect(stdout).toContain('MQTT_TOPIC of .env is not a variable')
    expect(stdout).not.toMatch(/secret\d|MQTT_HOST|PATH/)
  })

  it('tells every fault of the policy, or that there is none', async () => {
    writeFileSync(join(folder, 'policy.yaml'), 'version: 1\ninclude: [work]\n')
    const env = { JAMEY_POLICY_FILE: 'policy.yaml' }
    expect((await doctor(env)).find('policy policy.yaml')).toMatchObject({ status: 'ok' })
    writeFileSync(join(folder, 'policy.yaml'), 'version: 1\ninclude: [wrk]\nlists: 5\nworkspace: here\n')
    const { code, find } = await doctor(env)
    expect(code).not.toBe(0)
    const found = find('policy policy.yaml')
    expect(found?.status).toBe('failed')
    expect(found?.message.match(/policy\.yaml:\d+:\d+/g)).toEqual([
      'policy.yaml:2:11',
      'policy.yaml:3:8',
      'policy.yaml:4:12',
    ])
  })

  it('never shows a password that stands in the URL', async () => {
    const { stdout } = await doctor({ MQTT_BROKER_URL: 'mqtts://user:pa%24s/w0rd@127.0.0.1:1?token=geheim' })
    expect(stdout).toContain('mqtts://***@127.0.0.1:1')
    expect(stdout).not.toMatch(/w0rd|geheim|pa%24/)
    const comma = await doctor({ MQTT_BROKER_URL: 'mqtts://user:hunter,two@127.0.0.1:1' })
    expect(comma.stdout).not.toMatch(/hunter|two@/)
  })
})

describe('what the doctor says of data', () => {
  it('finds a memory file and a broker store that are damaged, and what is well beside them [promise 37]', async () => {
    writeFileSync(join(directory.data, 'memory.db'), 'no database '.repeat(1000))
    const path = join(directory.data, 'broker')
    const store = await openBrokerStore({ path })
    await store.load()
    const lost = 'what the disk will have forgotten'
    const message = {
      topic: 't',
      payload: Buffer.from(lost),
      qos: 1,
      retain: true,
      publishedBy: 'p',
    } as const
    store.putRetained({ ...message, properties: undefined, expiresAtMs: undefined })
    await store.close()
    const sound = await doctor()
    expect(sound.find('broker store')).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('whole'),
    })
    expect(sound.find('disk')).toMatchObject({ status: 'ok', message: expect.stringContaining('free') })
    const file = join(path, 'data.mdb')
    const bytes = readFileSync(file)
    for (let at = bytes.indexOf(lost); at !== -1; at = bytes.indexOf(lost)) bytes.writeUInt8(0, at)
    writeFileSync(file, bytes)
    const { code, find } = await doctor()
    expect(code).toBe(1)
    expect(find('memory file')).toMatchObject({ status: 'failed', hint: expect.stringContaining('a copy') })
    expect(find('broker store')).toMatchObject({ status: 'failed', hint: expect.stringContaining('backup') })
    expect(find('broker store')?.message).toContain('1 record damaged')
  })

  it('names a damaged memory file that was set aside, while it lies there', async () => {
    const aside = join(directory.data, 'memory.db.damaged-2026-05-01T12-00-00-000Z')
    for (const end of ['', '-wal', '-shm']) writeFileSync(aside + end, '')
    expect((await doctor()).find('damaged memory')).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/memory\.db\.damaged-2026-05-01T12-00-00-000Z$/),
    })
    for (const end of ['', '-wal', '-shm']) rmSync(aside + end)
    expect((await doctor()).find('damaged memory')).toBeUndefined()
  })

  it('finds an audit that was changed at its end, and says what looks at all of it', async () => {
    const path = join(directory.data, 'audit')
    const log = await AuditLog.open(path, { clientId: 'conscience', clock: { timeOfDay: () => Date.now() } })
    const verdict = { kind: 'verdict', decision: 'deny', requested_by: 'agent' } as const
    for (const evaluation_id of ['a', 'b']) await log.append({ ...verdict, evaluation_id })
    await log.close()
    const whole = await doctor()
    expect(whole.find('audit')).toMatchObject({
      status: 'ok',
      message: 'its end is whole: the last 3 records, in the newest of 1 file',
      hint: expect.stringContaining('verdicts verify` looks at all of it'),
    })
    const file = join(path, log.head.file)
    writeFileSync(file, readFileSync(file, 'utf8').replace('"a"', '"c"'))
    const { code, find } = await doctor()
    expect(code).toBe(1)
    expect(find('audit')).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(/^not as it was written: audit-.*: its hash is /),
    })
    expect((await doctor({ JAMEY_AUDIT_DIR: 'none' })).find('audit')).toBeUndefined()
  })

  it('tells a disk that is full, one that nearly is and one without room for files, once a disk', async () => {
    const spaces = { bsize: 4096, files: 100, ffree: 50 }
    const said = async (space: object): Promise<Finding[]> =>
      checkSpace([folder, join(directory.data, 'not', 'there')], folder, (async () => space) as never)
    const mebibytes = (count: number): object => ({ ...spaces, bavail: count * 256 })
    expect(await said(mebibytes(3))).toMatchObject([{ status: 'failed', message: 'full: 3 MiB free' }])
    expect(await said(mebibytes(300))).toMatchObject([{ status: 'warning', message: '300 MiB free' }])
    expect(await said(mebibytes(3000))).toMatchObject([{ status: 'ok', message: '2.9 GiB free' }])
    expect(await said({ ...mebibytes(3000), ffree: 0 })).toMatchObject([{ status: 'failed' }])
  })
})

describe('what the doctor says of certificates', () => {
  it('says how to get a key back that is missing: no start makes one for a certificate that is there', async () => {
    rmSync(directory.serverKey)
    const { find } = await doctor()
    const { message, hint } = find('certificate .jamey/certs/server.crt') ?? {}
    expect(message).toContain('server.key is missing while its certificate is there')
    expect(hint).toContain('put it back, or remove server.crt')
    rmSync(directory.serverCertificate)
    expect((await provision(directory, '127.0.0.1')).written).toEqual(['server.key', 'server.crt'])
  })

  it('shows the days left of the client certificate, and that it is of another authority', async () => {
    const env = clientEnvironment(await startBroker())
    const { find } = await doctor(env)
    expect(find('certificate')).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/^36\d days left/),
    })
    expect(find('TLS')?.message).toMatch(/the broker's certificate: 36\d days left/)
    const other = await issueClientCertificate(await createAuthority(), { commonName: 'jamey-memory' })
    writeFileSync(join(folder, 'other.crt'), other.certPem)
    writeFileSync(join(folder, 'other.key'), other.keyPem, { mode: 0o600 })
    const foreign = { MQTT_TLS_CLIENT_CERT: 'other.crt', MQTT_TLS_CLIENT_KEY: 'other.key' }
    const second = await doctor({ ...env, ...foreign })
    expect(second.find('certificate')).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('of another authority than MQTT_TLS_CA_CERT'),
    })
  })

  it('shows it to a broker that lets nobody in without one, and signs in under its name only when it is told to', async () => {
    const broker = await startBroker('required')
    const env = clientEnvironment(broker)
    const { find, code } = await doctor(env)
    const said = (await doctor(env)).stdout
    expect(said).toContain('the broker takes the certificate of jamey-memory, and lets nobody in without one')
    expect(find('broker')?.hint).toContain('--client-id jamey-memory')
    expect(code).toBe(0)
    const asked = await doctor(env, ['--client-id', 'jamey-memory'])
    expect(asked.find('broker')).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('jamey-memory'),
    })
  })

  it('says that the broker refuses it', async () => {
    const env = clientEnvironment(await startBroker('required'))
    const other = await issueClientCertificate(await createAuthority(), { commonName: 'jamey-memory' })
    writeFileSync(join(folder, 'other.crt'), other.certPem)
    writeFileSync(join(folder, 'other.key'), other.keyPem, { mode: 0o600 })
    const foreign = { MQTT_TLS_CLIENT_CERT: 'other.crt', MQTT_TLS_CLIENT_KEY: 'other.key' }
    const { stdout } = await doctor({ ...env, ...foreign })
    expect(stdout).toContain('the broker refuses the certificate of jamey-memory')
  })

  it('names the way out where the host is not in the certificate, and where the secret is another one', async () => {
    const elsewhere = clientEnvironment(await startBroker('optional', '127.0.0.2'))
    const moved = await doctor({ ...elsewhere, MQTT_BROKER_URL: 'mqtts://127.0.0.2' })
    expect(moved.find('broker')).toMatchObject({
      status: 'failed',
      hint: expect.stringContaining('certs issue --server --host'),
    })
    const { MQTT_JWT_SECRET_FILE: _, ...rest } = clientEnvironment(await startBroker())
    const wrong = await doctor({ ...rest, MQTT_JWT_SECRET: 'x'.repeat(40) })
    expect(wrong.find('broker')).toMatchObject({ status: 'failed' })
    expect(wrong.find('broker')?.hint).toMatch(/the token secret has to be the one that the broker has/)
    expect(wrong.stdout).not.toContain('jamey doctor')
  })
})

describe('what the doctor says of a broker that runs alone', () => {
  function brokerEnvironment(port: number): NodeJS.ProcessEnv {
    return {
      JAMEY_BROKER_PORT: String(port),
      JAMEY_BROKER_CERT: directory.serverCertificate,
      JAMEY_BROKER_KEY: directory.serverKey,
      JAMEY_BROKER_STORE: 'none',
      MQTT_JWT_SECRET_FILE: directory.secret,
    }
  }

  it('knows its settings, and by its certificate that it runs; with another one, that it is to be reloaded', async () => {
    const broker = await startBroker()
    const env = brokerEnvironment(broker.addresses[0]?.port ?? 0)
    const { find, code, stdout } = await doctor(env)
    expect(find('broker settings')).toMatchObject({
      status: 'ok',
      message: '1 listener, clients known by token',
    })
    expect(find('certificate at port')?.message).toMatch(/36\d days left/)
    expect(find('port')).toMatchObject({ status: 'ok', message: 'the broker runs' })
    expect(stdout).not.toContain('jamey up')
    expect(code).toBe(0)
    await broker.close({ graceMs: 0 })
    const gone = await doctor(env)
    expect(gone.find('port')).toMatchObject({ status: 'warning', message: 'the broker does not run' })
    expect(gone.code).toBe(5)
  })

  it('is seen from the folder whose certificate it shows, and is not told to be a stranger at its port', async () => {
    const broker = await startBroker()
    const { find, stdout, code } = await doctor({ JAMEY_BROKER_PORT: String(broker.addresses[0]?.port) })
    expect(find('jamey up')).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('a broker with its certificate runs'),
    })
    expect(stdout).not.toContain('taken by another process')
    expect(code).toBe(0)
  })

  it('tells everything that is wrong with them', async () => {
    const { find, code } = await doctor({ ...brokerEnvironment(0), JAMEY_BROKER_KEY: 'nowhere.key' })
    expect(find('broker settings')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('JAMEY_BROKER_KEY'),
    })
    expect(code).toBe(2)
  })
})

describe('what the doctor says of services', () => {
  it('asks each of them by way of the broker: one that answers, and those that nobody serves', async () => {
    const broker = await startBroker()
    const env = clientEnvironment(broker)
    const memory = join(folder, 'memory')
    mkdirSync(memory)
    const { runMemory } = await import('@jamey/memory')
    const running = await runMemory({ env: { ...env, JAMEY_DATA_DIR: memory }, cwd: memory })
    onTestFinished(() => running.stop({ graceMs: 0 }))
    await running.ready
    const { find } = await doctor(env)
    expect(find('service memory')).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/^answers in/),
    })
    expect(find('service conscience')).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/^nobody/),
    })
  })

  it('gives up on a broker that acknowledges no subscription, as one does that cannot store any, and says so', async () => {
    const env = clientEnvironment(
      await startBroker('optional', '127.0.0.1', {
        hooks: { authorize: () => new Promise<boolean>(() => {}) },
        limits: { hookTimeoutMs: 600_000 },
      }),
    )
    const { connectBus, configFromEnvironment } = await import('@jamey/bus')
    const bus = await connectBus(configFromEnvironment({ ...env, MQTT_PERMISSIONS: 'jamey/#' }))
    onTestFinished(() => bus.close({ drain: false }))
    const findings = await checkServices(bus, 'all', 50)
    expect(findings.map(({ check, status }) => [check, status])).toEqual([
      ['service conscience', 'failed'],
      ['service memory', 'failed'],
      ['service gateway', 'failed'],
      ['broker', 'failed'],
    ])
    expect(findings.at(-1)?.message).toBe('the broker did not acknowledge a subscription within 0.05 s')
  })

  it('tells the faults that components have put into their status', async () => {
    const env = clientEnvironment(await startBroker())
    const { connectBus, configFromEnvironment } = await import('@jamey/bus')
    const component = { name: 'memory', version: '1' }
    const bus = await connectBus({ ...configFromEnvironment(env, { component }), component })
    onTestFinished(() => bus.close())
    const message = 'no room on the disk'
    const status = {
      state: 'online',
      component: 'memory',
      version: '1',
      since: new Date().toISOString(),
    } as const
    await bus.publish(topics.events.status, { ...status, faults: [{ kind: 'storage-full', message }] })
    const { find, code } = await doctor(env)
    expect(find('status jamey-memory')).toMatchObject({
      status: 'failed',
      message: 'storage-full: no room on the disk',
    })
    expect(code).toBe(1)
  })
})
