import { type Command, Option } from 'commander'
import type { BridgeOptions } from '../commands/bridging/broker-bridge.js'
import type { Run } from '../terminal/command-context.js'
import { LOG_LEVELS } from '../terminal/log-level.js'
import { collect, parsePort } from './arguments.js'

/** `broker bridge`. */
export function addBridgeCommand(broker: Command, run: Run): void {
  broker
    .command('bridge')
    .description('carry messages between two brokers, as in a move from one to the other')
    .option('--config <file>', 'YAML file with its settings')
    .option(
      '--side <name=file>',
      'a broker, and a file with the MQTT_* variables for it; given twice',
      collect,
    )
    .option('--carry <side:filter>', 'what is carried from that side, or from both; repeatable', collect)
    .option('--relay <names>', 'whose messages, client identifiers with commas, or + for everybody')
    .option('--outbox <folder>', 'where messages wait for the other side')
    .option('--health-port <n>', 'port on 127.0.0.1 for /healthz and /readyz', parsePort)
    .option('--check', 'only say what is wrong with the settings')
    .option('--permissions', 'only print what it needs on each side, as a permissions.yaml')
    .option('--end', 'carry over what waits, take nothing new, and leave no session behind')
    .addOption(
      new Option('--log-level <level>', 'what to log on standard error (default: JAMEY_LOG_LEVEL)').choices(
        LOG_LEVELS,
      ),
    )
    .addHelpText('after', HELP)
    .action((_options, self: Command) =>
      run(async (context) =>
        (await import('../commands/bridging/broker-bridge.js')).brokerBridge(
          context,
          self.optsWithGlobals<BridgeOptions>(),
        ),
      ),
    )
}

const HELP = `
bridge.yaml:
  sides:
    ours: ours.env             # MQTT_BROKER_URL, MQTT_CLIENT_ID, certificates ...
    cluster: cluster.env
  relay: ['+']                 # or the client identifiers of some
  outbox: bridge-outbox
  carry:
    - from: ours               # as a member of the group, beside the services
      filters: ['$share/conscience/jamey/conscience/evaluate/#']
    - from: cluster
      filters: ['jamey/api/responses/#']
    - from: both               # MQTT 5.0 on both sides
      filters: ['jamey/events/#']

What is acknowledged to one side is on disk before, and is sent again until the
other side has it, whatever ends in between. Without --end both brokers keep what
comes while the bridge is away (sessionDays, 7 by default). docs/bridge.md has
all of it, and the move from one broker to another step by step.

Examples:
  jamey broker bridge --config bridge.yaml --permissions
  jamey broker bridge --config bridge.yaml --health-port 8084
  jamey broker bridge --side a=a.env --side b=b.env --carry 'a:lab/#' \\
    --outbox bridge-outbox`
