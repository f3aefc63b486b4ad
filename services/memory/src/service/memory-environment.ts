import { join } from 'node:path'
import { ConfigurationError, type ConfigurationFault } from '@jamey/bus'
import { MEMORY_LAYERS, type MemoryLayer } from '@jamey/contracts'
import { DEFAULT_LIFETIMES, type LayerLifetimes } from '../model/memory-layers.js'
import { readDatabaseUrl } from '../postgres/database-address.js'
import type { DatabaseSettings } from '../postgres/postgres-memory.js'
import { type EmbeddingEnvironment, embeddingsFrom } from './embedding-environment.js'

type Environment = Readonly<Record<string, string | undefined>>

/** The settings of a memory from the environment; give them to `createMemory` together with a bus. */
export interface MemoryEnvironment {
  readonly file: string
  /** Where the memories are instead of in the file. */
  readonly database: DatabaseSettings | undefined
  readonly lifetimes: LayerLifetimes
  readonly sweepIntervalSeconds: number
  readonly maximumFileBytes: number | undefined
  /** Where texts and questions are sent for their vectors. */
  readonly embeddings: EmbeddingEnvironment | undefined
}

const DEFAULT_DATA_FOLDER = join('.jamey', 'data')
/** A thousand years: longer than this is a mistyped number, and 'never' says it better. */
const MAXIMUM_SECONDS = 1000 * 366 * 24 * 3600

/**
 * Reads
 * - `JAMEY_MEMORY_FILE`: path of the file; `memory.db` in `JAMEY_DATA_DIR` (`.jamey/data`) by default;
 * - `JAMEY_MEMORY_URL`: a PostgreSQL database instead, with the password in `JAMEY_MEMORY_PASSWORD_FILE` or in the URL,
 *   and `JAMEY_MEMORY_CONNECTIONS` that read, 4 by default;
 * - `JAMEY_MEMORY_TTL_WORKING_SECONDS`, `..._SHORT_TERM_...`, `..._EPISODIC_...`, `..._SEMANTIC_...`,
 *   `..._LONG_TERM_...`: whole seconds, or `never`; 3600, 86400, 7776000, never, never by default;
 * - `JAMEY_MEMORY_SWEEP_SECONDS`: between sweeps, 60 by default;
 * - `JAMEY_MEMORY_MAX_BYTES`: how large the file may grow, at least 1 MiB; unlimited by default;
 * - `JAMEY_EMBEDDINGS_URL` and what belongs to it: see `embeddingsFrom`.
 *
 * Throws `ConfigurationError` with every fault at once.
 */
export function memoryOptionsFromEnvironment(env: Environment = process.env): MemoryEnvironment {
  const faults: ConfigurationFault[] = []
  const whole = (variable: string, range: Range): number | undefined => {
    const text = given(env, variable)
    if (text === undefined) return undefined
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= range.from && value <= range.to) return value
    const alternative = range.word === undefined ? '' : `, or '${range.word}'`
    const expected = `a whole number from ${range.from} to ${range.to}${alternative}`
    faults.push({ variable, found: JSON.stringify(text), expected })
    return undefined
  }
  const lifetime = (layer: MemoryLayer): number | null => {
    const variable = `JAMEY_MEMORY_TTL_${layer.toUpperCase()}_SECONDS`
    if (given(env, variable)?.toLowerCase() === 'never') return null
    return whole(variable, { from: 1, to: MAXIMUM_SECONDS, word: 'never' }) ?? DEFAULT_LIFETIMES[layer]
  }
  const lifetimes = Object.fromEntries(MEMORY_LAYERS.map((layer) => [layer, lifetime(layer)]))
  const options: MemoryEnvironment = {
    file:
      given(env, 'JAMEY_MEMORY_FILE') ??
      join(given(env, 'JAMEY_DATA_DIR') ?? DEFAULT_DATA_FOLDER, 'memory.db'),
    database: databaseFrom(env, faults, whole('JAMEY_MEMORY_CONNECTIONS', { from: 1, to: 100 })),
    lifetimes: lifetimes as LayerLifetimes,
    sweepIntervalSeconds: whole('JAMEY_MEMORY_SWEEP_SECONDS', { from: 1, to: 24 * 3600 }) ?? 60,
    maximumFileBytes: whole('JAMEY_MEMORY_MAX_BYTES', { from: 1024 * 1024, to: Number.MAX_SAFE_INTEGER }),
    embeddings: embeddingsFrom(env, faults, whole),
  }
  if (faults.length > 0) throw new ConfigurationError(faults)
  return options
}

function databaseFrom(
  env: Environment,
  faults: ConfigurationFault[],
  readers: number | undefined,
): DatabaseSettings | undefined {
  const url = given(env, 'JAMEY_MEMORY_URL')
  if (url === undefined) return undefined
  for (const variable of ['JAMEY_MEMORY_FILE', 'JAMEY_MEMORY_MAX_BYTES']) {
    if (given(env, variable) === undefined) continue
    faults.push({
      variable,
      found: 'a setting of a file beside JAMEY_MEMORY_URL',
      expected: 'one of the two only',
    })
  }
  const address = readDatabaseUrl(url)
  if ('found' in address) {
    faults.push({ variable: 'JAMEY_MEMORY_URL', ...address })
    return undefined
  }
  const passwordFile = given(env, 'JAMEY_MEMORY_PASSWORD_FILE')
  if (passwordFile !== undefined && address.password !== undefined) {
    const found = 'a file beside the password in JAMEY_MEMORY_URL'
    faults.push({ variable: 'JAMEY_MEMORY_PASSWORD_FILE', found, expected: 'one of the two only' })
  }
  return { address, passwordFile, readers }
}

interface Range {
  readonly from: number
  readonly to: number
  /** A word that is allowed instead of a number. */
  readonly word?: string
}

/** An empty variable counts as not set, as shells and container files leave them behind. */
function given(env: Environment, variable: string): string | undefined {
  const text = env[variable]?.trim()
  return text === '' ? undefined : text
}
