import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readTokenSecretsFile, signToken } from '@jamey/auth'
import { connectBus, type StateName } from '@jamey/bus'
import { COMPONENTS, topics } from '@jamey/contracts'
import { type ConnectOptions, connect } from '@jamey/mqtt'
import { FakeClock } from '@jamey/testing'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type RunningComponent, startComponent } from '../components/component.js'
import { environmentBesideBroker } from '../components/component-environment.js'
import { Reconnector } from '../components/reconnector.js'
import { type DataDirectory, dataDirectoryAt } from '../install/data-directory.js'
import { CERTIFIED_CLIENTS, makeDataDirectory, provision } from '../install/provision.js'
import { embeddedSettings } from './embedded-broker.js'
import { type ServedBroker, startServedBroker } from './served-broker.js'

const CONSCIENCE = COMPONENTS.conscience.clientId

let folder: string
let directory: DataDirectory
let broker: ServedBroker
let conscience: RunningComponent
let url: string
let secret: string
const lines: { msg: string; component?: string; level: number }[] = []
const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })

const text = (path: string) => readFileSync(path, 'utf8')

/** The broker and a part as `jamey up` has them. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jamey-own-identities-'))
  directory = dataDirectoryAt(join(folder, '.jamey'))
  makeDataDirectory(directory)
  await provision(directory, '127.0.0.1')
  ;[secret = ''] = await readTokenSecretsFile(directory.secret)
  const started = embeddedSettings({
    host: '127.0.0.1',
    port: 0,
    cert: text(directory.serverCertificate),
    key: text(directory.serverKey),
    ca: text(directory.caCertificate),
    secrets: [secret],
    storePath: join(directory.data, 'broker'),
    deniedFile: directory.denied,
    ownCrlFile: directory.revocationList,
    tlsFiles: [],
    ownClients: CERTIFIED_CLIENTS,
  })
  const read = async () => started
  broker = await startServedBroker({ started, read, log, logLevel: 'info', portSetting: '' })
  const port = broker.addresses[0]?.port ?? 0
  url = `mqtts://127.0.0.1:${port}`
  const env = environmentBesideBroker('conscience', directory, { host: '127.0.0.1', port })
  const { transport } = broker
  conscience = await startComponent('conscience', {
    env,
    cwd: directory.path,
    log,
    comesBack: true,
    transport,
  })
  await conscience.ready
}, 30_000)

afterAll(async () => {
  await conscience.stop(1_000)
  await broker.stop(0)
  rmSync(folder, { recursive: true })
})

async function enter(clientId: string, options: ConnectOptions = {}, permissions: string[] = []) {
  const client = await connect({
    url,
    clientId,
    credentials: { username: clientId, password: await signToken({ sub: clientId, permissions }, secret) },
    reconnect: false,
    ...options,
    tls: { ca: text(directory.caCertificate), ...options.tls },
  })
  onTestFinished(async () => void (await client.close({ timeoutMs: 1_000 })))
  return client
}

/** Whether the conscience judges what an honest client asks. */
async function isServed(): Promise<boolean> {
  const { permissions } = COMPONENTS.operator
  const bus = await connectBus({
    url,
    clientId: `asker-${Math.random()}`,
    permissions,
    jwtSecret: secret,
    tls: { ca: text(directory.caCertificate) },
  })
  try {
    await bus.request(topics.conscience.evaluate, { action: 'water the plants' }, { timeoutMs: 5_000 })
    return true
  } finally {
    await bus.close({ timeoutMs: 1_000 })
  }
}

const reconnections = () => lines.filter(({ msg }) => msg === 'connected to the broker').length

