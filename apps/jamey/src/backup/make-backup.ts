import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { assertOwnFolder, ownPath } from '@jamey/auth'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import { copyFile, digestFile, failed, wholeLinesBytes } from './file-copies.js'
import { flushFolder } from './folder-flush.js'
import {
  BACKUP_FORMAT,
  type BackedFile,
  type BackupManifest,
  FILES_FOLDER,
  writeManifest,
} from './manifest.js'
import { type CopyOptions, type Held, Moment } from './moment.js'
import { outsideData, type SettingsOptions, settingsSources } from './settings-sources.js'
import { type Source, sourcesIn } from './sources.js'

export interface BackupOptions extends SettingsOptions {
  /** The folder to fill: none, or an empty one. */
  readonly target: string
  readonly withoutSecrets: boolean
  readonly version: string
  readonly now: () => Date
  readonly signal: AbortSignal
  /** Told what there is to copy, and gives who is told how far that is. */
  readonly onStart: (bytes: number) => (bytes: number) => void
}

/** Files that open something by themselves, whatever is in them. */
const SECRET_NAMES = /^(token-secret|authz-secret|receipt-key\.pem|\.env)$|\.key$/
const LARGEST_KEY_BYTES = 65_536

/**
 * Copies a whole installation, which may be at work, into a folder. What is there by then is a backup only once its
 * manifest is, which is written last; where it fails or is stopped, nothing is left. Rejects with `CommandFailure`, the
 * errors of the packages, or the reason of `signal`.
 */
export async function makeBackup(options: BackupOptions): Promise<BackupManifest> {
  const { directory, target } = options
  assertOwnFolder(directory.path)
  const isMade = prepareTarget(target)
  try {
    const { kept, leftOut } = sourcesOf(options)
    const moment = await Moment.open(kept)
    try {
      const manifest = await copyAll(options, moment, kept, leftOut)
      writeManifest(target, manifest)
      flushFolder(target)
      return manifest
    } finally {
      await moment.close()
    }
  } catch (error) {
    rmSync(isMade ? target : join(target, FILES_FOLDER), { recursive: true, force: true })
    throw error
  }
}

async function copyAll(
  options: BackupOptions,
  moment: Moment,
  sources: readonly Source[],
  leftOut: readonly Source[],
): Promise<BackupManifest> {
  const { directory, env, now, version, signal, onStart } = options
  const onBytes = onStart(sources.reduce((sum, { bytes }) => sum + bytes, 0))
  const madeAt = now().toISOString()
  const heldMs = moment.take()
  const files: BackedFile[] = []
  for (const source of sources) {
    files.push(...(await copySource(options.target, source, moment, { signal, onBytes })))
  }
  return {
    format: BACKUP_FORMAT,
    made_by: version,
    made_at: madeAt,
    held_ms: Math.round(heldMs * 10) / 10,
    data_directory: directory.path,
    left_out: leftOut.map(({ path }) => path),
    elsewhere: env['JAMEY_MEMORY_URL']
      ? ['memories: in PostgreSQL (JAMEY_MEMORY_URL); pg_dump copies them']
      : [],
    stores: moment.held.map(({ source, kind, format }) => ({ path: source.path, kind, format })),
    files,
  }
}

/** By path; what a variable names stands before what the data directory has there. */
function sourcesOf(options: BackupOptions): { kept: Source[]; leftOut: Source[] } {
  const within = sourcesIn(options.directory.path)
  const all = [...within, ...outsideData(options, within), ...settingsSources(options)]
  const sources = [...new Map(all.map((source) => [source.path, source])).values()]
  const leftOut = options.withoutSecrets ? sources.filter(isSecret) : []
  return { kept: sources.filter((source) => !leftOut.includes(source)), leftOut }
}

function isSecret({ kind, from, path, bytes }: Source): boolean {
  if (kind !== 'file') return false
  if (SECRET_NAMES.test(basename(path))) return true
  return bytes <= LARGEST_KEY_BYTES && readFileSync(from, 'latin1').includes('PRIVATE KEY-----')
}

async function copySource(
  target: string,
  source: Source,
  moment: Moment,
  options: CopyOptions,
): Promise<BackedFile[]> {
  const to = join(target, FILES_FOLDER, ...source.path.split('/'))
  const held = moment.held.find((one) => one.source === source)
  if (held !== undefined) return [await copyHeld(held, to, options)]
  const mode = modeOf(source.from)
  // Replaced by somebody else, or gone, as a list that has become empty: it was not there at the moment.
  if (mode === undefined) return []
  const limit = moment.lineBytes.get(source.path)
  const bytes = limit === undefined ? undefined : await wholeLinesBytes(source.from, limit)
  const digest = await copyFile(source.from, to, { ...options, ...(bytes === undefined ? {} : { bytes }) })
  return [{ path: source.path, mode, ...digest }]
}

async function copyHeld({ source, copyTo }: Held, to: string, options: CopyOptions): Promise<BackedFile> {
  try {
    mkdirSync(dirname(to), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw failed(to, 'write', error)
  }
  await copyTo(to, options)
  const isFolder = source.kind === 'store'
  const file = isFolder ? join(to, 'data.mdb') : to
  // What stands on the disk is what counts, so it is read again.
  const digest = await digestFile(file, { ...options, onBytes: () => {} })
  return { path: isFolder ? `${source.path}/data.mdb` : source.path, mode: '0600', ...digest }
}

function modeOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? undefined : (stats.mode & 0o777).toString(8).padStart(4, '0')
}

/** True where the folder was made. Throws where something is in it. */
function prepareTarget(target: string): boolean {
  ownPath(target, { kind: 'folder' })
  if (existsSync(target)) {
    const found = statSync(target).isDirectory() ? readdirSync(target) : ['a file']
    const others = found.filter((name) => name !== 'lost+found')
    if (others.length === 0) return false
    throw new CommandFailure(`${target} is not empty: it has ${others.slice(0, 3).join(', ')}`, {
      code: 'folder-not-empty',
      exitCode: EXIT.usage,
      hint: 'name a new folder; nothing is overwritten',
    })
  }
  try {
    mkdirSync(target, { mode: 0o700 })
    return true
  } catch (error) {
    throw failed(target, 'write', error)
  }
}
