import { join } from 'node:path'
import { ConfigurationError, type ConfigurationFault } from '@jamey/bus'
import { MEMORY_LAYERS, type MemoryLayer } from '@jamey/contracts'
import { DEFAULT_LIFETIMES, type LayerBudgets, type LayerLifetimes } from '../model/memory-layers.js'
import { readDatabaseUrl } from '../postgres/database-address.js'
import type { DatabaseSettings } from '../postgres/postgres-memory.js'
import { type EmbeddingEnvironment, embeddingsFrom } from './embedding-environment.js'
import type { MemoryGroups } from './served-requests.js'
import { type Environment, given, type ReadWhole } from './variables.js'

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
  readonly ownerBytes: number | undefined
  /** Milliseconds after which a question is given up. */
  readonly queryMs: number
  readonly groups: MemoryGroups | undefined
  readonly budgets: LayerBudgets | undefined
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
 * - `JAMEY_EMBEDDINGS_URL` and what belongs to it: see `embeddingsFrom`;
 * - `JAMEY_MEMORY_QUERY_MS`: how long a question may wait for the index, or take in PostgreSQL; 5000 by default;
 * - `JAMEY_MEMORY_OWNER_BYTES`: how much the memories of one owner may have, versions counted; unlimited by default;
 * - `JAMEY_MEMORY_GROUPS`: who is in which group, `research=agent-1,agent-2;ops=agent-3`; nobody by default;
 * - `JAMEY_MEMORY_BUDGETS`: how many memories of a layer one owner keeps when they are consolidated,
 *   `short_term=1000,episodic=10000`; unlimited by default.
 *
 * Throws `ConfigurationError` with every fault at once.
 */
export function memoryOptionsFromEnvironment(env: Environment = process.env): MemoryEnvironment {
  const faults: ConfigurationFault[] = []
  const whole: ReadWhole = (variable, range) => {
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
    queryMs: whole('JAMEY_MEMORY_QUERY_MS', { from: 10, to: 600_000 }) ?? 5_000,
    ownerBytes: whole('JAMEY_MEMORY_OWNER_BYTES', { from: 1024, to: Number.MAX_SAFE_INTEGER }),
    groups: groupsFrom(env, faults),
    budgets: budgetsFrom(env, faults),
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

function groupsFrom(env: Environment, faults: ConfigurationFault[]): MemoryGroups | undefined {
  const text = given(env, 'JAMEY_MEMORY_GROUPS')
  if (text === undefined) return undefined
  const groups = new Map<string, readonly string[]>()
  for (const part of text.split(';').map((one) => one.trim())) {
    const [, name, members] = /^([a-z0-9][a-z0-9._-]{0,63})=(.+)$/.exec(part) ?? []
    const ids = members?.split(',').map((one) => one.trim()) ?? []
    if (name !== undefined && ids.length > 0 && !ids.includes('') && !groups.has(name)) groups.set(name, ids)
    else {
      const expected =
        'groups as research=agent-1,agent-2;ops=agent-3, each once, their names of small letters, digits and ._-'
      faults.push({ variable: 'JAMEY_MEMORY_GROUPS', found: JSON.stringify(part), expected })
    }
  }
  return groups
}

function budgetsFrom(env: Environment, faults: ConfigurationFault[]): LayerBudgets | undefined {
  const text = given(env, 'JAMEY_MEMORY_BUDGETS')
  if (text === undefined) return undefined
  const budgets: Partial<Record<MemoryLayer, number>> = {}
  for (const part of text.split(',').map((one) => one.trim())) {
    const [, layer, count] = /^(\w+)=(\d{1,15})$/.exec(part) ?? []
    const known = MEMORY_LAYERS.find((one) => one === layer)
    if (known !== undefined && budgets[known] === undefined) budgets[known] = Number(count)
    else {
      const expected = `numbers of memories by layer (${MEMORY_LAYERS.join(', ')}) as short_term=1000,episodic=10000`
      faults.push({ variable: 'JAMEY_MEMORY_BUDGETS', found: JSON.stringify(part), expected })
    }
  }
  return budgets
}