describe('the identity of a part of the system', () => {
  it.each([
    ['MQTT 5.0', {}],
    ['MQTT 3.1.1', { protocolVersion: 4 }],
  ] as const)(
    'is not had with a token alone, over %s: its session goes on, and serves',
    async (_, options) => {
      const before = reconnections()
      for (const clientId of CERTIFIED_CLIENTS) {
        await expect(enter(clientId, options)).rejects.toMatchObject({ name: 'AuthenticationError' })
        await expect(enter(clientId, options, ['#'])).rejects.toMatchObject({ name: 'AuthenticationError' })
      }
      expect(await isServed()).toBe(true)
      expect(reconnections()).toBe(before)
    },
  )

  it('is told why, and not had with the certificate of another', async () => {
    await expect(enter(CONSCIENCE)).rejects.toMatchObject({
      reasonCode: 0x87,
      message: expect.stringContaining('a client certificate is required of "jamey-conscience"'),
    })
    const cert = text(directory.clientCertificate(COMPONENTS.memory.clientId))
    const key = text(directory.clientKey(COMPONENTS.memory.clientId))
    await expect(enter(CONSCIENCE, { tls: { cert, key } })).rejects.toMatchObject({ reasonCode: 0x87 })
    // Whoever has no certificate and needs none comes in.
    await enter('visitor')
  })

  it('is not had from within the process either, with a token alone or the certificate of another', async () => {
    const { transport } = broker
    await expect(enter(CONSCIENCE, { transport })).rejects.toMatchObject({ reasonCode: 0x87 })
    const cert = text(directory.clientCertificate(COMPONENTS.memory.clientId))
    const key = text(directory.clientKey(COMPONENTS.memory.clientId))
    await expect(enter(CONSCIENCE, { transport, tls: { cert, key } })).rejects.toMatchObject({
      reasonCode: 0x87,
    })
    const foreign = await signToken({ sub: 'visitor', permissions: [] }, 'x'.repeat(64))
    const credentials = { username: 'visitor', password: foreign }
    await expect(enter('visitor', { transport, credentials })).rejects.toMatchObject({
      name: 'AuthenticationError',
    })
    const visitor = await enter('visitor', { transport })
    await expect(visitor.publish('jamey/events/errors', 'x', { qos: 1 })).rejects.toMatchObject({
      code: 'refused',
    })
  })

  it('is taken back from whoever has its certificate, too; nothing else ends', async () => {
    const states: StateName[] = []
    let hasEnded = false
    conscience.lost.catch(() => {
      hasEnded = true
    })
    const other = await enter('bystander', {}, ['lab'])
    other.onState(({ state }) => states.push(state))
    const cert = text(directory.clientCertificate(CONSCIENCE))
    const key = text(directory.clientKey(CONSCIENCE))
    const before = reconnections()
    const thief = await enter(CONSCIENCE, { tls: { cert, key } })
    await expect.poll(reconnections, { timeout: 5_000 }).toBe(before + 1)
    await expect.poll(() => thief.state).toBe('error')
    expect(await isServed()).toBe(true)
    expect([hasEnded, states]).toEqual([false, []])
    const said = lines.filter(({ level, component }) => level === 50 && component === 'conscience')
    expect(said.at(-1)?.msg).toContain('another client has connected as this part, with its certificate')
  })
})

describe('a part that comes back', () => {
  function start() {
    const clock = new FakeClock()
    let resets = 0
    const delays: unknown[] = []
    const error = ({ delay_ms: delayMs }: { delay_ms?: number }) => void delays.push(delayMs)
    const reconnector = new Reconnector({ reset: () => resets++ }, clock, { error } as never)
    return { clock, reconnector, delays, resets: () => resets }
  }

  it('waits twice as long each time, a minute at most, and begins anew after a minute of connection', async () => {
    const { clock, reconnector, delays, resets } = start()
    for (let i = 0; i < 8; i++) {
      reconnector.onGivenUp(new Error('gone'))
      await clock.advance(60_000)
      reconnector.onConnected()
    }
    expect(resets()).toBe(8)
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1000))
    await clock.advance(59_999)
    reconnector.onGivenUp(new Error('gone'))
    await clock.advance(60_000)
    reconnector.onConnected()
    await clock.advance(60_000)
    reconnector.onGivenUp(new Error('gone'))
    expect(delays.slice(-2)).toEqual([60_000, 1_000])
  })

  it('does not once it is stopped', async () => {
    const { clock, reconnector, resets } = start()
    reconnector.onGivenUp(new Error('gone'))
    reconnector.stop()
    reconnector.onGivenUp(new Error('gone'))
    await clock.advance(120_000)
    expect(resets()).toBe(0)
  })
})
