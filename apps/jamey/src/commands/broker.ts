import type { BrokerFlags } from '../broker-settings-table.js'
import type { CommandContext, Outcome } from '../command-context.js'
import { requireDataDirectory } from '../data-directory.js'
import { EXIT } from '../exit-codes.js'
import { serveBroker } from '../serve-broker.js'

export interface BrokerCommandOptions extends BrokerFlags {
  readonly dataDir?: string
}

/** The broker alone, as its options, the environment and its file say. */
export async function broker(context: CommandContext, { dataDir, ...flags }: BrokerCommandOptions): Outcome {
  const directory = dataDir === undefined ? undefined : requireDataDirectory(context.cwd, dataDir, 'files')
  await serveBroker(context, {
    flags,
    directory,
    // For conformance suites and load tests: its own warning about encryption would only repeat ours.
    logLevel: flags.insecure === true && flags.config === undefined ? 'error' : 'info',
    portSetting: 'jamey broker --port',
  })
  return EXIT.success
}
