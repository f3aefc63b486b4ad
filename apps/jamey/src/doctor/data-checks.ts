import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { assertOwnFolder, OwnershipError } from '@jamey/auth'
import { readStorePath } from '../broker/settings.js'
import { type DataDirectory, dataFolderAt, displayPath } from '../install/data-directory.js'
import { outboxesOf } from '../install/outbox-folders.js'
import { reportOf } from '../support/failure.js'
import { plural } from '../support/quantities.js'
import type { Finding } from './finding.js'

type Environment = NodeJS.ProcessEnv

/** Places in which a system, or a part of it, keeps what must not be lost; undefined: not here, or nowhere. */
export interface DataPlaces {
  readonly memoryFile: string | undefined
  /** The environment that names a database in the file's place. */
  readonly memoryDatabase: Environment | undefined
  readonly brokerStore: string | undefined
  /** The folder in which verdicts are recorded. */
  readonly audit: string | undefined
  /** Folders of client sessions. */
  readonly outboxes: readonly string[]
}

/** Places of a part that is run alone, as its environment says. */
export function placesOfEnvironment(env: Environment, cwd: string, runsBroker: boolean): DataPlaces {
  const { JAMEY_MEMORY_FILE: file, JAMEY_DATA_DIR: folder, MQTT_OUTBOX_DIR: outbox } = env
  const data = folder ? dataFolderAt(folder) : undefined
  const memoryFile = file || data?.memoryFile
  if (env['JAMEY_MEMORY_URL'])
    return { ...placesOfEnvironment(withoutUrl(env), cwd, runsBroker), ...inDatabase(env) }
  return {
    memoryDatabase: undefined,
    memoryFile: memoryFile ? resolve(cwd, memoryFile) : undefined,
    audit: auditOf(env, cwd, data?.audit),
    brokerStore: runsBroker ? storePathOf(env, cwd) : undefined,
    outboxes: outbox ? [resolve(cwd, outbox)] : [],
  }
}

/** Places of `jamey up` in a folder; the memory file may be elsewhere. */
export function placesOfDirectory(directory: DataDirectory, env: Environment, cwd: string): DataPlaces {
  const { JAMEY_MEMORY_FILE: file } = env
  if (env['JAMEY_MEMORY_URL'])
    return { ...placesOfDirectory(directory, withoutUrl(env), cwd), ...inDatabase(env) }
  return {
    memoryDatabase: undefined,
    memoryFile: file ? resolve(cwd, file) : directory.memoryFile,
    brokerStore: directory.brokerStore,
    audit: auditOf(env, cwd, directory.audit),
    outboxes: outboxesOf({ cwd, env }, { dataDir: directory.path }).map(({ path }) => path),
  }
}

/** Of a conscience; `otherwise`: where its folder is not named. */
function auditOf({ JAMEY_AUDIT_DIR: named }: Environment, cwd: string, otherwise: string | undefined) {
  if (named === 'none') return undefined
  const folder = named || otherwise
  return folder ? resolve(cwd, folder) : undefined
}

const withoutUrl = (env: Environment): Environment => ({ ...env, JAMEY_MEMORY_URL: undefined })
const inDatabase = (env: Environment) => ({ memoryFile: undefined, memoryDatabase: env })

/** Nothing where the settings cannot be read, which is told where they are looked at. */
function storePathOf(env: Environment, cwd: string): string | undefined {
  try {
    return readStorePath({ flags: {}, env, cwd })
  } catch {
    return undefined
  }
}

export interface DataChecks {
  readonly findings: readonly Finding[]
  /** The process that has the broker's store open. */
  readonly brokerProcess: number | undefined
}

