import type { Command } from 'commander'
import type { Run } from '../terminal/command-context.js'

/** `contracts list`, `show` and `asyncapi`: which messages travel, and what they look like. */
export function addContractCommands(program: Command, run: Run): void {
  const contracts = program
    .command('contracts')
    .description('list the messages that travel, show their schemas, and describe all of them as AsyncAPI')
    .addHelpText('after', HELP)
  contracts
    .command('list')
    .description('list topics, actions, QoS, and whether they are retained or answered')
    .option(...MODULE)
    .option(...AS_JSON)
    .action((options) => run(async (context) => (await commands()).contractsList(context, options)))
  contracts
    .command('show')
    .argument('<topic>', 'a topic, such as jamey/events/status/robot-7')
    .description('show what the messages of a topic look like, as JSON Schema')
    .option('--action <action>', 'of this action alone')
    .option(...MODULE)
    .option(...AS_JSON)
    .action((topic: string, options) =>
      run(async (context) => (await commands()).contractsShow(context, topic, options)),
    )
  contracts
    .command('asyncapi')
    .description('describe all of them in one document, AsyncAPI 3.0 as JSON')
    .option('--title <text>', 'the title of the document', 'Jamey')
    .option('--contracts-version <text>', 'the version of what it describes', '1')
    .option(...MODULE)
    .action((options) => run(async (context) => (await commands()).contractsAsyncApi(context, options)))
}

const commands = () => import('../commands/offline/contracts.js')
const MODULE = [
  '--module <file>',
  "the contracts that a JavaScript module exports, in place of Jamey's; it is run",
] as const
const AS_JSON = ['--json', 'print JSON'] as const

const HELP = `
A module may export contracts, and lists or objects of them. To have Jamey's among
them it says: export { CONTRACTS } from '@jamey/contracts'

Examples:
  jamey contracts list
  jamey contracts show jamey/memory/store --action store
  jamey contracts asyncapi > asyncapi.json
  jamey contracts asyncapi --module ./contracts.js --title "The lab"`
