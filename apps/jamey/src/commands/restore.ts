import { resolve } from 'node:path'
import { restoreBackup } from '../backup/restore-backup.js'
import { variablesElsewhere } from '../backup/settings-sources.js'
import {
  DIRECTORY_NAME,
  dataDirectoryOption,
  displayPath,
  newDataDirectory,
} from '../install/data-directory.js'
import { EXIT } from '../support/exit-codes.js'
import { VERSION } from '../support/version.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { byteProgressOn } from '../terminal/progress.js'
import { printable } from '../terminal/terminal.js'
import { factsOf, wordsOf } from './backup.js'

export interface RestoreCommandOptions {
  readonly replace?: boolean
  readonly json?: boolean
  readonly dataDir?: string
}

/** Makes a data directory of a backup, beside what is there or in its place. */
export async function restore(
  context: CommandContext,
  from: string,
  options: RestoreCommandOptions,
): Outcome {
  const { terminal, env, cwd, interrupted, now } = context
  const directory = newDataDirectory(cwd, options.dataDir ?? DIRECTORY_NAME)
  const progress = byteProgressOn(terminal, options.json === true)
  const folder = resolve(cwd, from)
  const restored = await restoreBackup({
    folder,
    directory,
    isReplacing: options.replace === true,
    version: VERSION,
    now,
    signal: interrupted,
    onStart: progress.start,
  }).finally(progress.stop)
  const { manifest, setAside } = restored
  const settings = manifest.files.filter(({ path }) => path.startsWith('settings/')).map(({ path }) => path)
  if (options.json) {
    terminal.printJson({
      data_directory_restored: directory.path,
      set_aside: setAside ?? null,
      settings,
      ...factsOf(manifest),
    })
    return EXIT.success
  }
  terminal.print(`${displayPath(directory.path, cwd)}: ${wordsOf(manifest)}, as at ${manifest.made_at}`)
  if (setAside !== undefined) terminal.note(`what was there is in ${displayPath(setAside, cwd)} now`)
  if (settings.length > 0) {
    terminal.note(`settings of then, to be put where they are used: ${listed(settings)}`)
  }
  if (manifest.left_out.length > 0) {
    terminal.warn(`the backup is without these, to be put back before a start: ${listed(manifest.left_out)}`)
  }
  for (const other of manifest.elsewhere) terminal.warn(`not restored: ${printable(other)}`)
  for (const variable of variablesElsewhere(env, cwd, directory)) {
    terminal.warn(`${variable} is set, and names another place than what was restored`)
  }
  terminal.note(terminal.asStarted(`start it with \`jamey up${dataDirectoryOption(directory, cwd)}\``))
  return EXIT.success
}

/** A backup is what somebody handed over: its words do not steer the terminal. */
function listed(paths: readonly string[]): string {
  return printable(paths.join(', '))
}