/** Room on every disk that something is kept on, and whether all of it can be read. What is not there yet is no fault. */
export async function checkData(places: DataPlaces, cwd: string): Promise<DataChecks> {
  const { memoryFile, memoryDatabase, brokerStore, audit, outboxes } = places
  const folders = [
    ...(memoryFile === undefined ? [] : [dirname(memoryFile)]),
    ...(brokerStore === undefined ? [] : [brokerStore]),
    ...(audit === undefined ? [] : [audit]),
    ...outboxes,
  ]
  const space = await checkSpace(folders, cwd)
  const memory =
    memoryFile !== undefined && existsSync(memoryFile) ? [await checkMemory(memoryFile, cwd)] : []
  const aside = memoryFile === undefined ? [] : checkSetAside(memoryFile, cwd)
  const database = memoryDatabase === undefined ? [] : [await checkDatabase(memoryDatabase)]
  const broker = brokerStore === undefined ? undefined : await checkStoreAt('broker', brokerStore, cwd)
  const clients = await Promise.all(outboxes.map((path) => checkStoreAt('session', path, cwd)))
  const stores = [broker, ...clients].flatMap((store) => (store === undefined ? [] : [store.finding]))
  const verdicts = audit !== undefined && existsSync(audit) ? [await checkAudit(audit, cwd)] : []
  return {
    findings: [...space, ...memory, ...aside, ...database, ...stores, ...verdicts],
    brokerProcess: broker?.owner,
  }
}

/** Its end, in a time that does not grow with it. */
async function checkAudit(folder: string, cwd: string): Promise<Finding> {
  const check = `audit ${displayPath(folder, cwd)}`
  const { lookAtAudit } = await import('@jamey/conscience')
  try {
    assertOwnFolder(folder)
    if (!isWritable(folder)) {
      const hint = 'no verdict is given that cannot be recorded: let the user of the conscience write there'
      return { check, status: 'failed', message: 'cannot be written to', hint }
    }
    const { files, records, faults } = await lookAtAudit(folder)
    const [fault] = faults
    if (fault !== undefined) {
      const message = `not as it was written: ${fault.file}: ${fault.reason}`
      return {
        check,
        status: 'failed',
        message,
        hint: '`jamey verdicts verify` tells everything that was changed',
      }
    }
    const end =
      files === 0
        ? 'nothing yet'
        : `its end is whole: the last ${plural(records, 'record', 'records')}, in the newest of ${plural(files, 'file', 'files')}`
    return { check, status: 'ok', message: end, hint: '`jamey verdicts verify` looks at all of it' }
  } catch (error) {
    return { check, status: 'failed', message: reportOf(error).message }
  }
}

const MEBIBYTE = 2 ** 20
/** Free bytes below which nothing can be relied on: a commit takes several pages, and a log. */
const FULL_BYTES = 16 * MEBIBYTE
const NEARLY_FULL_BYTES = 512 * MEBIBYTE

/** One finding a disk. */
export async function checkSpace(
  folders: readonly string[],
  cwd: string,
  read: typeof statfs = statfs,
): Promise<Finding[]> {
  const disks = new Map<number, string>()
  for (const folder of folders.map(existingPart)) {
    const { dev } = statSync(folder)
    if (!disks.has(dev)) disks.set(dev, folder)
  }
  return Promise.all([...disks.values()].map((folder) => spaceAt(folder, cwd, read)))
}

async function spaceAt(folder: string, cwd: string, read: typeof statfs): Promise<Finding> {
  const check = `disk of ${displayPath(folder, cwd)}`
  const { bavail, bsize, files, ffree } = await read(folder)
  const bytes = bavail * bsize
  const hint = 'make room there: what cannot be written is refused, and nothing that was acknowledged is lost'
  if (files > 0 && ffree === 0)
    return { check, status: 'failed', message: 'no file can be made (inodes)', hint }
  const message = `${amount(bytes)} free`
  if (bytes < FULL_BYTES) return { check, status: 'failed', message: `full: ${message}`, hint }
  if (!isWritable(folder)) {
    const how = 'let the user who runs Jamey write there, or run this as that user'
    return { check, status: 'failed', message: 'cannot be written to', hint: how }
  }
  if (bytes < NEARLY_FULL_BYTES) return { check, status: 'warning', message, hint }
  return { check, status: 'ok', message }
}

