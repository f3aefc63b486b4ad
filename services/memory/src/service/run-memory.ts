import { resolve } from 'node:path'
import { readKeyFile } from '@jamey/auth'
import { type Bus, type ComponentOptions, ConfigurationError, runComponent } from '@jamey/bus'
import type { Logger } from 'pino'
import type { EmbeddingSettings } from '../model/embeddings.js'
import type { DatabaseSettings } from '../postgres/postgres-memory.js'
import type { EmbeddingEnvironment } from './embedding-environment.js'
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
  const embeddings = memoryOptions.embeddings && withKey(cwd, memoryOptions.embeddings)
  const database = memoryOptions.database && databaseIn(cwd, memoryOptions.database)
  return runComponent(component, options, (bus) =>
    createMemory({ ...memoryOptions, file, database, embeddings, bus, log }),
  )
}

/** Paths of settings are meant from the working directory. */
function databaseIn(cwd: string, settings: DatabaseSettings): DatabaseSettings {
  const { passwordFile } = settings
  return passwordFile === undefined ? settings : { ...settings, passwordFile: resolve(cwd, passwordFile) }
}

function withKey(cwd: string, { keyFile, ...settings }: EmbeddingEnvironment): EmbeddingSettings {
  if (keyFile === undefined) return settings
  try {
    return { ...settings, key: readKeyFile(resolve(cwd, keyFile)).trim() }
  } catch (error) {
    const expected = 'a file of this user alone with the key of the endpoint'
    const found = (error as Error).message
    throw new ConfigurationError([{ variable: 'JAMEY_EMBEDDINGS_KEY_FILE', found, expected }])
  }
}
