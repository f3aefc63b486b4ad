import { posix } from 'node:path'
import { optionValue } from './option-values.js'
import type { Argument } from './words.js'

/** Options that have a program work in another folder. */
interface Options {
  /** Their value is the folder. */
  readonly folder: string
  /** Their value is a file in it. */
  readonly file?: string
  /** The word after which the last operand is a folder. */
  readonly builds?: RegExp
  /** Only those before the first word that is no option. */
  readonly isFirst?: true
}

/** Git's own options whose value is another word. */
const VALUED = /^(?:-c|--namespace|--super-prefix|--attr-source|--config-env)$/
const NPM: Options = { folder: '--prefix -C --dir --cwd' }
const MAKE: Options = { folder: '-C --directory' }
const ROOT: Options = { folder: '--root --rootDir --cwd --dir' }

const OPTIONS: ReadonlyMap<string, Options> = new Map([
  ['git', { folder: '-C --work-tree', file: '--git-dir', isFirst: true }],
  ...each('make gmake ninja meson go', MAKE),
  ['cargo', { folder: '-C', file: '--manifest-path' }],
  ...each('npm pnpm yarn bun', NPM),
  ...each('terraform tofu', { folder: '-chdir' }),
  ['composer', { folder: '-d --working-dir' }],
  ...each('gradle gradlew', { folder: '-p --project-dir' }),
  ...each('docker podman nerdctl docker-compose', {
    folder: '--project-directory',
    file: '-f --file',
    builds: /^(?:build|buildx)$/,
  }),
  ...each('mvn mvnw', { folder: '', file: '-f --file' }),
  ['uv', { folder: '--directory --project' }],
  ['poetry', { folder: '-C --directory -P --project' }],
  ['just', { folder: '-d --working-directory', file: '-f --justfile' }],
  ['task', { folder: '-d --dir', file: '-t --taskfile' }],
  ...each('vitest jest vite eslint playwright mocha nx lerna turbo next rollup', ROOT),
] satisfies [string, Options][])

function each(names: string, options: Options): [string, Options][] {
  return names.split(' ').map((name) => [name, options])
}

/** The folders that its options lead through, one from the other, and the words without them; undefined for none. */
export function directoryOptions(
  name: string,
  args: readonly Argument[],
): { folders: readonly Argument[]; rest: readonly Argument[] } | undefined {
  const options = OPTIONS.get(name)
  if (options === undefined) return undefined
  const folders: Argument[] = []
  const rest: Argument[] = []
  let isOver = false
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] as Argument
    const found = isOver ? undefined : optionIn(argument, args[i + 1], options)
    if (found === undefined) {
      rest.push(argument)
      // What follows is no subcommand.
      if (options.isFirst === true && VALUED.test(argument.text) && args[i + 1] !== undefined)
        rest.push(args[++i] as Argument)
      else isOver ||= argument.text === '--' || (options.isFirst === true && !argument.text.startsWith('-'))
      continue
    }
    folders.push(found.folder)
    if (found.isNext) i++
  }
  const context = options.builds?.test(args[0]?.text ?? '') ? rest.at(-1) : undefined
  if (context !== undefined && /[./~$]/.test(context.text)) folders.push(context)
  return folders.length === 0 ? undefined : { folders, rest }
}

function optionIn(
  argument: Argument,
  next: Argument | undefined,
  { folder, file = '' }: Options,
): { folder: Argument; isNext: boolean } | undefined {
  const found = optionValue(argument, next, namesOf(folder))
  if (found !== undefined) return { folder: found.value, isNext: found.isNext }
  const inIt = optionValue(argument, next, namesOf(file))
  return inIt === undefined ? undefined : { folder: folderOf(inIt.value), isNext: inIt.isNext }
}

function namesOf(options: string): readonly string[] {
  return options === '' ? [] : options.split(' ')
}

/** A folder may be named in the place of a file in it: then it is itself, or the one above. */
function folderOf({ text, isDynamic }: Argument): Argument {
  return { text: /\.\w+$/.test(text) ? posix.dirname(text) : text, isDynamic }
}