async function checkMemory(file: string, cwd: string): Promise<Finding> {
  const check = `memory file ${displayPath(file, cwd)}`
  const { checkMemoryFile } = await import('@jamey/memory')
  try {
    const { memories, bytes } = checkMemoryFile(file)
    const message = `sound: ${plural(memories, 'memory', 'memories')}, ${amount(bytes)}`
    return { check, status: 'ok', message }
  } catch (error) {
    const { code, message } = reportOf(error)
    const hint =
      code === 'storage-version'
        ? 'use a program as new as the one that wrote it'
        : 'stop the memory, and put a copy (`jamey memory backup`) in its place, or move the file away to begin with an empty one'
    return { check, status: 'failed', message, hint }
  }
}

/** One finding where damaged files lie beside the one that took their place. */
function checkSetAside(file: string, cwd: string): Finding[] {
  const folder = dirname(file)
  const start = `${basename(file)}.damaged-`
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(start)) : []
  const files = names.filter((name) => !/-(wal|shm)$/.test(name)).sort()
  if (files.length === 0) return []
  const message = `set aside: ${files.map((name) => displayPath(join(folder, name), cwd)).join(', ')}`
  const hint =
    'it has what could not be read, and what was forgotten since: remove it once nothing of it is missed (JameyMemoryDamaged in docs/runbook.md)'
  return [{ check: 'damaged memory files', status: 'warning', message, hint }]
}

async function checkDatabase(env: Environment): Promise<Finding> {
  const { memoryOptionsFromEnvironment, PostgresMemory, shownAddress } = await import('@jamey/memory')
  let check = 'memory database'
  try {
    const { database } = memoryOptionsFromEnvironment(env)
    if (database === undefined) return { check, status: 'ok', message: 'none' }
    check = `memory database ${shownAddress(database.address)}`
    const { memories } = await PostgresMemory.look(database)
    return { check, status: 'ok', message: `reachable: ${plural(memories, 'memory', 'memories')}` }
  } catch (error) {
    const hint =
      'see JAMEY_MEMORY_URL and JAMEY_MEMORY_PASSWORD_FILE, and whether the server runs and lets this user in'
    return { check, status: 'failed', message: reportOf(error).message, hint }
  }
}

async function checkStoreAt(
  kind: 'broker' | 'session',
  path: string,
  cwd: string,
): Promise<{ finding: Finding; owner?: number | undefined } | undefined> {
  if (!existsSync(path)) return undefined
  const check = `${kind === 'broker' ? 'broker store' : 'outbox'} ${displayPath(path, cwd)}`
  const { checkStore } = await import('@jamey/store')
  try {
    assertOwnFolder(path)
    const { records, damaged, damage, owner } = await checkStore({ path, kind })
    const user = owner === undefined ? '' : `, open in process ${owner}`
    const whole = `${plural(records, 'record', 'records')} whole${user}`
    if (damage === undefined) return { finding: { check, status: 'ok', message: whole }, owner }
    const message = `${plural(damaged, 'record', 'records')} damaged, ${whole}: ${damage.message}`
    return { finding: { check, status: 'failed', message, hint: DAMAGE_HINTS[kind] }, owner }
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string }
    // The next start brings it up to date.
    if (error instanceof OwnershipError) return { finding: { check, status: 'failed', message } }
    if (code === 'older-version')
      return { finding: { check, status: 'ok', message: 'of an earlier version' } }
    return { finding: { check, status: 'failed', message, hint: DAMAGE_HINTS[kind] } }
  }
}

const DAMAGE_HINTS = {
  broker: 'stop the broker, and put a backup (`jamey broker backup`) in its place, or move the folder away',
  session: '`jamey outbox list` shows what can be read; `jamey outbox drop` removes a damaged record',
} as const

/** The folder, or the nearest one above it that is there: what will be made will be made on that disk. */
function existingPart(path: string): string {
  let folder = path
  while (!existsSync(folder)) folder = dirname(folder)
  return folder
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** `1.5 GiB`, `12 MiB`, `3 KiB`. */
function amount(bytes: number): string {
  if (bytes < MEBIBYTE) return `${Math.round(bytes / 1024)} KiB`
  if (bytes < 1024 * MEBIBYTE) return `${Math.round(bytes / MEBIBYTE)} MiB`
  return `${(bytes / (1024 * MEBIBYTE)).toFixed(1)} GiB`
}
