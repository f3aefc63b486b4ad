import { PROGRAMS } from './programs/programs.js'
import type { ShellCommand } from './shell-script.js'

/** They put files into the folder that they run in, whatever they name. */
export const UNPACKS = /^(?:tar|bsdtar|unzip|7z|cpio|patch|split|csplit)$/

/** They say the name of a file or a pattern; what they look into is known from their table. */
export const NAMES_FILES_ALONE =
  /^(?:echo|printf|ls|ll|test|\[|basename|dirname|realpath|readlink|stat|which|touch|find|fd|grep|egrep|fgrep|rg|ag|sed|awk|gawk|jq|yq|git grep|git check-ignore|git ls-files|git rm|git status)\b/

/** They look into all files below a folder, unless they are to name them alone. */
const SEARCHES_BELOW: ReadonlySet<string> = new Set(['rg', 'ag', 'ack', 'ugrep'])
const NAMES_ALONE = /^--(?:files|type-list|help-types)$/
/** Those that do so with an option. */
const MAY_GO_BELOW: ReadonlySet<string> = new Set(
  'grep egrep fgrep zgrep cp install rsync scp diff'.split(' '),
)
const GOES_BELOW = /^(?:-[a-zA-Z]*[rRa]|--(?:recursive|archive|dereference-recursive|directories=recurse))/
/** They only say which files there are. */
const LISTS =
  /^(?:ls|ll|stat|test|\[|\[\[|echo|printf|du|df|find|fd|tree|basename|dirname|realpath|readlink|file|touch|mkdir|cd|pushd)$/

/** Whether it reads what stands in all files below a folder that it is told. */
export function readsBelow({ name, args }: ShellCommand): boolean {
  if (SEARCHES_BELOW.has(name)) return !args.some(({ text }) => NAMES_ALONE.test(text))
  if (name === 'git') return args.some(({ text }) => text === '--no-index')
  return MAY_GO_BELOW.has(name) && args.some(({ text }) => GOES_BELOW.test(text))
}

/** Whether it reads what stands in the files that a pattern selects. */
export function readsSelected({ name }: ShellCommand): boolean {
  return !LISTS.test(name)
}

const MAY_SHOW_VARIABLES: ReadonlySet<string> = new Set(
  'printenv set export declare typeset readonly jq yq gojq gh awk gawk mawk ps'.split(' '),
)

/** Variables that hold a key, a token or a password, by their names. */
const NAMES_SECRET = /SECRET|TOKEN|PASSW(?:OR)?D|PASSPHRASE|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIAL/i
/** `${TOKEN:+set}` tells less than what it holds. */
const EXPANDED = /\$\{?(\w+)(:?\+)?/g
const GREP = /^(?:[ef]?grep|rg|ag|ack)$/
/** A part of a name. */
const PLAIN_PATTERN = /^\^?[A-Za-z_]{2,}=?$/

/** What shows all variables of the shell, among which are keys and tokens, or one of those. */
export function showsVariables({ name, args, input }: ShellCommand): boolean {
  const texts = args.map(({ text }) => text)
  if (name === 'echo' || name === 'printf')
    return args.some(({ text, isDynamic }) => isDynamic && expandsSecret(text))
  if (input === 'env') return !selectsVariables(name, texts)
  if (!MAY_SHOW_VARIABLES.has(name)) return false
  if (name === 'printenv') return texts.length === 0 || texts.some((text) => NAMES_SECRET.test(text))
  if (name === 'set') return texts.length === 0
  if (/^(?:export|declare|typeset|readonly)$/.test(name))
    return texts.every((text) => /^-\w*p\w*$/.test(text))
  // Of `gh` those words are options' values.
  if (/^(?:jq|yq|gojq|gh)$/.test(name))
    return texts.some((text) => /\$ENV\b|(?:^|[^.\w"'-])env\b(?!\()/.test(text))
  if (/^[gm]?awk$/.test(name)) return texts.some((text) => /\bin\s+ENVIRON\b/.test(text))
  return name === 'ps' && texts.some((text) => /^[a-z]*e[a-z]*$/.test(text))
}

function expandsSecret(text: string): boolean {
  for (const [, name = '', sign] of text.matchAll(EXPANDED))
    if (sign === undefined && NAMES_SECRET.test(name)) return true
  return false
}

/** Whether it lets no more of all variables through than some that hold no secret by their names. */
function selectsVariables(name: string, texts: readonly string[]): boolean {
  const patterns = texts.filter((text) => !text.startsWith('-'))
  if (!GREP.test(name) || texts.some((text) => /^-\w*[vef]|^--(?:inv|reg|file)/.test(text))) return false
  return patterns.every(
    (text) => PLAIN_PATTERN.test(text) && !NAMES_SECRET.test(text) && !/key|pass|auth/i.test(text),
  )
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
