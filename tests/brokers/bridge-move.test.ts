import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bus, configFromEnvironment, connectBus, NoResponderError } from '@jamey/bus'
import { topics } from '@jamey/contracts'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BridgeProcess, type Carried } from './bridge-process.js'
import type { BrokerUnderTest } from './broker-under-test.js'
import { permissionsOf } from './cast.js'
import { BROKERS } from './catalogue.js'
import { Load, tallyText } from './load.js'
import { Part } from './parts.js'
import { pause } from './server-process.js'

/** The move from one broker to another as docs/bridge.md has it, with requests all the while. */

const RATE = 20
const STEP_MS = 3000
const PATIENCE_MS = 30_000
const BETWEEN = { MQTT_BREAKER_FAILURES: 'never', MQTT_JWT_LIFETIME_SECONDS: '40' }

async function started(name: string): Promise<BrokerUnderTest> {
  const entry = BROKERS[name]
  if (entry?.isInstalled() !== true) throw new Error(`${name} is not installed`)
  const broker = await entry.make()
  onTestFinished(() => broker.stop())
  await broker.start()
  return broker
}

async function environmentAt(broker: BrokerUnderTest, clientId: string): Promise<Record<string, string>> {
  const { protocolVersion } = broker.capabilities
  return {
    ...BETWEEN,
    MQTT_PROTOCOL_VERSION: String(protocolVersion),
    ...(await broker.environmentOf(clientId)),
    MQTT_CLIENT_ID: clientId,
  }
}

/** A service at one broker; its data stays where it is when it moves. */
async function serve(
  broker: BrokerUnderTest,
  name: Part['name'],
  clientId: string,
  folder: string,
): Promise<Part> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const env = { ...(await environmentAt(broker, clientId)), JAMEY_DATA_DIR: folder }
  const part = new Part(name, clientId, { folder, env })
  onTestFinished(() => part.stop('SIGKILL'))
  await part.start()
  return part
}

async function enter(broker: BrokerUnderTest, clientId: string): Promise<Bus> {
  const env = {
    ...(await environmentAt(broker, clientId)),
    MQTT_PERMISSIONS: permissionsOf(clientId).join(','),
  }
  const bus = await connectBus(configFromEnvironment(env, { cwd: tmpdir() }))
  onTestFinished(async () => void (await bus.close({ drain: false })))
  return bus
}

/** Stores a memory of its own several times a second, whether those before are stored or not, and counts. */
class Storing {
  readonly #bus: Bus
  readonly #stored: string[] = []
  readonly #failures: string[] = []
  readonly #underway = new Set<Promise<void>>()
  /** How often one was told at once that nobody serves, and asked again. */
  unserved = 0
  #isOver = false

  constructor(bus: Bus) {
    this.#bus = bus
    void this.#run()
  }

  async finish(): Promise<{ stored: readonly string[]; failures: readonly string[] }> {
    this.#isOver = true
    await Promise.all(this.#underway)
    return { stored: this.#stored, failures: this.#failures }
  }

  async #run(): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      const content = `memory number ${n} of the move`
      const done = this.#store(content).then(
        () => void this.#stored.push(content),
        (error: Error) => void this.#failures.push(error.message),
      )
      const underway = done.finally(() => this.#underway.delete(underway))
      this.#underway.add(underway)
      await pause(100)
    }
  }

  async #store(content: string): Promise<void> {
    const endsAtMs = performance.now() + PATIENCE_MS
    for (;;) {
      try {
        await this.#bus.request(topics.memory.store, { content }, { timeoutMs: PATIENCE_MS })
        return
      } catch (error) {
        if (!(error instanceof NoResponderError) || performance.now() > endsAtMs) throw error
        this.unserved++
        await pause(200)
      }
    }
  }
}

const ANSWERS: Carried = { from: 'new', filters: ['jamey/api/responses/#'] }
const EVALUATIONS: Carried = { from: 'old', filters: ['$share/conscience/jamey/conscience/evaluate/#'] }
const MEMORIES: Carried = {
  from: 'old',
  filters: ['store', 'query', 'forget'].map((name) => `$share/memory/jamey/memory/${name}/#`),
}

