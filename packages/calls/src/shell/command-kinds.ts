import { PROGRAMS } from './programs/programs.js'
import type { ShellCommand } from './shell-script.js'
import type { Argument } from './words.js'

/** They put files into the folder that they run in, whatever they name. */
export const UNPACKS = /^(?:tar|bsdtar|unzip|7z|cpio|patch|split|csplit)$/

/** They say the name of a file or a pattern; what they look into is known from their table. */
export const NAMES_FILES_ALONE =
  /^(?:echo|printf|ls|ll|test|\[|basename|dirname|realpath|readlink|stat|which|type|touch|find|fd|grep|egrep|fgrep|rg|ag|sed|awk|gawk|jq|yq|git grep|git check-ignore|git ls-files|git rm|git status)\b/

const MAY_SHOW_VARIABLES: ReadonlySet<string> = new Set(
  'printenv set export declare typeset readonly jq yq gojq awk gawk mawk ps'.split(' '),
)

/** What shows all variables of the shell, among which are keys and tokens. */
export function showsVariables({ name, args }: ShellCommand): boolean {
  if (!MAY_SHOW_VARIABLES.has(name)) return false
  const texts = args.map(({ text }) => text)
  if (name === 'printenv' || name === 'set') return texts.length === 0
  if (/^(?:export|declare|typeset|readonly)$/.test(name))
    return texts.every((text) => /^-\w*p\w*$/.test(text))
  if (/^(?:jq|yq|gojq)$/.test(name))
    return texts.some((text) => /\$ENV\b|(?:^|[^.\w"'-])env\b(?!\()/.test(text))
  if (/^[gm]?awk$/.test(name)) return texts.some((text) => /\bin\s+ENVIRON\b/.test(text))
  return name === 'ps' && texts.some((text) => /^[a-z]*e[a-z]*$/.test(text))
}

const SQL_CLIENTS: ReadonlySet<string> = new Set(['psql', 'mysql', 'mariadb', 'sqlite3', 'duckdb'])

/** Undefined for what is no client; one that is given nothing reads what nobody sees. */
export function statementOf(name: string, args: readonly Argument[]): Argument | undefined {
  if (!SQL_CLIENTS.has(name)) return undefined
  // What begins with a dot is no SQL: `.once FILE`.
  const own = args.find(({ text }) => /^\s*\.[a-z]/.test(text))
  if (/^(?:sqlite3|duckdb)$/.test(name) && own !== undefined) return { ...own, isDynamic: true }
  const at = args.findIndex(({ text }) => /^(?:-c|--command|-e|--execute|-cmd)$/.test(text))
  const joined = args.find(({ text }) => /^--(?:command|execute)=/.test(text))
  if (joined !== undefined) return { ...joined, text: joined.text.slice(joined.text.indexOf('=') + 1) }
  const last = args
    .filter(({ text }) => !text.startsWith('-'))
    .slice(1)
    .at(-1)
  const given = at >= 0 ? args[at + 1] : /^(?:sqlite3|duckdb)$/.test(name) ? last : undefined
  return given ?? { text: 'a session that is given nothing', isDynamic: true }
}

/** The file that it opens, which is made where it is not there; undefined where it is asked to write nothing. */
export function databaseOf(name: string, args: readonly Argument[]): Argument | undefined {
  if (!/^(?:sqlite3|duckdb)$/.test(name)) return undefined
  if (args.some(({ text }) => /^--?readonly$/.test(text) || /^file:.*[?&](?:mode=ro|immutable=1)/.test(text)))
    return undefined
  const at = args.findIndex(
    ({ text }, i) =>
      !text.startsWith('-') &&
      !/^--?(?:cmd|init|separator|nullvalue|newline|vfs|maxsize|c|s|f)$/.test(args[i - 1]?.text ?? ''),
  )
  const file = args[at]
  return file === undefined || /^:memory:$|^$/.test(file.text) ? undefined : file
}

/** What it does is what it is given to run. */
export function isRunner(name: string): boolean {
  return RUNNERS.has(name) && PROGRAMS.get(name)?.effect === 'read'
}

const RUNNERS: ReadonlySet<string> = new Set(
  'nohup nice time timeout stdbuf setsid ionice watch xargs env command builtin exec parallel cross-env'.split(
    ' ',
  ),
)
