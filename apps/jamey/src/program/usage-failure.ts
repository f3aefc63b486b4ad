import { Command, type CommanderError } from 'commander'
import { EXIT } from '../support/exit-codes.js'
import type { FailureReport } from '../support/failure.js'
import { shellWord } from '../support/shell-word.js'

const EVERYTHING = '--help shows what is possible'

/** The words about a command line that is not valid, with the way out that fits the fault. */
export function usageFailure(error: CommanderError, program: Command): FailureReport {
  const [message = '', ...rest] = error.message.split('\n')
  const meant = suggestionIn(rest.join('\n'))
  const hint =
    meant !== undefined
      ? `did you mean ${meant}? ${EVERYTHING}`
      : error.code === 'commander.excessArguments'
        ? hintForWords(message, program)
        : EVERYTHING
  const left = meant === undefined ? error.message : message
  return { code: 'usage', exitCode: EXIT.usage, message: left, hint }
}

/** The one of `names` that is most like `typed`, as the library that reads the command line judges it. */
export function suggestionFor(typed: string, names: readonly string[]): string | undefined {
  const probe = new Command().exitOverride().configureOutput({ outputError: () => {} })
  for (const name of names) probe.command(name)
  try {
    probe.parse([typed], { from: 'user' })
  } catch (error) {
    return suggestionIn((error as Error).message)
  }
  return undefined
}

function suggestionIn(text: string): string | undefined {
  return /\(Did you mean (?:one of )?(.*)\?\)/.exec(text)?.[1]
}

/** The hint for more words than arguments: a mistyped subcommand, or a text whose quotes were forgotten. */
function hintForWords(message: string, program: Command): string {
  const name = /for '([^']+)'/.exec(message)?.[1]
  const command = program.commands.find((candidate) => candidate.name() === name)
  if (command === undefined) return EVERYTHING
  const [first = ''] = command.args
  const subcommands = command.commands.map((one) => one.name())
  if (subcommands.length > 0) {
    const meant = suggestionFor(first, subcommands)
    if (meant !== undefined) return `did you mean \`jamey ${name} ${meant}\`?`
    return `\`jamey ${name}\` goes on with ${subcommands.join(' or ')}, or with options`
  }
  const expected = command.registeredArguments.length
  if (expected === 0) return EVERYTHING
  const words = command.args.filter((word) => !word.startsWith('-'))
  const whole = [...words.slice(0, expected - 1), words.slice(expected - 1).join(' ')]
  return `a text of several words stands in quotes: \`jamey ${name} ${whole.map(shellWord).join(' ')}\``
}
