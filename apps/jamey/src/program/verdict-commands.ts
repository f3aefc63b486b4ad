import { type Command, Option } from 'commander'
import type { Run } from '../terminal/command-context.js'
import { collect, parseCount, parseDurationMs } from './arguments.js'

/** `verdicts`: the record of what was decided, where it lies. */
export function addVerdictCommands(program: Command, run: Run): void {
  const verdicts = program
    .command('verdicts')
    .description('read the audit of verdicts, and find out whether it was changed')
    .addHelpText('after', HELP)
  place(
    verdicts
      .command('list', { isDefault: true })
      .description('show verdicts, the newest last; the default')
      .option('--since <time>', 'not longer ago than 30m, 2h, 7d', parseDurationMs)
      .addOption(
        new Option('--decision <decision>', 'only what was decided so').choices(['allow', 'ask', 'deny']),
      )
      .option('--sender <client>', 'only what this client asked')
      .option('--tool <name>', 'only calls of this tool')
      .option('--limit <count>', 'at most so many', parseCount, 100),
  ).action((options) =>
    run(async (context) => (await import('../commands/offline/verdicts.js')).listVerdicts(context, options)),
  )
  place(
    verdicts
      .command('verify')
      .description('say whether each record is as it was written (exit code 3 otherwise)')
      .option('--head <file:hash>', 'a record that has to be there; may be given several times', collect),
  ).action((options) =>
    run(async (context) =>
      (await import('../commands/offline/verdicts.js')).verifyVerdicts(context, options),
    ),
  )
}

function place(command: Command): Command {
  return command
    .option('--json', 'print JSON')
    .option('--data-dir <folder>', 'the folder to look in, instead of the nearest .jamey')
}

const HELP = `
The conscience records every verdict before it answers: in JAMEY_AUDIT_DIR, or in
audit in JAMEY_DATA_DIR or the data of the nearest .jamey. Each record is bound
to the one before, so that none can be changed or taken out unseen; docs/audit.md
has the form.

Examples:
  jamey verdicts --since 1h --decision deny
  jamey verdicts list --sender agent-7 --json
  jamey verdicts verify`