/** What everybody hears; both ways where both brokers keep a client's own messages from it. */
function eventsBetween(target: BrokerUnderTest): Carried {
  const filters = ['jamey/events/#', 'jamey/conscience/results/#']
  return { from: target.capabilities.protocolVersion === 5 ? 'both' : 'new', filters, qos: 1 }
}

describe('the move from our broker to another one', () => {
  it.each(['mosquitto', 'mosquitto-plugin'])('%s loses no request', async (name) => {
    const old = await started('own')
    const target = await started(name)
    const folder = mkdtempSync(join(tmpdir(), 'jamey-brokers-move-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
    const at = (part: string): string => join(folder, part)
    const first = await serve(old, 'conscience', 'jamey-conscience', at('conscience'))
    const second = await serve(old, 'conscience', 'jamey-conscience-2', at('conscience-2'))
    const memory = await serve(old, 'memory', 'jamey-memory', at('memory'))
    const asker = await enter(old, 'asker')
    const another = await enter(old, 'asker-2')
    const watcher = await enter(old, 'watcher')
    const bridge = await BridgeProcess.make({
      old: await environmentAt(old, 'jamey-bridge'),
      new: await environmentAt(target, 'jamey-bridge'),
    })
    onTestFinished(() => bridge.remove())
    const events = eventsBetween(target)
    const load = await Load.start([asker], watcher, RATE)
    const storing = new Storing(another)
    await pause(STEP_MS)

    // 1. One conscience moves; the bridge joins the group of those that stay.
    await second.stop()
    await serve(target, 'conscience', 'jamey-conscience-2', at('conscience-2'))
    await bridge.start([ANSWERS, EVALUATIONS, events])
    await pause(STEP_MS)
    // 2. The other one goes, and the memory moves. Requests that meet nobody meanwhile are sent again by the bridge,
    // where the new broker tells it so, and else by those who asked, who are told that nobody serves.
    const isTold = target.capabilities.protocolVersion === 5
    await first.stop()
    if (isTold) await bridge.stop()
    if (isTold) await bridge.start([ANSWERS, EVALUATIONS, MEMORIES, events])
    await memory.stop()
    await serve(target, 'memory', 'jamey-memory', at('memory'))
    if (!isTold) await bridge.stop()
    if (!isTold) await bridge.start([ANSWERS, EVALUATIONS, MEMORIES, events])
    await pause(STEP_MS)
    // 3. The clients move: each leaves when it has its answers, and asks at the other broker.
    const { stored, failures } = await storing.finish()
    await another.close()
    const moved = await enter(target, 'asker-2')
    const newLoad = await Load.start([moved], await enter(target, 'watcher'), RATE)
    const tally = await load.finish()
    await Promise.all([asker, watcher].map((bus) => bus.close()))
    await pause(STEP_MS)
    // 4. The bridge ends. Nobody is left at the old broker.
    const directions = await bridge.directions()
    expect(await bridge.end()).toBe(0)
    const newTally = await newLoad.finish()
    process.stdout.write(
      `${name}: before and while ${tallyText(tally)}, judged ${JSON.stringify([...tally.judged])}, twice ${tally.doubled}; ` +
        `after ${tallyText(newTally)}; memories ${stored.length} stored, ${failures.length} not, ${storing.unserved} asked again; ` +
        `carried ${directions.map((one) => `${one.from} ${one.carried}`).join(', ')}\n`,
    )
    expect(tally.failures).toEqual({})
    expect(newTally.failures).toEqual({})
    expect(failures).toEqual([])
    if (isTold) expect(storing.unserved).toBe(0)
    for (const one of directions)
      expect(one).toMatchObject({ unverified: 0, notRelayed: 0, forged: 0, deadLetters: 0 })
    expect(tally.judged.get('jamey-conscience-2')).toBeGreaterThan(0)
  })
})
