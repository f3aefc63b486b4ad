import { resolve } from 'node:path'
import { type Bus, type ComponentOptions, runComponent } from '@jamey/bus'
import type { Logger } from 'pino'
import type { DatabaseSettings } from '../postgres/postgres-memory.js'
import { memoryOptionsFromEnvironment } from './memory-environment.js'
import { createMemory } from './memory-service.js'

export interface RunMemoryOptions extends ComponentOptions {
  readonly log?: Logger | undefined
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
export async function runMemory(options: RunMemoryOptions = {}): Promise<RunningMemory> {
  const { env = process.env, cwd = process.cwd(), log } = options
  const memoryOptions = memoryOptionsFromEnvironment(env)
  const file = resolve(cwd, memoryOptions.file)
  const component = { name: 'memory', packageFile: new URL('../../package.json', import.meta.url) }
  const database = memoryOptions.database && databaseIn(cwd, memoryOptions.database)
  return runComponent(component, options, (bus) =>
    createMemory({ ...memoryOptions, file, database, bus, log }),
  )
}

/** Paths of settings are meant from the working directory. */
function databaseIn(cwd: string, settings: DatabaseSettings): DatabaseSettings {
  const { passwordFile } = settings
  return passwordFile === undefined ? settings : { ...settings, passwordFile: resolve(cwd, passwordFile) }
}
