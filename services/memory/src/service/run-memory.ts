import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Bus, type BusConfig, configFromEnvironment, connectBus } from '@jamey/bus'
import type { Logger } from 'pino'
import { memoryOptionsFromEnvironment } from './memory-environment.js'
import { createMemory } from './memory-service.js'

export interface RunMemoryOptions {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Where `.env` and relative paths are looked up. */
  readonly cwd?: string | undefined
  readonly log?: Logger | undefined
  /** Where published messages outlive the process; closed with the bus. */
  readonly store?: BusConfig['store'] | undefined
}

export interface RunningMemory {
  readonly bus: Bus
  /** Resolves once requests are taken; rejects where the file cannot be used, with everything closed again. */
  readonly ready: Promise<void>
  /** Drains and closes the service and its bus. */
  stop(options?: { graceMs?: number }): Promise<void>
}

/**
 * A memory as a process of its own: reads the environment, connects a bus in the background and serves. Throws
 * `ConfigurationError` with every fault of one of the two parts.
 */
export async function runMemory({
  env = process.env,
  cwd = process.cwd(),
  log,
  store,
}: RunMemoryOptions = {}): Promise<RunningMemory> {
  const memoryOptions = memoryOptionsFromEnvironment(env)
  const component = { name: 'memory', version: ownVersion() }
  const config = configFromEnvironment(env, { component, cwd })
  const bus = await connectBus({
    ...config,
    component,
    waitForConnection: false,
    ...(log === undefined ? {} : { log }),
    ...(store === undefined ? {} : { store }),
  })
  const memory = createMemory({ ...memoryOptions, file: resolve(cwd, memoryOptions.file), bus, log })
  const ready = memory.start().catch(async (error: unknown) => {
    await bus.close({ drain: false })
    throw error
  })
  // Whoever awaits `ready` still gets the error; unawaited it must not end the process.
  ready.catch(() => {})
  return {
    bus,
    ready,
    stop: async ({ graceMs = 5000 } = {}) => {
      await memory.stop({ graceMs })
      await bus.close({ drain: true, timeoutMs: graceMs })
    },
  }
}

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return (manifest as { version: string }).version
}
