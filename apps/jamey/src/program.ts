import { Command } from 'commander'
import { addClientCommands } from './client-commands.js'
import type { CommandContext, Outcome } from './command-context.js'
import { EXIT, formatExitCodes } from './exit-codes.js'
import { addKeeperCommands } from './keeper-commands.js'
import { addOutboxCommands } from './outbox-commands.js'
import { addServerCommands } from './server-commands.js'
import { VERSION } from './version.js'

/** Runs one command; set by `buildProgram` on every action. */
export type Run = (outcome: (context: CommandContext) => Outcome) => Promise<void>

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
  program.commandsGroup('Look after it:')
  addKeeperCommands(program, run)
  addOutboxCommands(program, run)
  program
    .command('help')
    .argument('[topic]', 'a command, or exit-codes')
    .description('print the help of a command, or the exit codes')
    .action((topic?: string) => run(async () => help(program, topic, (text) => terminal.print(text))))
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

async function help(program: Command, topic: string | undefined, print: (text: string) => void): Outcome {
  if (topic === 'exit-codes') {
    print(formatExitCodes())
    return EXIT.success
  }
  if (topic === undefined) {
    program.outputHelp()
    return EXIT.success
  }
  const command = program.commands.find((candidate) => candidate.name() === topic)
  if (command === undefined)
    program.error(`error: unknown command or topic '${topic}'`, { exitCode: EXIT.usage })
  else command.outputHelp()
  return EXIT.success
}
