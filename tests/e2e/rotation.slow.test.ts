import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bus, configFromEnvironment, connectBus } from '@jamey/bus'
import { COMPONENTS, topics } from '@jamey/contracts'
import { freePort } from '@jamey/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyFolder, jamey, Program, removeFolder } from './program.js'
import { quantile, type RequestLoad, startLoad } from './request-load.js'

/** Everything that a system proves itself by is replaced while requests come, and none is lost. */

const PER_SECOND = 200
const DEADLINE_MS = 15_000
const CONSCIENCES = ['jamey-conscience', 'jamey-conscience-2'] as const

let folder: string
let port: number
let broker: Program
let asking: Bus
const buses: Bus[] = []
const consciences = new Map<string, Program>()

const secretPath = () => join(folder, '.jamey/token-secret')
const certs = async (...args: string[]): Promise<void> => {
  expect(await jamey(folder, ['certs', ...args])).toMatchObject({ code: 0 })
}

async function startConscience(clientId: string): Promise<void> {
  const env = { MQTT_CLIENT_ID: clientId, MQTT_BROKER_URL: `mqtts://127.0.0.1:${port}` }
  const program = new Program(folder, ['run', 'conscience', '--data-dir', '.jamey'], env)
  consciences.set(clientId, program)
  await program.prints(/conscience is ready/)
}

/** One after the other: each connects anew, with what its files hold now. */
async function restartConsciences(): Promise<void> {
  for (const clientId of CONSCIENCES) {
    expect((await consciences.get(clientId)?.stop())?.code).toBe(0)
    await startConscience(clientId)
  }
}

/** A client of its own certificate and of the token secret that signs now. */
async function connectAsker(): Promise<Bus> {
  const env = {
    MQTT_BROKER_URL: `mqtts://127.0.0.1:${port}`,
    MQTT_CLIENT_ID: `asker-${buses.length + 1}`,
    MQTT_TLS_CA_CERT: '.jamey/certs/ca.crt',
    MQTT_TLS_CLIENT_CERT: `.jamey/certs/asker-${buses.length + 1}.crt`,
    MQTT_TLS_CLIENT_KEY: `.jamey/certs/asker-${buses.length + 1}.key`,
    MQTT_JWT_SECRET_FILE: '.jamey/token-secret',
    MQTT_JWT_LIFETIME_SECONDS: '20',
    MQTT_PERMISSIONS: COMPONENTS.operator.permissions.join(','),
  }
  const bus = await connectBus(configFromEnvironment(env, { cwd: folder }))
  buses.push(bus)
  return bus
}

async function more(load: RequestLoad): Promise<void> {
  const { answered } = load.tally
  await expect.poll(() => load.tally.answered, { timeout: 60_000 }).toBeGreaterThan(answered + PER_SECOND)
}

beforeAll(async () => {
  folder = emptyFolder()
  await certs('init')
  for (const name of ['jamey-conscience-2', 'asker-1', 'asker-2']) await certs('issue', name)
  port = await freePort()
  const env = { JAMEY_BROKER_PORT: String(port) }
  broker = new Program(folder, ['run', 'broker', '--data-dir', '.jamey'], env)
  await broker.prints(/broker listens/)
  await Promise.all(CONSCIENCES.map(startConscience))
  asking = await connectAsker()
}, 60_000)

afterAll(async () => {
  await Promise.all(buses.map((bus) => bus.close({ drain: false })))
  await Promise.all([...consciences.values(), broker].map((program) => program?.stop('SIGKILL')))
  removeFolder(folder)
})

/** How often the broker has said so. */
const saidBy = (text: string) => broker.stderr.split(text).length - 1

describe('certificates, authority and token secret', () => {
  it('are replaced under load, and every request is answered', { timeout: 600_000 }, async () => {
    const states: string[] = []
    asking.onState(({ state }) => states.push(state))
    const evaluate = (number: number) =>
      asking.request(
        topics.conscience.evaluate,
        { action: `summarise note ${number}` },
        { timeoutMs: DEADLINE_MS },
      )
    const load = startLoad(PER_SECOND, evaluate)
    const renewed = async (change: () => Promise<void>): Promise<void> => {
      const before = saidBy('certificates were read again')
      await change()
      await expect
        .poll(() => saidBy('certificates were read again'), { timeout: 10_000 })
        .toBeGreaterThan(before)
    }
    await more(load)
    await renewed(() => certs('renew', '--within', '366d'))
    for (const step of [[], ['--switch'], ['--finish']]) {
      await renewed(() => certs('rotate-ca', ...step))
      await restartConsciences()
      await more(load)
    }
    // Nothing of all this was a reason to end a connection.
    expect(states).toEqual([])

    const former = readFileSync(secretPath(), 'utf8')
    writeFileSync(secretPath(), `${randomBytes(32).toString('base64url')}\n${former}`)
    broker.signal('SIGHUP')
    await broker.prints(/reloaded: certificates, limits and permissions/)
    await restartConsciences()
    asking = await connectAsker()
    await more(load)
    await buses[0]?.close({ drain: true })
    writeFileSync(secretPath(), readFileSync(secretPath(), 'utf8').split('\n')[0] ?? '')
    broker.signal('SIGHUP')
    await expect.poll(() => saidBy('reloaded: '), { timeout: 10_000 }).toBe(2)
    await restartConsciences()
    await more(load)

    const { sent, answered, faults, tookMs, ranMs } = await load.stop()
    console.info(
      `${sent} requests in ${Math.round(ranMs / 1000)} s, ${answered} answered; p50 ${quantile(tookMs, 0.5)}, p99 ${quantile(tookMs, 0.99)} ms`,
    )
    expect(faults).toEqual([])
    expect(answered).toBe(sent)
    expect(sent).toBeGreaterThan(5 * PER_SECOND)
  })
})
