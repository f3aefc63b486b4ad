import type { BrokerUnderTest } from './broker-under-test.js'
import { deniedGroup, deniedPublish, deniedSubscribe, deniedWildcard } from './denied-topics.js'
import { identifier, identity } from './identity.js'
import { mainJob, overHttp } from './main-job.js'
import { poison } from './poison.js'
import { retained, will } from './presence.js'
import { probe } from './probe.js'
import type { Extent, Scene } from './scene.js'
import { within } from './scene.js'
import { SystemUnderTest } from './system.js'
import { kill9, killService, load, restart } from './under-load.js'

/** In this order: what ends the broker comes last. */
export const SCENES: readonly Scene[] = [
  mainJob,
  overHttp,
  identity,
  identifier,
  deniedPublish,
  deniedSubscribe,
  deniedWildcard,
  deniedGroup,
  retained,
  will,
  poison,
  probe,
  load,
  killService,
  restart,
  kill9,
]

/** Tokens of 40 s are renewed every 10 s. */
export const LONG: Extent & { readonly tokenSeconds: number } = {
  tokenSeconds: 40,
  loadSeconds: 180,
  ratePerSecond: 50,
  outageSeconds: 30,
  outageAfterSeconds: 10,
}

/** Every scene, and of load what shows that it works. */
export const SHORT: typeof LONG = {
  tokenSeconds: 35,
  loadSeconds: 4,
  ratePerSecond: 20,
  outageSeconds: 5,
  outageAfterSeconds: 3,
}

export interface Cell {
  readonly text: string
  readonly faults: readonly string[]
}

export interface BrokerResult {
  /** By which `--broker` names it. */
  readonly key: string
  readonly broker: string
  readonly version: string
  readonly access: string
  /** `2026-11-30`. */
  readonly date: string
  /** By the key of the scene. */
  readonly cells: Readonly<Record<string, Cell>>
}

const SCENE_MS = 180_000

export interface SuiteOptions {
  readonly extent: typeof LONG
  /** Keys of scenes; all where it is empty. */
  readonly only: readonly string[]
  readonly say: (text: string) => void
}

/** Starts the broker, plays every scene on it, and ends it. */
export async function playOn(broker: BrokerUnderTest, options: SuiteOptions): Promise<BrokerResult> {
  const { extent, only, say } = options
  const cells: Record<string, Cell> = {}
  try {
    await broker.start()
    const system = await SystemUnderTest.start(broker, extent)
    try {
      for (const scene of SCENES) {
        if (only.length > 0 && !only.includes(scene.key)) continue
        const startedAtMs = performance.now()
        const cell = await play(scene, system, extent)
        const took = ((performance.now() - startedAtMs) / 1000).toFixed(1)
        cells[scene.key] = cell
        say(
          `${broker.name}: ${scene.title} (${took} s): ${cell.text}${cell.faults.map((fault) => `\n  FAULT ${fault}`).join('')}`,
        )
      }
    } finally {
      await system.close()
    }
  } finally {
    await broker.stop()
  }
  const { key, name, version, access } = broker
  return { key, broker: name, version, access, date: new Date().toISOString().slice(0, 10), cells }
}

async function play(scene: Scene, system: SystemUnderTest, extent: Extent): Promise<Cell> {
  const without = scene.without?.(system.broker)
  if (without !== undefined) return { text: without, faults: [] }
  try {
    const longest = SCENE_MS + (extent.loadSeconds + extent.outageSeconds) * 1000
    return await within(longest, scene.title, scene.play(system, extent))
  } catch (error) {
    return { text: 'failed', faults: [(error as Error).message.split('\n')[0] ?? ''] }
  }
}

export function faultsOf({ cells }: BrokerResult): readonly string[] {
  return Object.entries(cells).flatMap(([key, { faults }]) => faults.map((fault) => `${key}: ${fault}`))
}
