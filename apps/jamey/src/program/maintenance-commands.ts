import type { Command } from 'commander'
import type { Run } from '../terminal/command-context.js'
import { collect, parseLifetime } from './arguments.js'

/** The commands that look after tokens, certificates and the installation. */
export function addKeeperCommands(program: Command, run: Run): void {
  program
    .command('token')
    .description('print a signed token')
    .option('--sub <client id>', 'the client it is for', 'jamey-cli')
    .option(
      '--permission <filter>',
      "one of its permissions; may be given several times (default: the operator's)",
      collect,
    )
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
  const certs = program
    .command('certs')
    .description('list the certificates and when they end, or issue one')
    .option('--json', 'print one JSON object per certificate')
    .option('--data-dir <folder>', 'the folder to look in, instead of the nearest .jamey')
    .action((options) =>
      run(async (context) => (await import('../commands/certs.js')).certs(context, options)),
    )
  certs
    .command('issue')
    .description('issue a client certificate, or one for the broker with further hosts')
    .argument('[client id]', 'the client it is for; its files bear this name, too')
    .option('--server', 'the certificate of the broker, for what it has and every --host')
    .option('--host <name>', 'a host name or address of the broker; may be given several times', collect)
    .option('--json', 'print the paths as JSON')
    .option('--data-dir <folder>', 'the folder whose authority signs it, instead of the nearest .jamey')
    .addHelpText(
      'after',
      `
The files are written into the folder's certs, keys with mode 0600. What is good
for more than 30 days stays as it is; remove both files to have a new key. With
--server, a --data-dir that is not there is made with all that a system needs.`,
    )
    // Options that `certs` knows, too, are handed to that.
    .action((name: string | undefined, _: object, command: Command) =>
      run(async (context) =>
        (await import('../commands/certs.js')).issue(context, name, command.optsWithGlobals()),
      ),
    )
  program
    .command('doctor')
    .description('check settings, certificates, data, disks, broker and services, each with a way out')
    .option('--json', 'print one JSON object per check')
    .option('--data-dir <folder>', 'the folder to look at, instead of the nearest .jamey')
    .option('--client-id <name>', 'sign in under this name, with MQTT_TLS_CLIENT_CERT')
    .action((options) =>
      run(async (context) => (await import('../commands/doctor.js')).doctor(context, options)),
    )
}
