import { CommanderError } from 'commander'
import { addMcpCommands } from '../../../apps/jamey/src/program/mcp-commands.js'
import { buildProgram } from '../../../apps/jamey/src/program/program.js'
import type { CommandContext } from '../../../apps/jamey/src/terminal/command-context.js'

/** What is missing in an example that names a command alone, such as `jamey evaluate`. */
const INCOMPLETE =
  /^commander\.(missingArgument|missingMandatoryOptionValue|optionMissingArgument|excessArguments|help)/
/** A value of which an example says no more than what it is. */
const PLACEHOLDER = /'[A-Z]+' is invalid/

/** What the command line says of these words, without doing what they say; undefined: it takes them. */
export async function objectionTo(words: readonly string[], isWhole: boolean): Promise<string | undefined> {
  const terminal = {
    colors: { bold: (text: string) => text },
    columns: 80,
    write: () => {},
    print: () => {},
    errorStream: { write: () => {} },
    asStarted: (text: string) => text,
  }
  const run = async () => {}
  const program = buildProgram(run, { terminal, env: {} } as unknown as CommandContext)
  const mcp = program.commands.find((command) => command.name() === 'mcp')
  if (mcp !== undefined) addMcpCommands(mcp, run)
  try {
    await program.parseAsync([...words], { from: 'user' })
    return undefined
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return undefined
    if (!isWhole && (INCOMPLETE.test(error.code) || PLACEHOLDER.test(error.message))) return undefined
    return `jamey ${words.join(' ')}: ${error.message}`
  }
}
