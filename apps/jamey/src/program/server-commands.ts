import { Argument, type Command, Option } from 'commander'
import type { Run } from '../terminal/command-context.js'
import { LOG_LEVELS } from '../terminal/log-level.js'
import { parsePort } from './arguments.js'
import { addBrokerCommand } from './broker-command.js'
import { addBrokerConfigCommand } from './broker-config-command.js'

/** `up`, `run` and `broker`, the commands that keep running, and what another broker is run with. */
export function addServerCommands(program: Command, run: Run): void {
  program
    .command('up')
    .description('start everything in this process: broker, conscience, memory and HTTP gateway')
    .option('--port <n>', 'port of the broker, TLS 1.3 (default: JAMEY_BROKER_PORT, else 8883)', parsePort)
    .option('--http-port <n>', 'port of the HTTP gateway (default: JAMEY_HTTP_PORT, else 8080)', parsePort)
    .option(
      '--host <address>',
      'address of both (default: JAMEY_BROKER_HOST and JAMEY_HTTP_HOST, else 127.0.0.1)',
    )
    .option('--data-dir <folder>', 'where certificates, secrets and memories stand', '.jamey')
    .addOption(logLevel())
    .addHelpText(
      'after',
      `
The first run creates the folder (mode 0700) with a certificate authority, a
server certificate, a client certificate per component, a token secret and the
data; later runs use it again. Ctrl-C drains and stops; a second Ctrl-C stops at
once. JAMEY_* variables come from the environment, or from .env in this folder;
MQTT_* variables mean another broker and are not read here.

SIGHUP has the broker read the folder's certificates and token secret again, and
the conscience its rules, without ending a connection; a fault changes nothing.`,
    )
    .action((options) => run(async (context) => (await import('../commands/up.js')).up(context, options)))
  program
    .command('run')
    .description('start one part alone, from its environment')
    .addArgument(
      new Argument('<part>', 'which one').choices(['broker', 'conscience', 'memory', 'gateway', 'authz']),
    )
    .option('--data-dir <folder>', 'take certificates, token secret and data from this folder')
    .addOption(logLevel())
    .addHelpText(
      'after',
      `
A service takes its broker, certificates and secret from MQTT_BROKER_URL,
MQTT_PORT, MQTT_TLS_CA_CERT, MQTT_TLS_CLIENT_CERT, MQTT_TLS_CLIENT_KEY,
MQTT_JWT_SECRET and MQTT_CLIENT_ID, and its own settings from JAMEY_*; it keeps
retrying while the broker is away. The broker takes JAMEY_BROKER_CONFIG, a YAML
file, and JAMEY_BROKER_HOST, JAMEY_BROKER_PORT, JAMEY_BROKER_CERT,
JAMEY_BROKER_KEY, JAMEY_BROKER_CA (files) and MQTT_JWT_SECRET; \`jamey broker\`
is the same with options. authz decides for another broker who may connect,
publish and subscribe, by JAMEY_AUTHZ_* and the same token secret or keys. With
--data-dir, whatever is not set is taken from that folder, which \`jamey up\` creates.`,
    )
    .action((part, options) =>
      run(async (context) => (await import('../commands/run.js')).run(context, part, options)),
    )
  addBrokerCommand(program, run)
  addBrokerConfigCommand(program, run)
}

function logLevel(): Option {
  const description = `what to log on standard error: ${LOG_LEVELS.join(', ')} (default: JAMEY_LOG_LEVEL)`
  return new Option('--log-level <level>', description).choices(LOG_LEVELS)
}
