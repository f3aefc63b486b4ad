import { dirname, resolve } from 'node:path'
import { assertOwnFolder, ownPath } from '@jamey/auth'
import { readStorePath } from '../broker/settings.js'
import { displayPath, requireDataDirectory } from '../install/data-directory.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import type { BrokerCommandOptions } from './broker.js'

/** Copies the store of a broker, running or not, into a new folder that a broker can be started with. */
export async function brokerBackup(
  { terminal, env, cwd }: CommandContext,
  target: string,
  { dataDir, ...flags }: BrokerCommandOptions,
): Outcome {
  const directory = dataDir === undefined ? undefined : requireDataDirectory(cwd, dataDir, 'files')
  const path = readStorePath({ flags, env, cwd, directory })
  if (path === undefined) {
    throw new CommandFailure('this broker keeps nothing: its store is none, so there is nothing to back up', {
      code: 'no-store',
      exitCode: EXIT.usage,
      hint: 'name the folder of another one with --store',
    })
  }
  const to = resolve(cwd, target)
  assertOwnFolder(path)
  ownPath(dirname(to))
  const { backupBrokerStore } = await import('@jamey/store')
  const backup = await backupBrokerStore({ path, to })
  const whose = backup.owner === undefined ? 'which nobody has open' : `while process ${backup.owner} runs it`
  terminal.print(`${displayPath(backup.path, cwd)}: ${backup.bytes} bytes of the store ${path}, ${whose}`)
  terminal.note('to restore it, stop the broker and start it with this folder as its store')
  return EXIT.success
}
