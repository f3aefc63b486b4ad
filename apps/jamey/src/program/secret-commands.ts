import type { Command } from 'commander'
import type { Run } from '../terminal/command-context.js'
import { collect, parseDurationMs, parseLifetime } from './arguments.js'

/** `client add`, `rotate`, `remove` and `list`: who gets tokens for a secret of its own. */
export function addSecretCommands(program: Command, run: Run): void {
  const client = program
    .command('client')
    .description('give a client a secret for which the gateway issues it tokens')
    .addHelpText('after', HELP)
  const named = (name: string, description: string): Command =>
    client
      .command(name)
      .argument('<client id>', 'the client')
      .description(description)
      .option(...FILE)
      .option(...AS_JSON)
      .option(...FOLDER)
  named('add', 'make a secret for it, and print it this once')
    .option('--permission <filter>', 'one of its permissions; may be given several times', collect)
    .option('--manifest <file>', 'what says what it may do (default: JAMEY_PERMISSIONS_FILE)')
    .option('--certificate', 'make no secret: its client certificate is enough')
    .option('--lifetime <seconds>', 'of its tokens, at most 3600 (default: 300)', parseLifetime)
    .action((clientId: string, options) =>
      run(async (context) => (await import('../commands/client.js')).clientAdd(context, clientId, options)),
    )
  named('rotate', 'make another secret for it, and print it this once')
    .option('--keep <time>', 'for how long the former one is taken, too: 30m, 2h, 7d', parseDurationMs)
    .action((clientId: string, options) =>
      run(async (context) =>
        (await import('../commands/client.js')).clientRotate(context, clientId, options),
      ),
    )
  named('remove', 'issue it no more tokens').action((clientId: string, options) =>
    run(async (context) => (await import('../commands/client.js')).clientRemove(context, clientId, options)),
  )
  client
    .command('list')
    .description('show who gets tokens, and what they permit')
    .option(...FILE)
    .option(...AS_JSON)
    .option(...FOLDER)
    .action((options) =>
      run(async (context) => (await import('../commands/client.js')).clientList(context, options)),
    )
}

const FILE = [
  '--file <file>',
  'where they stand (default: JAMEY_CLIENTS_FILE, else clients.json of the folder)',
] as const
const AS_JSON = ['--json', 'print JSON'] as const
const FOLDER = ['--data-dir <folder>', 'the folder it stands in, instead of the nearest .jamey'] as const

const HELP = `
The file holds hashes of the secrets, and a gateway that runs with it reads it
again within a second. Its clients set MQTT_TOKEN_URL (https://HOST/v1/token, or
http://127.0.0.1:8080/v1/token on this machine), MQTT_CLIENT_ID and
MQTT_CLIENT_SECRET_FILE, and hold nothing that could sign a token. One that was
added with --certificate sets MQTT_TLS_CLIENT_CERT and MQTT_TLS_CLIENT_KEY instead
of the secret; the gateway has JAMEY_HTTP_CERT, _KEY and _CA then. Tokens that
were issued before \`remove\` are good until they end; \`jamey deny\` ends them.

Examples:
  jamey client add robot-7 --permission 'publish:lab/#' > robot-7.secret
  jamey client rotate robot-7 --keep 1h
  jamey client add robot-8 --permission 'publish:lab/#' --certificate
  jamey client add desk --manifest permissions.yaml > desk.secret
  jamey client remove robot-7`
