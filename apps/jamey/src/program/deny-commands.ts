import type { Command } from 'commander'
import type { Run } from '../terminal/command-context.js'
import { parseDurationMs, parseMoment } from './arguments.js'

/** `deny add`, `deny remove` and `deny list`: who comes in no more. */
export function addDenyCommands(program: Command, run: Run): void {
  const deny = program
    .command('deny')
    .description('shut a client, a token or a certificate out, at once and for a while')
    .addHelpText('after', HELP)
  const whom = (command: Command): Command =>
    command
      .option('--sub <client id>', 'a client, whatever it shows')
      .option('--jti <id>', 'one token')
      .option('--serial <hex>', "a client certificate's serial number")
      .option('--certificate <file>', 'the client certificate in this file, PEM')
  whom(deny.command('add').description('deny it'))
    .option('--until <time>', 'until when, such as 2026-05-31T14:00:00Z', parseMoment)
    .option('--for <time>', 'for how long: 30m, 2h, 7d', parseDurationMs)
    .option('--reason <text>', 'why, for those who look after it; the client is not told')
    .option(...FILE)
    .option(...AS_JSON)
    .option(...FOLDER)
    .action((options) =>
      run(async (context) => (await import('../commands/deny.js')).denyAdd(context, options)),
    )
  whom(deny.command('remove').description('let it in again'))
    .option(...FILE)
    .option(...AS_JSON)
    .option(...FOLDER)
    .action((options) =>
      run(async (context) => (await import('../commands/deny.js')).denyRemove(context, options)),
    )
  deny
    .command('list')
    .description('show who is denied')
    .option(...FILE)
    .option(...AS_JSON)
    .option(...FOLDER)
    .action((options) =>
      run(async (context) => (await import('../commands/deny.js')).denyList(context, options)),
    )
}

const FILE = [
  '--file <file>',
  'the deny list (default: JAMEY_DENIED_FILE, else denied.json of the folder)',
] as const
const AS_JSON = ['--json', 'print JSON'] as const
const FOLDER = ['--data-dir <folder>', 'the folder it stands in, instead of the nearest .jamey'] as const

const HELP = `
A broker and a gateway that run with the file read it again within a second:
whoever is denied is disconnected, and not let in again. Without --until and
--for a client is denied until it is removed, a token until it could not be used
any more, and the certificate of a file until it ends.

Examples:
  jamey deny add --sub robot-7 --reason "stolen"
  jamey deny add --certificate .jamey/certs/robot-7.crt
  jamey deny remove --sub robot-7`
