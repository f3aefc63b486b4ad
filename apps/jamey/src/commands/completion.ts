import { EXIT } from '../support/exit-codes.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'

export type Shell = 'bash' | 'zsh' | 'fish'

/** A word that can come next. */
export interface CompletedWord {
  readonly word: string
  readonly description: string
  /** The values that must follow an option; empty where any may, undefined where none does. */
  readonly values?: readonly string[] | undefined
}

/** A command with the words that may follow it; the path of the program itself is empty. */
export interface CompletedCommand {
  readonly path: readonly string[]
  readonly commands: readonly CompletedWord[]
  readonly options: readonly CompletedWord[]
}

/** Prints what a shell is to read, so that it completes the words of the command line. */
export async function completion(
  { terminal }: CommandContext,
  shell: Shell,
  commands: readonly CompletedCommand[],
): Outcome {
  const write = { bash: bashScript, zsh: zshScript, fish: fishScript }[shell]
  terminal.write(`${write(commands).join('\n')}\n`)
  return EXIT.success
}

/** As a shell's walk over the words writes it: `/memory/export`. */
const pathOf = ({ path }: CompletedCommand): string => path.map((name) => `/${name}`).join('')
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
const wordsOf = ({ commands, options }: CompletedCommand): readonly CompletedWord[] => [
  ...commands,
  ...options,
]

/** The paths of all commands but the program, by which a shell knows where it is. */
function paths(commands: readonly CompletedCommand[]): string {
  return commands
    .filter(({ path }) => path.length > 0)
    .map((command) => quoted(pathOf(command)))
    .join('|')
}

/** One case for each option that takes a value: its values, or files. */
function valueCases(commands: readonly CompletedCommand[], write: (values: string) => string): string[] {
  return commands.flatMap((command) =>
    command.options.flatMap(({ word, values }) =>
      values === undefined
        ? []
        : [`    ${quoted(`${pathOf(command)} ${word}`)}) ${write(values.join(' '))} ;;`],
    ),
  )
}

function bashScript(commands: readonly CompletedCommand[]): string[] {
  return [
    '# jamey completion bash > ~/.local/share/bash-completion/completions/jamey',
    '_jamey() {',
    `  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} path= word`,
    `  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do`,
    `    case $path/$word in ${paths(commands)}) path=$path/$word ;; esac`,
    '  done',
    '  case "$path $before" in',
    ...valueCases(commands, (values) =>
      values === ''
        ? 'COMPREPLY=($(compgen -f -- "$current")); return'
        : `COMPREPLY=($(compgen -W ${quoted(values)} -- "$current")); return`,
    ),
    '  esac',
    '  case $path in',
    ...commands.map((command) => {
      const words = wordsOf(command).map(({ word }) => word)
      return `    ${quoted(pathOf(command))}) COMPREPLY=($(compgen -W ${quoted(words.join(' '))} -- "$current")) ;;`
    }),
    '  esac',
    '}',
    'complete -o default -F _jamey jamey',
  ]
}

function zshScript(commands: readonly CompletedCommand[]): string[] {
  const described = ({ word, description }: CompletedWord): string =>
    quoted(`${word.replaceAll(':', '\\:')}:${description}`)
  return [
    '#compdef jamey',
    '# jamey completion zsh > ~/.zfunc/_jamey, with ~/.zfunc in fpath',
    '_jamey() {',
    '  local path_= word',
    '  local -a found',
    `  for word in "\${(@)words[2,CURRENT-1]}"; do`,
    `    case $path_/$word in ${paths(commands)}) path_=$path_/$word ;; esac`,
    '  done',
    `  case "$path_ \${words[CURRENT-1]}" in`,
    ...valueCases(commands, (values) => (values === '' ? '_files; return' : `compadd -- ${values}; return`)),
    '  esac',
    '  case $path_ in',
    ...commands.map(
      (command) => `    ${quoted(pathOf(command))}) found=(${wordsOf(command).map(described).join(' ')}) ;;`,
    ),
    '  esac',
    "  _describe 'jamey' found || _files",
    '}',
    '_jamey "$@"',
  ]
}

function fishScript(commands: readonly CompletedCommand[]): string[] {
  return [
    '# jamey completion fish > ~/.config/fish/completions/jamey.fish',
    'function __jamey_path',
    '  set -l path ""',
    '  for word in (commandline -opc)[2..]',
    `    contains -- $path/$word ${paths(commands).replaceAll('|', ' ')}; and set path $path/$word`,
    '  end',
    '  echo $path',
    'end',
    ...commands.flatMap((command) => {
      const here = `complete -c jamey -n ${quoted(`test (__jamey_path) = "${pathOf(command)}"`)}`
      return [
        ...command.commands.map(
          ({ word, description }) => `${here} -f -a ${quoted(word)} -d ${quoted(description)}`,
        ),
        ...command.options.map(({ word, description, values }) => {
          const takes =
            values === undefined ? '' : values.length === 0 ? ' -r' : ` -x -a ${quoted(values.join(' '))}`
          return `${here} -l ${quoted(word.slice(2))}${takes} -d ${quoted(description)}`
        }),
      ]
    }),
  ]
}
