import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Bus, type BusConfig, configFromEnvironment, connectBus } from '@jamey/bus'
import type { Logger } from 'pino'
import { type Conscience, createConscience } from './conscience.js'
import { conscienceOptionsFromEnvironment } from './conscience-environment.js'
import { loadRules } from './rule-file.js'

export interface RunConscienceOptions {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Where `.env` and relative paths are looked up. */
  readonly cwd?: string | undefined
  readonly log?: Logger | undefined
  /** Where published messages outlive the process; closed with the bus. */
  readonly store?: BusConfig['store'] | undefined
}

export interface RunningConscience {
  readonly bus: Bus
  /** Resolves once requests are taken; rejects where they never can be, with everything closed again. */
  readonly ready: Promise<void>
  /** Reads the rule file again; throws `RuleFileError` and keeps the old rules when it cannot be used. */
  reload: Conscience['reload']
  /** Drains and closes the service and its bus. */
  stop(options?: { graceMs?: number }): Promise<void>
}

/**
 * A conscience as a process of its own: reads the environment and the rules, connects a bus in the background and
 * serves. Throws `ConfigurationError` or `RuleFileError` before anything is connected.
 */
export async function runConscience({
  env = process.env,
  cwd = process.cwd(),
  log,
  store,
}: RunConscienceOptions = {}): Promise<RunningConscience> {
  const options = conscienceOptionsFromEnvironment(env)
  const rulesFile = options.rulesFile === undefined ? undefined : resolve(cwd, options.rulesFile)
  const rules = loadRules(rulesFile)
  const component = { name: 'conscience', version: ownVersion() }
  const config = configFromEnvironment(env, { component, cwd })
  const bus = await connectBus({
    ...config,
    component,
    waitForConnection: false,
    ...(log === undefined ? {} : { log }),
    ...(store === undefined ? {} : { store }),
  })
  const conscience = createConscience({ ...options, rules, bus, log })
  const ready = conscience.start().catch(async (error: unknown) => {
    await bus.close({ drain: false })
    throw error
  })
  // Whoever awaits `ready` still gets the error; unawaited it must not end the process.
  ready.catch(() => {})
  return {
    bus,
    ready,
    reload: () => conscience.reload(),
    stop: async ({ graceMs = 5000 } = {}) => {
      await conscience.stop({ graceMs })
      await bus.close({ drain: true, timeoutMs: graceMs })
    },
  }
}

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return (manifest as { version: string }).version
}
