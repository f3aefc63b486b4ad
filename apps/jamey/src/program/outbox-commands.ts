import type { Command } from 'commander'
import type { Run } from '../terminal/command-context.js'
import { parseCount, parseNumber } from './arguments.js'

const CHANGES_HELP = `
The process that publishes through the outbox must not run meanwhile; where it
does, the command says which one to stop. \`jamey outbox list\` prints numbers.`

/** `outbox` and what can be done with the messages in one. */
export function addOutboxCommands(program: Command, run: Run): void {
  const outbox = program
    .command('outbox')
    .description('what components published and the broker has not acknowledged')
    .addHelpText(
      'after',
      `
Without --dir these commands look at MQTT_OUTBOX_DIR where that is set, else at
the outbox of every component in the data folder.`,
    )
  place(
    outbox
      .command('list')
      .description('list the outboxes, or the messages of one kind')
      .option('--dead-letters', 'the messages that the broker does not take')
      .option('--waiting', 'the messages that wait to be sent or acknowledged')
      .option('--limit <n>', 'how many of each outbox', parseCount, 20)
      .option('--after <number>', 'only messages with a greater number', parseNumber),
  ).action((options) =>
    run(async (context) => (await import('../commands/outbox.js')).list(context, options)),
  )
  place(
    outbox
      .command('show')
      .description('show one message whole')
      .argument('<number>', 'its number', parseNumber),
  ).action((number, options) =>
    run(async (context) => (await import('../commands/outbox.js')).show(context, number, options)),
  )
  place(
    outbox
      .command('retry')
      .description('let dead letters wait again, behind all others')
      .argument('[number...]', 'their numbers', parseNumbers)
      .option('--all', 'all dead letters')
      .addHelpText('after', CHANGES_HELP),
  ).action((numbers, options) =>
    run(async (context) => (await import('../commands/outbox-changes.js')).retry(context, numbers, options)),
  )
  place(
    outbox
      .command('drop')
      .description('forget messages for good')
      .argument('[number...]', 'their numbers', parseNumbers)
      .option('--all', 'all dead letters')
      .option('--waiting', 'with --all: all that wait, instead')
      .option('--yes', 'needed with --all: says that it is meant')
      .addHelpText('after', CHANGES_HELP),
  ).action((numbers, options) =>
    run(async (context) => (await import('../commands/outbox-changes.js')).drop(context, numbers, options)),
  )
}

/** The options that say which outbox is meant. */
function place(command: Command): Command {
  return command
    .option('--dir <folder>', 'the folder of one outbox')
    .option('--component <name>', 'only this one of the data folder')
    .option('--json', 'print one JSON object per line')
    .option('--data-dir <folder>', 'the folder to look in, instead of the nearest .jamey')
}

function parseNumbers(value: string, previous: readonly number[] = []): number[] {
  return [...previous, parseNumber(value)]
}
