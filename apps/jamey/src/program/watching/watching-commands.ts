import { type Command, Option } from 'commander'
import type { Run } from '../../terminal/command-context.js'
import { parseTimeoutMs } from '../arguments.js'
import { withConnection } from '../client-options.js'

/** As the contract has them, which is loaded only where it is asked. */
const SORTS = ['messages_per_second', 'queued', 'dropped', 'received', 'sent', 'in_flight', 'client_id']

/** The commands that ask a running broker of ours what it does. */
export function addWatchingCommands(program: Command, run: Run): void {
  withConnection(
    program
      .command('top')
      .description('show what the broker does: connections, rates, queues, drops, who is busiest')
      .option('--once', 'print one picture, and end')
      .addOption(
        new Option('--interval <seconds>', 'time between two pictures')
          .argParser(parseTimeoutMs)
          .default(2_000, '2'),
      )
      .addOption(
        new Option('--sort <column>', 'which clients come first')
          .choices(SORTS)
          .default('messages_per_second'),
      )
      .addHelpText(
        'after',
        `
In a terminal q ends it, and s sorts by the next column. Elsewhere one picture is
printed, or with --json one object after the other, until it is interrupted.
It takes publish:jamey/broker/query, and a broker that \`jamey up\`, \`jamey run broker\`
or \`jamey broker\` has started.`,
      ),
  ).action((options) =>
    run(async (context) => (await import('../../commands/watching/top.js')).top(context, options)),
  )
  withConnection(
    program
      .command('explain')
      .description(
        'tell who may use a topic and who does, or what a client may and does, what waits and what was dropped',
      )
      .argument('<topic-or-client>', 'a topic, or the name of a client, which is looked for first')
      .addOption(new Option('--as <kind>', 'what it is').choices(['topic', 'client'])),
  ).action((word, options) =>
    run(async (context) =>
      (await import('../../commands/watching/explain.js')).explain(context, word, options),
    ),
  )
}
