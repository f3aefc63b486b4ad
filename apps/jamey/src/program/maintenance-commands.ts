import type { Command } from 'commander'
import type { Run } from '../terminal/command-context.js'
import { collect, parseLifetime } from './arguments.js'
import { addCertsCommands } from './certs-commands.js'

/** The commands that look after tokens, certificates and the installation. */
export function addKeeperCommands(program: Command, run: Run): void {
  program
    .command('token')
    .description('print a signed token')
    .option('--sub <client id>', 'the client it is for', 'jamey-cli')
    .option(
      '--permission <filter>',
      "one of its permissions; may be given several times (default: what the manifest says, else the operator's)",
      collect,
    )
    .option('--manifest <file>', 'the manifest that has to name it (default: JAMEY_PERMISSIONS_FILE)')
    .option('--lifetime <seconds>', 'how long it is valid, at most 3600', parseLifetime, 300)
    .option('--json', 'print the token and its claims as JSON')
    .option('--data-dir <folder>', 'the folder whose secret signs it, instead of the nearest .jamey')
    .addHelpText(
      'after',
      `
It is signed with MQTT_JWT_SECRET where that is set, else with the secret of the
data folder. Connect with the client id as user name and the token as password.`,
    )
    .action((options) =>
      run(async (context) => (await import('../commands/token.js')).token(context, options)),
    )
  addCertsCommands(program, run)
  program
    .command('doctor')
    .description('check settings, certificates, data, disks, broker and services, each with a way out')
    .option('--json', 'print one JSON object per check')
    .option('--data-dir <folder>', 'the folder to look at, instead of the nearest .jamey')
    .option('--client-id <name>', 'sign in under this name, with MQTT_TLS_CLIENT_CERT')
    .option('--probe', 'find out what the broker does, by trying it: a minute at most')
    .option('--scratch <topic>', 'with --probe: below it this client may do everything; jamey/probe/<name>')
    .action((options) =>
      run(async (context) => (await import('../commands/doctor.js')).doctor(context, options)),
    )
}
