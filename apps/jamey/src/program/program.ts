import { Command } from 'commander'
import { EXIT, formatExitCodes } from '../support/exit-codes.js'
import { VERSION } from '../support/version.js'
import type { CommandContext, Outcome, Run } from '../terminal/command-context.js'
import { addApprovalCommands } from './approval-commands.js'
import { addBackupCommands } from './backup/backup-commands.js'
import { addClientCommands } from './client-commands.js'
import { addCompletionCommand } from './completion-command.js'
import { addContractCommands } from './contract-commands.js'
import { addDenyCommands } from './deny-commands.js'
import { addKeeperCommands } from './maintenance-commands.js'
import { addMemoryCommands } from './memory/memory-commands.js'
import { addOutboxCommands } from './outbox-commands.js'
import { addPermissionCommands } from './permission-commands.js'
import { addPolicyCommands } from './policy-commands.js'
import { addSecretCommands } from './secret-commands.js'
import { addServerCommands } from './server-commands.js'
import { suggestionFor } from './usage-failure.js'
import { addVerdictCommands } from './verdict-commands.js'
import { addWatchingCommands } from './watching/watching-commands.js'

/**
 * The whole command line. `run` is handed what the chosen command does; nothing of it happens before, and the
 * packages a command needs are loaded only then.
 */
export function buildProgram(run: Run, context: CommandContext): Command {
  const { terminal } = context
  const program = new Command('jamey')
    .description('A secure MQTT nervous system for AI agents: runs it and talks to it.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .configureHelp({ styleTitle: (title) => terminal.colors.bold(title), helpWidth: terminal.columns })
    .configureOutput({
      writeOut: (text) => terminal.write(text),
      writeErr: (text) => void terminal.errorStream.write(text),
      // Errors are told once, by the caller, in the form that was asked for.
      outputError: () => {},
    })
    .exitOverride()
    .addHelpText('after', terminal.asStarted(EXAMPLES))
  program.commandsGroup('Run the system:')
  addServerCommands(program, run)
  program.commandsGroup('Talk to it:')
  addClientCommands(program, run)
  addApprovalCommands(program, run)
  program.commandsGroup('Look after it:')
  addWatchingCommands(program, run)
  addKeeperCommands(program, run)
  addBackupCommands(program, run)
  addDenyCommands(program, run)
  addPermissionCommands(program, run)
  addPolicyCommands(program, run)
  addContractCommands(program, run)
  program
    .command('mcp')
    .description('Model Context Protocol: serve tools, and have the calls of others judged')
  addVerdictCommands(program, run)
  addSecretCommands(program, run)
  addOutboxCommands(program, run)
  addMemoryCommands(program, run)
  addCompletionCommand(program, run)
  program
    .command('help')
    .argument('[topic...]', 'a command, one of its commands, or exit-codes')
    .description('print the help of a command, or the exit codes')
    .action((topics: readonly string[]) =>
      run(async () => help(program, topics, (text) => terminal.print(text))),
    )
  return program
}

const EXAMPLES = `
Examples:
  jamey up
  jamey evaluate "delete the customer's records" --context '{"consent": false}'
  jamey remember --layer episodic --tag travel "We met in Lisbon in May"
  jamey recall lisbon
  jamey sub 'jamey/conscience/results'

The commands that talk to a broker take it from MQTT_BROKER_URL and the other
MQTT_* variables, also from .env; without them from .jamey in this folder or the
nearest one above. Exit codes: 0 success, 1 other, 2 usage, 3 refused, 4 timeout,
5 unavailable, 130 interrupted; \`jamey help exit-codes\` explains them.`

async function help(program: Command, topics: readonly string[], print: (text: string) => void): Outcome {
  if (topics.length === 1 && topics[0] === 'exit-codes') {
    print(formatExitCodes())
    return EXIT.success
  }
  let command = program
  for (const topic of topics) {
    const found = command.commands.find((candidate) => candidate.name() === topic)
    if (found === undefined) return unknownTopic(program, command, topic)
    command = found
  }
  command.outputHelp()
  return EXIT.success
}

function unknownTopic(program: Command, command: Command, topic: string): never {
  const names = command.commands.map((candidate) => candidate.name())
  const meant = suggestionFor(topic, command === program ? [...names, 'exit-codes'] : names)
  const suggestion = meant === undefined ? '' : `\n(Did you mean ${meant}?)`
  const what = command === program ? 'command or topic' : `command of ${command.name()}`
  program.error(`error: unknown ${what} '${topic}'${suggestion}`, { exitCode: EXIT.usage })
}
