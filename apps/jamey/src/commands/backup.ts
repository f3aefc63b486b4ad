import { resolve } from 'node:path'
import { makeBackup } from '../backup/make-backup.js'
import type { BackupManifest } from '../backup/manifest.js'
import { bytesOf, verifyBackup } from '../backup/verify-backup.js'
import { displayPath, requireDataDirectory } from '../install/data-directory.js'
import { EXIT } from '../support/exit-codes.js'
import { plural } from '../support/quantities.js'
import { VERSION } from '../support/version.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { byteProgressOn } from '../terminal/progress.js'

export interface BackupCommandOptions {
  readonly with?: readonly string[]
  /** False with --without-secrets. */
  readonly withoutSecrets?: boolean
  readonly json?: boolean
  readonly dataDir?: string
}

/** Copies everything of an installation on this machine, which may be at work, into a new folder. */
export async function backup(
  context: CommandContext,
  target: string,
  options: BackupCommandOptions,
): Outcome {
  const { terminal, env, cwd, interrupted, now } = context
  const directory = requireDataDirectory(cwd, options.dataDir, 'backup')
  const progress = byteProgressOn(terminal, options.json === true)
  const path = resolve(cwd, target)
  let manifest: BackupManifest
  try {
    manifest = await makeBackup({
      directory,
      env,
      cwd,
      files: options.with ?? [],
      target: path,
      withoutSecrets: options.withoutSecrets === true,
      version: VERSION,
      now,
      signal: interrupted,
      onStart: progress.start,
    })
  } finally {
    progress.stop()
  }
  if (options.json) terminal.printJson({ backup: path, ...factsOf(manifest) })
  else {
    const { stores, held_ms, left_out, elsewhere } = manifest
    terminal.print(`${displayPath(path, cwd)}: ${wordsOf(manifest)}`)
    const whole = plural(stores.length, 'store', 'stores')
    terminal.note(`${whole} as at ${manifest.made_at}; nobody could write for ${held_ms} ms`)
    if (left_out.length > 0) terminal.note(`left out, to be kept elsewhere: ${left_out.join(', ')}`)
    for (const other of elsewhere) terminal.warn(`not in it: ${other}`)
  }
  return EXIT.success
}

/** Reads a whole backup, and says whether it can be restored here. */
export async function backupVerify(
  { terminal, cwd, interrupted }: CommandContext,
  folder: string,
  { json }: { readonly json?: boolean },
): Outcome {
  const progress = byteProgressOn(terminal, json === true)
  const path = resolve(cwd, folder)
  try {
    const manifest = await verifyBackup({ folder: path, signal: interrupted, onStart: progress.start })
    progress.stop()
    if (json) terminal.printJson({ backup: path, ...factsOf(manifest) })
    else terminal.print(`${displayPath(path, cwd)} is whole: ${wordsOf(manifest)}, as at ${manifest.made_at}`)
    return EXIT.success
  } finally {
    progress.stop()
  }
}

/** `12 files, 345,678 bytes` */
export function wordsOf(manifest: BackupManifest): string {
  return `${plural(manifest.files.length, 'file', 'files')}, ${bytesOf(manifest).toLocaleString('en-US')} bytes`
}

/** The same for scripts. */
export function factsOf(manifest: BackupManifest): object {
  const { files, ...facts } = manifest
  return { ...facts, files: files.length, bytes: bytesOf(manifest) }
}
