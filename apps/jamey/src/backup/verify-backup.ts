import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { assertOwnFolder } from '@jamey/auth'
import { CommandFailure } from '../support/failure.js'
import { digestFile } from './file-copies.js'
import { expectKnownFormats } from './formats.js'
import { type BackedFile, type BackupManifest, FILES_FOLDER, readManifest } from './manifest.js'
import type { CopyOptions } from './moment.js'

/** Number of damaged files that are told by name. */
const TOLD = 5

export interface VerifyOptions {
  readonly folder: string
  readonly signal: AbortSignal
  readonly onStart: (bytes: number) => (bytes: number) => void
}

/**
 * Reads a whole backup. Throws `CommandFailure`: 'no-backup' for a folder that is none, or was interrupted;
 * 'backup-damaged', with the names, where a file is missing or another; 'backup-newer' where a later version made it.
 */
export async function verifyBackup({ folder, signal, onStart }: VerifyOptions): Promise<BackupManifest> {
  assertOwnFolder(folder)
  const manifest = readManifest(folder)
  await expectKnownFormats(folder, manifest)
  const onBytes = onStart(bytesOf(manifest))
  const faults: string[] = []
  for (const file of manifest.files) {
    const fault = await faultOf(folder, file, { signal, onBytes })
    if (fault !== undefined) faults.push(`${file.path} ${fault}`)
  }
  if (faults.length === 0) return manifest
  const more = faults.length > TOLD ? `; and ${faults.length - TOLD} more` : ''
  throw new CommandFailure(`${folder} is damaged: ${faults.slice(0, TOLD).join('; ')}${more}`, {
    code: 'backup-damaged',
    hint: 'take another backup; nothing was changed',
  })
}

export function bytesOf({ files }: BackupManifest): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** The path of a file in the folder of its backup. */
export function pathIn(folder: string, { path }: BackedFile): string {
  return join(folder, FILES_FOLDER, ...path.split('/'))
}

async function faultOf(folder: string, file: BackedFile, options: CopyOptions): Promise<string | undefined> {
  const path = pathIn(folder, file)
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return 'is missing'
  if (!stats.isFile()) return 'is no file'
  if (stats.size !== file.bytes) return `has ${stats.size} bytes, expected ${file.bytes}`
  try {
    const { sha256 } = await digestFile(path, options)
    return sha256 === file.sha256 ? undefined : 'has another checksum'
  } catch (error) {
    if (options.signal.aborted) throw error
    return `cannot be read (${(error as Error).message})`
  }
}
