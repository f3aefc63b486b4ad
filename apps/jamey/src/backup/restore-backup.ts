import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { assertOwnFolder } from '@jamey/auth'
import { type DataDirectory, restoreDraftOf } from '../install/data-directory.js'
import { claimRunFile, readRunFile } from '../install/run-file.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import { copyFile, failed } from './file-copies.js'
import { flushFolder } from './folder-flush.js'
import type { BackedFile, BackupManifest } from './manifest.js'
import type { CopyOptions } from './moment.js'
import { expectNothingRuns } from './running-system.js'
import { bytesOf, pathIn, type VerifyOptions, verifyBackup } from './verify-backup.js'

export interface RestoreOptions extends VerifyOptions {
  readonly directory: DataDirectory
  /** Sets aside what is there. */
  readonly isReplacing: boolean
  readonly version: string
  readonly now: () => Date
}

export interface Restored {
  readonly manifest: BackupManifest
  /** Where the former data directory is now; undefined where there was none. */
  readonly setAside: string | undefined
}

/**
 * Makes a data directory of a backup. Everything is verified before anything is touched, and written into a folder beside
 * it (`<data directory>.restoring`), which takes its place in one step once all is on the disk. One that was interrupted
 * has changed nothing: the next one begins anew. Rejects with `CommandFailure`, or the reason of `signal`.
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { folder, directory, isReplacing, now, signal, onStart } = options
  const isThere = await expectReplaceable(directory, isReplacing)
  const manifest = await verifyBackup(options)
  const draft = restoreDraftOf(directory)
  const claim = beginDraft(draft, options.version)
  try {
    const onBytes = onStart(bytesOf(manifest))
    for (const file of manifest.files) await restoreFile(folder, draft, file, { signal, onBytes })
    flushFolder(draft)
    // Who started it meanwhile would lose what he has done since.
    if (isThere) await expectNothingRuns(directory)
    claim.release()
    const setAside = isThere ? setAsideAs(directory.path, now()) : undefined
    takePlace(draft, directory.path)
    flushFolder(directory.path)
    return { manifest, setAside }
  } catch (error) {
    claim.release()
    rmSync(draft, { recursive: true, force: true })
    throw error
  }
}

/** True where there is something to set aside. */
async function expectReplaceable(directory: DataDirectory, isReplacing: boolean): Promise<boolean> {
  const { path } = directory
  if (!existsSync(path)) return false
  const found = readdirSync(path)
  if (found.length === 0) return false
  await expectNothingRuns(directory)
  if (isReplacing) return true
  throw new CommandFailure(`${path} is not empty: it has ${found.slice(0, 3).join(', ')}`, {
    code: 'folder-not-empty',
    exitCode: EXIT.usage,
    hint: '--replace sets it aside under another name, and --data-dir names another folder',
  })
}

/** What an interrupted one left is removed; another that runs keeps this one out. */
function beginDraft(draft: string, version: string): { release(): void } {
  if (existsSync(draft)) {
    assertOwnFolder(draft)
    const run = readRunFile(draft)
    if (run.state === 'running') {
      throw new CommandFailure(`process ${run.record.pid} restores into ${draft} just now`, {
        code: 'restore-running',
        hint: 'wait for it, or stop it',
      })
    }
    rmSync(draft, { recursive: true })
  }
  try {
    mkdirSync(dirname(draft), { recursive: true, mode: 0o700 })
    mkdirSync(draft, { mode: 0o700 })
  } catch (error) {
    throw failed(draft, 'write', error)
  }
  return claimRunFile(draft, version)
}

async function restoreFile(
  folder: string,
  draft: string,
  file: BackedFile,
  options: CopyOptions,
): Promise<void> {
  const target = join(draft, ...file.path.split('/'))
  const { sha256 } = await copyFile(pathIn(folder, file), target, options)
  if (sha256 !== file.sha256) {
    throw new CommandFailure(`${file.path} of the backup changed while it was restored`, {
      code: 'backup-damaged',
      hint: 'nothing was changed; see that nobody writes to the backup, and try again',
    })
  }
  chmodSync(target, Number.parseInt(file.mode, 8))
}

function setAsideAs(path: string, now: Date): string {
  const aside = `${path}.before-${now.toISOString().replace(/[-:]|\.\d+/g, '')}`
  if (existsSync(aside)) {
    throw new CommandFailure(`${aside} is there already`, { code: 'file-exists', hint: 'try again' })
  }
  renameSync(path, aside)
  return aside
}

function takePlace(draft: string, path: string): void {
  try {
    // An empty folder is all that is removed.
    if (existsSync(path)) rmdirSync(path)
    renameSync(draft, path)
  } catch (error) {
    throw new CommandFailure(`${path} cannot be put in place: ${(error as Error).message}`, {
      code: 'folder-not-replaceable',
      hint: 'name a folder that is no mount point, and that nobody makes meanwhile',
      cause: error,
    })
  }
}
