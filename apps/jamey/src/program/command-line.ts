import { type Command, CommanderError } from 'commander'
import { EXIT, type ExitCode } from '../support/exit-codes.js'
import { CommandFailure, reportOf } from '../support/failure.js'
import type { CommandContext, Run } from '../terminal/command-context.js'
import { createTerminal, READER_LEFT, type Terminal } from '../terminal/terminal.js'
import { environmentOf } from './environment.js'
import { watchSignals } from './interruption.js'
import { buildProgram } from './program.js'
import { usageFailure } from './usage-failure.js'

/** The part of `process` that the command line needs. */
export type HostProcess = Pick<
  NodeJS.Process,
  'argv' | 'env' | 'cwd' | 'on' | 'removeListener' | 'exit' | 'stdin' | 'stdout' | 'stderr'
>

/** Runs one command line and resolves with the code to leave with; every failure was told by then. */
export async function main(host: HostProcess): Promise<ExitCode> {
  const terminal = createTerminal(host)
  const isJson = host.argv.includes('--json')
  quietWhenReaderLeaves(host, terminal)
  const stopWatching = failWhenNothingIsLeft(host, terminal, isJson)
  const interruption = watchSignals(() => host.exit(EXIT.interrupted), host as NodeJS.Process)
  try {
    const context: CommandContext = {
      terminal,
      ...(await environmentOf(host.env, host.cwd())),
      cwd: host.cwd(),
      interrupted: interruption.signal,
      now: () => new Date(),
    }
    return outcomeOf(await runCommandLine(host.argv.slice(2), context, isJson), terminal)
  } catch (error) {
    const report = reportOf(error)
    // A person who pressed Ctrl-C knows why the command ends.
    if (report.exitCode === EXIT.interrupted && !isJson) terminal.note('stopped')
    else terminal.fail(report, isJson)
    if (host.env['JAMEY_DEBUG'] === '1' && error instanceof Error) terminal.note(error.stack ?? '')
    return report.exitCode
  } finally {
    interruption.dispose()
    stopWatching()
  }
}

async function runCommandLine(
  argv: readonly string[],
  context: CommandContext,
  isJson: boolean,
): Promise<ExitCode> {
  let code: ExitCode = EXIT.success
  const run: Run = async (outcome) => {
    code = await outcome(context)
  }
  const program = buildProgram(run, context)
  if (argv.includes('mcp')) {
    const mcp = program.commands.find((command) => command.name() === 'mcp')
    if (mcp !== undefined) (await import('./mcp-commands.js')).addMcpCommands(mcp, run)
  }
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return usageOutcome(error, program, context.terminal, isJson)
  }
}

/** Help and version are no failures; anything else that commander throws is a fault in what was typed. */
function usageOutcome(
  error: CommanderError,
  program: Command,
  terminal: Terminal,
  isJson: boolean,
): ExitCode {
  if (error.exitCode === 0) return EXIT.success
  // Commander printed the help because no command was given.
  if (error.code === 'commander.help') return EXIT.usage
  terminal.fail(usageFailure(error, program), isJson)
  return EXIT.usage
}

/**
 * A command that waits for what nothing is left to bring about would end with a code of Node's own, 13, and without a
 * word.
 */
function failWhenNothingIsLeft(host: HostProcess, terminal: Terminal, isJson: boolean): () => void {
  const fail = (): void => {
    const message = 'the command ended before it was done, which is a fault of its own'
    terminal.fail({ code: 'internal', exitCode: EXIT.other, message }, isJson)
    host.exit(EXIT.other)
  }
  host.on('beforeExit', fail)
  return () => void host.removeListener('beforeExit', fail)
}

/** `jamey sub ... | head -1` ends the reader first, which is no failure of ours. What serves others goes on. */
function quietWhenReaderLeaves(
  { stdout, exit }: Pick<HostProcess, 'stdout' | 'exit'>,
  terminal: Terminal,
): void {
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === READER_LEFT && terminal.isForReader) exit(EXIT.success)
  })
}

/** The exit code; a reader of output that is not whole has to learn it. */
function outcomeOf(code: ExitCode, { output, isForReader }: Terminal): ExitCode {
  if (code !== EXIT.success || output.dropped === 0 || !isForReader) return code
  if (output.code === READER_LEFT) return code
  throw new CommandFailure(
    `${output.dropped} lines of standard output could not be written (${output.code})`,
    {
      code: 'output-lost',
    },
  )
}
