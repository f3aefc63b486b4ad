import { posix } from 'node:path'
import { optionValue } from './option-values.js'
import { wordsIn } from './programs/program.js'
import type { Argument } from './words.js'

/** Options that have a program work in another folder. */
interface Options {
  /** Their value is the folder. */
  readonly folder: readonly string[]
  /** Their value is a file in it. */
  readonly file: readonly string[]
  /** The word after which the last operand is a folder. */
  readonly builds?: RegExp
  /** Only those before the first word that is no option. */
  readonly isFirst?: true
}

/** Git's own options whose value is another word. */
const VALUED = /^(?:-c|--namespace|--super-prefix|--attr-source|--config-env)$/
const NPM = options('--prefix -C --dir --cwd')
const MAKE = options('-C --directory')
const ROOT = options('--root --rootDir --cwd --dir')

const OPTIONS: ReadonlyMap<string, Options> = new Map([
  ['git', { ...options('-C --work-tree', '--git-dir'), isFirst: true }],
  ...each('make gmake ninja meson go', MAKE),
  ['cargo', options('-C', '--manifest-path')],
  ...each('npm pnpm yarn bun', NPM),
  ...each('terraform tofu', options('-chdir')),
  ['composer', options('-d --working-dir')],
  ...each('gradle gradlew', options('-p --project-dir')),
  ...each('docker podman nerdctl docker-compose', {
    ...options('--project-directory', '-f --file'),
    builds: /^(?:build|buildx)$/,
  }),
  ...each('mvn mvnw', options('', '-f --file')),
  ['uv', options('--directory --project')],
  ['pdm', options('-p --project')],
  ['rye', options('', '--pyproject')],
  ['pixi', options('', '--manifest-path')],
  ['deno', options('--cwd')],
  ['poetry', options('-C --directory -P --project')],
  ['just', options('-d --working-directory', '-f --justfile')],
  ['task', options('-d --dir', '-t --taskfile')],
  ...each('vitest jest vite eslint playwright mocha nx lerna turbo next rollup', ROOT),
] satisfies [string, Options][])

function options(folder: string, file = ''): Options {
  return { folder: wordsIn(folder), file: wordsIn(file) }
}

function each(names: string, given: Options): [string, Options][] {
  return names.split(' ').map((name) => [name, given])
}

/** The folders that its options lead through, one from the other, and the words without them; undefined for none. */
export function directoryOptions(
  name: string,
  args: readonly Argument[],
): { folders: readonly Argument[]; rest: readonly Argument[] } | undefined {
  const known = OPTIONS.get(name)
  if (known === undefined) return undefined
  const folders: Argument[] = []
  const rest: Argument[] = []
  let isOver = false
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] as Argument
    const found = isOver ? undefined : optionIn(argument, args[i + 1], known)
    if (found === undefined) {
      rest.push(argument)
      // What follows is no subcommand.
      if (known.isFirst === true && VALUED.test(argument.text) && args[i + 1] !== undefined)
        rest.push(args[++i] as Argument)
      else isOver ||= argument.text === '--' || (known.isFirst === true && !argument.text.startsWith('-'))
      continue
    }
    folders.push(found.folder)
    if (found.isNext) i++
  }
  const context = known.builds?.test(args[0]?.text ?? '') ? rest.at(-1) : undefined
  if (context !== undefined && /[./~$]/.test(context.text)) folders.push(context)
  return folders.length === 0 ? undefined : { folders, rest }
}

function optionIn(
  argument: Argument,
  next: Argument | undefined,
  { folder, file }: Options,
): { folder: Argument; isNext: boolean } | undefined {
  const found = optionValue(argument, next, folder)
  if (found !== undefined) return { folder: found.value, isNext: found.isNext }
  const inIt = optionValue(argument, next, file)
  return inIt === undefined ? undefined : { folder: folderOf(inIt.value), isNext: inIt.isNext }
}

/** A folder may be named in the place of a file in it: then it is itself, or the one above. */
function folderOf({ text, isDynamic }: Argument): Argument {
  return { text: /\.\w+$/.test(text) ? posix.dirname(text) : text, isDynamic }
}
