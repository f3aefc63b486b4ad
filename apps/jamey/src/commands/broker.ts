import { serveBroker } from '../broker/serve-broker.js'
import type { BrokerFlags } from '../broker/settings-table.js'
import { findingsBeside } from '../doctor/findings-beside.js'
import { warnOfVariables } from '../doctor/settings-checks.js'
import { requireDataDirectory } from '../install/data-directory.js'
import { EXIT } from '../support/exit-codes.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'

export interface BrokerCommandOptions extends BrokerFlags {
  readonly dataDir?: string
}

/** The broker alone, as its options, the environment and its file say. */
export async function broker(context: CommandContext, { dataDir, ...flags }: BrokerCommandOptions): Outcome {
  context.terminal.serve()
  warnOfVariables(context, (text) => context.terminal.warn(text))
  const directory = dataDir === undefined ? undefined : requireDataDirectory(context.cwd, dataDir, 'files')
  await serveBroker(context, {
    flags,
    directory,
    // The level suits conformance suites and load tests: the broker's own warning about encryption would only repeat
    // ours.
    logLevel: flags.insecure === true && flags.config === undefined ? 'error' : 'info',
    portSetting: 'jamey broker --port',
    examine: (settings) => findingsBeside(context, directory, settings.storePath),
  })
  return EXIT.success
}
