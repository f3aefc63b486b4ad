import { Argument, type Command, type Option } from 'commander'
import type { CompletedCommand, CompletedWord, Shell } from '../commands/completion.js'
import type { Run } from '../terminal/command-context.js'

const SHELLS: readonly Shell[] = ['bash', 'zsh', 'fish']

const HELP = `
Example:
  jamey completion bash > ~/.local/share/bash-completion/completions/jamey`

/** `completion`: what a shell needs to complete the words of all other commands. */
export function addCompletionCommand(program: Command, run: Run): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell that is to read it').choices(SHELLS))
    .description('print what a shell needs to complete commands and options')
    .addHelpText('after', HELP)
    .action((shell: Shell) =>
      run(async (context) =>
        (await import('../commands/completion.js')).completion(context, shell, completed(program, [])),
      ),
    )
}

function completed(command: Command, path: readonly string[]): CompletedCommand[] {
  const below = command.commands.map((each) => completed(each, [...path, each.name()]))
  const commands = command.commands.map((each) => ({ word: each.name(), description: each.description() }))
  return [{ path, commands, options: optionsOf(command) }, ...below.flat()]
}

function optionsOf(command: Command): CompletedWord[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap((option: Option) => {
      const { long, description, argChoices, required, optional } = option
      const values = required || optional ? (argChoices ?? []) : undefined
      return long ? [{ word: long, description: description.replaceAll('\n', ' '), values }] : []
    })
}
