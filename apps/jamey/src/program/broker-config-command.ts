import { Argument, type Command, Option } from 'commander'
import type { Run } from '../terminal/command-context.js'
import { parsePort } from './arguments.js'

/** Names in `OTHER_BROKERS` of `@jamey/manifest`, which is loaded only where it is needed; a test compares them. */
export const BROKER_NAMES = ['mosquitto', 'emqx', 'vernemq', 'rabbitmq', 'nats'] as const

/** `broker-config`: what another broker needs to enforce a manifest. */
export function addBrokerConfigCommand(program: Command, run: Run): void {
  program
    .command('broker-config')
    .description("write another broker's files from the manifest of permissions")
    .addArgument(new Argument('<broker>', 'which one').choices(BROKER_NAMES))
    .option('--manifest <file>', 'who may do what', 'permissions.yaml')
    .requiredOption('--out <folder>', 'where to write; made with mode 0700')
    .option('--host <address>', 'the address to listen at', '127.0.0.1')
    .option('--port <n>', 'the port to listen at, TLS 1.3', parsePort, 8883)
    .option('--ca <file>', 'who vouches for client certificates, PEM (default: that of the data folder)')
    .option('--cert <file>', "the broker's certificate, PEM (default: that of the data folder)")
    .option('--key <file>', 'its private key, PEM (default: that of the data folder)')
    .option('--mutual-tls', 'every client has to show a certificate, beside its token')
    .addOption(
      new Option(
        '--clients-by <proof>',
        'what tells who a client is (default: the best the broker can)',
      ).choices(['tokens', 'certificates']),
    )
    .option('--authz-url <url>', 'where the authorization service answers', 'http://127.0.0.1:8090')
    .option(
      '--authz-secret-file <file>',
      'what the broker shows it (default: authz-secret of the data folder)',
    )
    .option('--token-secret-file <file>', 'the secret of tokens (default: that of the data folder)')
    .option('--data-dir <folder>', 'the folder with certificates and secrets, instead of the nearest .jamey')
    .option('--force', 'also replace files that somebody changed')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action((broker, options) =>
      run(async (context) =>
        (await import('../commands/broker-config.js')).brokerConfig(context, broker, options),
      ),
    )
}

const HELP = `
It prints the line that starts the broker, the one that checks its files where it
has a checker, and what this broker does otherwise than ours. The same manifest
makes the same files: run it again after a change and reload the broker. The
first line of each file tells whether somebody changed it; one that was changed
is not replaced without --force. Paths in the files are absolute, and secrets
are in files of mode 0600: run the broker as the user who made them.

Examples:
  jamey broker-config nats --manifest permissions.yaml --out nats
  jamey broker-config rabbitmq --out rabbitmq --host 0.0.0.0 --mutual-tls`
