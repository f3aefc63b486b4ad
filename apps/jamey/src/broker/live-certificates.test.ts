import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { readTokenSecretsFile } from '@jamey/auth'
import {
  finishRotation,
  prepareAuthority,
  renewCertificates,
  revokeCertificate,
  switchAuthority,
} from '@jamey/auth/authority'
import { type Bus, configFromEnvironment, connectBus, type StateName } from '@jamey/bus'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type DataDirectory, dataDirectoryAt } from '../install/data-directory.js'
import { CERTIFIED_CLIENTS, issueClient, makeDataDirectory, provision } from '../install/provision.js'
import { embeddedSettings } from './embedded-broker.js'
import { type ServedBroker, startServedBroker } from './served-broker.js'

let folder: string
let directory: DataDirectory
let broker: ServedBroker
let port: number
const buses: Bus[] = []
const lines: { msg: string }[] = []
const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
/** Of the relay, whose connections can be cut. */
const relayed: Socket[] = []
let relay: Server
const text = (path: string) => readFileSync(path, 'utf8')

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-live-certificates-'))
  directory = dataDirectoryAt(join(folder, '.jamey'))
  makeDataDirectory(directory)
  await provision(directory, '127.0.0.1')
  await issueClient(directory, 'robot')
  const secrets = await readTokenSecretsFile(directory.secret)
  const { serverCertificate, serverKey, caCertificate } = directory
  const read = async () =>
    embeddedSettings({
      host: '127.0.0.1',
      port: 0,
      cert: text(serverCertificate),
      key: text(serverKey),
      ca: text(caCertificate),
      secrets,
      storePath: join(directory.data, 'broker'),
      deniedFile: directory.denied,
      ownCrlFile: directory.revocationList,
      tlsFiles: [serverCertificate, serverKey, caCertificate],
      ownClients: CERTIFIED_CLIENTS,
    })
  broker = await startServedBroker({ started: await read(), read, log, logLevel: 'info', portSetting: '' })
  port = broker.addresses[0]?.port ?? 0
  relay = createServer((socket) => {
    const other = connectTcp(port, '127.0.0.1')
    for (const one of [socket, other]) one.on('error', () => {})
    socket.pipe(other).pipe(socket)
    relayed.push(socket)
    socket.once('close', () => other.destroy())
  })
  await once(relay.listen(0, '127.0.0.1'), 'listening')
}, 30_000)

afterEach(async () => {
  await Promise.all(buses.splice(0).map((bus) => bus.close({ timeoutMs: 1_000 })))
})

afterAll(async () => {
  relay.close()
  await broker.stop(100)
  rmSync(folder, { recursive: true, force: true })
})

/** A bus whose settings name files, as those of every part do. */
async function robot(): Promise<{ bus: Bus; states: StateName[] }> {
  const env = {
    MQTT_BROKER_URL: `mqtts://127.0.0.1:${(relay.address() as AddressInfo).port}`,
    MQTT_CLIENT_ID: 'robot',
    MQTT_TLS_CA_CERT: directory.caCertificate,
    MQTT_TLS_CLIENT_CERT: directory.clientCertificate('robot'),
    MQTT_TLS_CLIENT_KEY: directory.clientKey('robot'),
    MQTT_JWT_SECRET_FILE: directory.secret,
  }
  const bus = await connectBus(configFromEnvironment(env, { cwd: folder }))
  buses.push(bus)
  const states: StateName[] = []
  bus.onState(({ state }) => states.push(state))
  return { bus, states }
}

const served = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '')
      socket.destroy()
    })
    socket.once('error', reject)
  })

const isServed = () =>
  expect
    .poll(served, { timeout: 5_000 })
    .toBe(new X509Certificate(text(directory.serverCertificate)).fingerprint256)

/** Ends the connection from below; the bus makes another one, with what its files hold now. */
async function again({ states }: Awaited<ReturnType<typeof robot>>): Promise<void> {
  states.length = 0
  for (const socket of relayed.splice(0)) socket.destroy()
  await expect.poll(() => states.at(-1), { timeout: 5_000 }).toBe('connected')
}

describe('a broker whose certificates are renewed', () => {
  it('serves the new one from the next handshake on, and ends no connection', async () => {
    const { bus, states } = await robot()
    const before = await served()
    await renewCertificates(directory.certificates, { withinMs: 366 * 86_400_000 })
    await isServed()
    expect(await served()).not.toBe(before)
    expect(lines.map(({ msg }) => msg)).toContain('certificates were read again; new connections have them')
    expect([bus.state, states]).toEqual(['connected', []])
  })

  it('takes a client through the rotation of its authority, with what each step left', async () => {
    const client = await robot()
    await prepareAuthority(directory.certificates)
    await again(client)
    await switchAuthority(directory.certificates)
    await isServed()
    expect(client.bus.state).toBe('connected')
    await again(client)
    await finishRotation(directory.certificates)
    await again(client)
    const { bus } = await robot()
    expect(bus.state).toBe('connected')
  })

  it('disconnects whose certificate is revoked in its folder, though no list was there before', async () => {
    const { states } = await robot()
    await revokeCertificate(directory.certificates, 'robot')
    await expect.poll(() => states.length, { timeout: 5_000 }).toBeGreaterThan(0)
  })
})
