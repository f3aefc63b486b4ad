import { namesBelow } from '../passed-on.js'
import { readScript } from '../script.js'
import type { ShellCommand } from '../shell-script.js'
import type { Argument } from '../words.js'
import { anyBelow, type Listed, showsFiles } from './found-files.js'

const SUBSTITUTION = /^\$\(([\s\S]*)\)$|^`([^`]*)`$/
const PIPE = /^<\([\s\S]*\)$/
const LONGEST_LIST = 1_000
/** They read the files that they are named, whatever these are called: no option of theirs runs or writes anything. */
const READERS =
  /^(?:wc|cat|head|tail|tac|nl|ls|stat|file|du|cut|rev|od|hexdump|strings|diff|cmp|[ef]?grep|(?:md5|b2|sha\d+)sum|cksum|realpath|tokei)$/
/** They look at the files that they are named, as far as they are not told to change them. */
const CHECKERS =
  /^(?:prettier|eslint|oxlint|biome|stylelint|markdownlint|flake8|mypy|pyright|pylint|shellcheck|yamllint|hadolint|codespell|typos|clang-format|gofmt|shfmt|rubocop|tsc)$/
const FORMATTERS = /^(?:black|isort|ruff)$/
const CHANGES =
  /^(?:--write\S*|--fix\S*|-[lds]*w|-i|--in-?place\S*|--auto-?correct\S*|-[aA]|--apply\S*|format|-o\S*|--out\S*)$/
const CHECKS = /^(?:--check(?:-only)?|--diff|check)$/
const BELOW: Argument = { text: './{}', isDynamic: false }

/**
 * The files of a program that only looks at them, with what stands for names that another command puts out, each of them
 * below its folder: `wc -l $(git ls-files)`.
 */
export function withListed(
  { name, args }: ShellCommand,
  given: readonly Argument[],
  isReading: boolean,
): readonly Argument[] {
  const files = isReading ? withPipes(given) : given
  if (!files.some(({ isDynamic }) => isDynamic) || !looks(name, args)) return files
  const isShown = showsFiles([{ text: name, isDynamic: false }, ...args])
  return files.flatMap((file) => (file.isDynamic ? (listedBy(file.text, isShown) ?? file) : file))
}

/** What a command behind `<` puts out is no file; what that does is judged by itself. */
function withPipes(files: readonly Argument[]): readonly Argument[] {
  if (!files.some(({ text }) => PIPE.test(text))) return files
  return files.map((file) => (PIPE.test(file.text) ? { text: '/dev/fd/63', isDynamic: false } : file))
}

function looks(name: string, args: readonly Argument[]): boolean {
  if (READERS.test(name)) return true
  const texts = args.map(({ text }) => text)
  if (texts.some((text) => CHANGES.test(text))) return false
  return CHECKERS.test(name) || (FORMATTERS.test(name) && texts.some((text) => CHECKS.test(text)))
}

/** What Git is told to name: `git ls-files .env`; a star is any name to it, also of a hidden file. */
function selectedBy({ name, args }: ShellCommand): readonly Argument[] {
  if (name !== 'git' || args[0]?.text === 'grep') return []
  return args
    .slice(1)
    .filter(({ text }) => !text.startsWith('-'))
    .map(({ text, isDynamic }) => ({ text: text.replaceAll('*', ''), isDynamic }))
    .filter(({ text }) => text !== '')
}

/** Files that a substitution puts out, where these are names of what lies below the folder, and nothing else. */
function listedBy(text: string, isShown: boolean): readonly Argument[] | undefined {
  const found = text.length > LONGEST_LIST ? null : SUBSTITUTION.exec(text)
  const source = found?.[1] ?? found?.[2]
  if (source === undefined) return undefined
  const { commands, redirects, unread, entered, code } = readScript(source)
  if (unread.length + entered.length + code.length > 0 || commands.length === 0) return undefined
  if (redirects.some(({ target, isWrite }) => !isWrite || target.text !== '/dev/null')) return undefined
  let listed: Listed = false
  for (const command of commands) {
    listed = namesBelow(command, listed)
    if (listed === false) return undefined
  }
  const hidden = isShown && listed === 'any' ? [anyBelow('.')] : []
  return [BELOW, ...hidden, ...commands.flatMap(selectedBy)]
}
