import { PROGRAMS } from './programs/programs.js'
import type { ShellCommand } from './shell-script.js'

/** They put files into the folder that they run in, whatever they name. */
export const UNPACKS = /^(?:tar|bsdtar|unzip|7z|cpio|patch|split|csplit)$/

/** They say the name of a file or a pattern; what they look into is known from their table. */
export const NAMES_FILES_ALONE =
  /^(?:echo|printf|ls|ll|test|\[|basename|dirname|realpath|readlink|stat|which|touch|find|fd|grep|egrep|fgrep|rg|ag|sed|awk|gawk|jq|yq|git grep|git check-ignore|git ls-files|git rm|git status)\b/

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

/** What it does is what it is given to run. */
export function isRunner(name: string): boolean {
  return RUNNERS.has(name) && PROGRAMS.get(name)?.effect === 'read'
}

const RUNNERS: ReadonlySet<string> = new Set(
  'nohup nice time timeout stdbuf setsid ionice watch xargs env command builtin exec parallel cross-env'.split(
    ' ',
  ),
)
