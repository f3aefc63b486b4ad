import { readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { OwnershipError, readOwnFile } from '@jamey/auth'
import { CommandFailure } from '../support/failure.js'
import { reachableHost } from '../support/host-address.js'
import { listeningOf } from '../support/listening.js'
import { createFile, replaceFile } from './atomic-file.js'
import { AS_OWNER, type DataDirectory } from './data-directory.js'

/** The word of a running `jamey up` to the other commands: where it listens and which process it is. */
interface RunRecord {
  readonly pid: number
  /** Start of the process, in the operating system's own words: tells a reused process id apart. */
  readonly process_started: string | null
  readonly version: string
  readonly started_at: string
  readonly broker: { readonly host: string; readonly port: number } | null
  readonly gateway: { readonly url: string } | null
}

export type RunState =
  | { readonly state: 'none' }
  | { readonly state: 'stale'; readonly record: RunRecord | undefined }
  | { readonly state: 'running'; readonly record: RunRecord }

const FILE = 'run.json'
const MAXIMUM_BYTES = 65_536

export function runFilePath(directory: string): string {
  return join(directory, FILE)
}

/** The running `jamey up` of this data directory, if there is one; a record whose process is gone is stale. */
export function readRunFile(directory: string, processes: Processes = operatingSystem): RunState {
  let text: string
  try {
    text = readOwnFile(runFilePath(directory), { maximumBytes: MAXIMUM_BYTES })
  } catch (error) {
    if (error instanceof OwnershipError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { state: 'none' }
    throw new CommandFailure(`cannot read ${runFilePath(directory)}: ${(error as Error).message}`, {
      code: 'run-file-unreadable',
      hint: AS_OWNER,
      cause: error,
    })
  }
  const record = parseRecord(text)
  if (record === undefined) return { state: 'stale', record: undefined }
  const started = processes.startOf(record.pid)
  const isSame =
    started !== undefined && (record.process_started === null || record.process_started === started)
  return isSame ? { state: 'running', record } : { state: 'stale', record }
}

/**
 * Claims the data directory for this process. The complete record is linked into place, which fails where
 * one exists: of two commands started at once only one can win, and nobody ever reads half a record.
 */
export function claimRunFile(
  directory: string,
  version: string,
  processes: Processes = operatingSystem,
): RunClaim {
  const existing = readRunFile(directory, processes)
  if (existing.state === 'running') throw alreadyRunning(directory, existing.record)
  if (existing.state === 'stale') rmSync(runFilePath(directory), { force: true })
  let record: RunRecord = {
    pid: process.pid,
    process_started: processes.startOf(process.pid) ?? null,
    version,
    started_at: new Date().toISOString(),
    broker: null,
    gateway: null,
  }
  if (!createFile(runFilePath(directory), serialise(record), 0o600)) {
    const winner = readRunFile(directory, processes)
    throw alreadyRunning(directory, winner.state === 'running' ? winner.record : undefined)
  }
  const release = () => {
    process.removeListener('exit', release)
    rmSync(runFilePath(directory), { force: true })
  }
  // The file goes also when a second Ctrl-C ends the process at once.
  process.once('exit', release)
  return {
    replacedStale: existing.state === 'stale',
    update(facts) {
      record = { ...record, ...facts }
      replaceFile(runFilePath(directory), serialise(record), 0o600)
    },
    release,
  }
}

export interface RunClaim {
  readonly replacedStale: boolean
  update(facts: Partial<Pick<RunRecord, 'broker' | 'gateway'>>): void
  release(): void
}

/** Questions to the operating system; replaced in tests. */
export interface Processes {
  /** Start of the process, `''` where the system does not tell, undefined where there is no such process. */
  startOf(pid: number): string | undefined
}

export const operatingSystem: Processes = {
  startOf(pid) {
    try {
      process.kill(pid, 0)
    } catch (error) {
      // EPERM: the process exists and belongs to somebody else.
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined
    }
    return startFromProc(pid)
  },
}

/** Field 22 of Linux's /proc/<pid>/stat, with the boot it belongs to; the name in field 2 may hold anything. */
function startFromProc(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot}/${ticks}`
  } catch {
    return ''
  }
}

function alreadyRunning(directory: string, record: RunRecord | undefined): CommandFailure {
  const where = record?.broker ? ` on ${record.broker.host}:${record.broker.port}` : ''
  const who = record === undefined ? '' : ` (process ${record.pid}${where}, since ${record.started_at})`
  return new CommandFailure(`jamey is already running for ${directory}${who}`, {
    code: 'already-running',
    hint: 'use it, stop it with Ctrl-C in its terminal, or start another one with --data-dir DIR --port N --http-port N',
  })
}

function parseRecord(text: string): RunRecord | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const record = value as Partial<RunRecord>
    return Number.isInteger(record.pid) && typeof record.version === 'string'
      ? (record as RunRecord)
      : undefined
  } catch {
    return undefined
  }
}

function serialise(record: RunRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`
}

/**
 * The address at which a broker of this data directory was started, or is by the environment, which starts one with the
 * certificate of the directory; undefined where nothing was. It is certain only where the process can be seen: one in
 * another container has a record, too.
 */
export function startedBroker(
  directory: DataDirectory,
  { env, cwd }: { readonly env: NodeJS.ProcessEnv; readonly cwd: string },
): { readonly address: BrokerAddress; readonly isSeen: boolean } | undefined {
  const run = readRunFile(directory.path)
  const address = run.state === 'none' ? undefined : addressIn(run.record)
  if (address !== undefined) return { address, isSeen: run.state === 'running' }
  const certificate = env['JAMEY_BROKER_CERT']
  if (!certificate || resolve(cwd, certificate) !== directory.serverCertificate) return undefined
  const { host, port } = listeningOf({}, env)
  return { address: { host: reachableHost(host), port }, isSeen: true }
}

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

function addressIn(record: RunRecord | undefined): BrokerAddress | undefined {
  const broker = record?.broker
  return broker ? { host: reachableHost(broker.host), port: broker.port } : undefined
}
