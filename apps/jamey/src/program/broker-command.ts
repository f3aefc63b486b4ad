import { type Command, InvalidArgumentError, Option } from 'commander'
import type { BrokerCommandOptions } from '../commands/broker.js'
import type { Run } from '../terminal/command-context.js'
import { LOG_LEVELS } from '../terminal/log-level.js'
import { collect, parsePort } from './arguments.js'
import { addBridgeCommand } from './bridge-command.js'

/** `broker`, which keeps running, and `broker backup`, which looks at one that does. */
export function addBrokerCommand(program: Command, run: Run): void {
  const command = program
    .command('broker')
    .description('start the broker alone, from options, the environment and a file')
    .option('--config <file>', 'YAML file with its settings (default: JAMEY_BROKER_CONFIG)')
    .option('--host <address>', 'address of the first listener (default: 127.0.0.1)')
    .option('--port <n>', 'its port (default: 8883; with --insecure 1883)', parsePort)
    .option('--cert <file>', "the server's certificate, PEM")
    .option('--key <file>', 'its private key, PEM')
    .option('--ca <file>', 'who vouches for client certificates, PEM')
    .option('--token-secret-file <file>', 'the secret that signs tokens, mode 0600')
    .option('--jwks-file <file>', 'public keys that verify tokens, a JSON Web Key Set')
    .option('--jwks-url <url>', 'where such a set is published, https')
    .option('--jwks-ca <file>', 'who vouches for that server, PEM')
    .option('--audience <names>', 'what tokens have to be for (aud), with commas')
    .option('--issuer <names>', 'who may have issued them (iss), with commas')
    .option('--manifest <file>', 'who may connect and do what, a permissions.yaml')
    .option('--denied-file <file>', 'who is denied, as `jamey deny` writes it')
    .option('--crl <files>', 'revoked client certificates, CRLs in PEM or DER, with commas')
    .option('--store <folder>', 'where sessions and messages outlive the process, or none')
    .option('--data-dir <folder>', 'take what is not said otherwise from this folder')
    .option('--limit <name=n>', 'one of the limits; may be given several times', parseLimit)
    .option('--overflow <way>', 'of full queues: drop-newest, drop-oldest, disconnect or refuse')
    .option('--shared-subscriptions <way>', 'in-turn or by-publisher')
    .option(
      '--stamp-senders <filters>',
      'whose messages tell who sent them, with commas, or none (default: jamey/#)',
    )
    .option(
      '--refuse-when-full <filters>',
      'whose messages slow nobody down, with commas, or none (default: jamey/api/responses/#)',
    )
    .option('--grace-ms <n>', 'how long clients may finish when it stops (default: 1000)')
    .option('--server-reference <host:port>', 'where clients are to go when it stops')
    .option('--insecure', 'no encryption, no passwords: anybody who reaches the port may do everything')
    .addOption(
      new Option('--log-level <level>', 'what to log on standard error (default: JAMEY_LOG_LEVEL)').choices(
        LOG_LEVELS,
      ),
    )
    .addHelpText('after', HELP)
    .action((_options, self: Command) =>
      run(async (context) => (await import('../commands/broker.js')).broker(context, optionsOf(self))),
    )
  command
    .command('backup')
    .argument('<folder>', 'the folder to make; nothing may be there')
    .description('copy the store of a broker that runs, or of one that does not')
    .addHelpText('after', BACKUP_HELP)
    .action((folder: string, _options, self: Command) =>
      run(async (context) =>
        (await import('../commands/broker-backup.js')).brokerBackup(context, folder, optionsOf(self)),
      ),
    )
  addBridgeCommand(command, run)
}

const HELP = `
An option goes before the environment (JAMEY_BROKER_*, MQTT_JWT_SECRET_FILE,
also from .env), that before the file, that before --data-dir. The file can say
more: several listeners, mutual TLS, WebSocket, PROXY protocol, permissions.
docs/configuration.md has a whole one.

Examples:
  jamey broker --config broker.yaml
  jamey broker --data-dir .jamey --port 8884 --limit connections=500
  jamey broker --insecure

SIGHUP reads everything again: certificates, limits, permissions, the manifest
and the token secret change without ending a connection; a fault changes
nothing. SIGTERM and Ctrl-C let clients finish, tell them why and, with
--server-reference, where to go.`

const BACKUP_HELP = `
The store is found as \`jamey broker\` finds it: --store, --config, --data-dir
and JAMEY_BROKER_STORE stand before or after \`backup\`. The copy is what the last
commit left, only you can read it, and a broker can be started with it:

  jamey broker backup --store data/broker backup-of-today
  jamey broker --config broker.yaml --store backup-of-today`

/** Options of `broker` itself, wherever they stand. */
function optionsOf(command: Command): BrokerCommandOptions {
  return command.optsWithGlobals<BrokerCommandOptions>()
}

function parseLimit(value: string, previous: readonly string[] | undefined): string[] {
  if (/^\w+=\d+$/.test(value)) return collect(value, previous)
  throw new InvalidArgumentError('Expected a limit and its number, such as connections=500.')
}
