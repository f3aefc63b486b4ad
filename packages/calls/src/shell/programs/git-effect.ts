import type { Effect } from '../../model/call.js'
import type { Argument } from '../words.js'
import { isHarmlessSetting, isRunByGit } from './git-settings.js'
import { onlyLooks } from './handed-patch.js'
import type { CommandEffects } from './program.js'

/** Options of `git config` that say where it reads, and how it shows what it has read. */
const READS_SETTING =
  /^--(?:global|local|system|worktree|get|get-all|includes|no-includes|null|name-only|show-origin|show-scope|show-names|bool|int|bool-or-int|path|expiry-date|type=[\w-]+|all)$|^-z$/
/** Options, and words, that have it show more than one setting; of a list the names alone tell no secret. */
const SHOWS_SETTINGS = /^(?:-[a-z]*l[a-z]*|--li\w*|--get-r\S*|--get-u\S*|--reg\w*|list)$/
const SHOWS_NAMES = '--name-only'
/** A pattern of these settings alone selects none that somebody enters with: `^branch\.`, `user.*`. */
const SELECTS_PLAIN =
  /^\^?(?:user|author|branch|core|color|alias|init|pull|push|submodule|diff|merge)\\?\.[^|]*$/
/** What somebody enters with may stand there. */
const HOLDS_SECRET = /extraheader|token|passw|secret|oauth/i
const CREATES = /^(?:-b|--orphan)$/
/** A branch of a version has the form of a file: `v1.x`. */
const FILE = /[^/]\.[a-z]\w{0,4}$/i
const VERSION = /(?:^|[/-])v?\d+(?:\.\d+)*\.x$/i

/** What the tables of Git do not tell: settings that run something, what is only read, and what is thrown away. */
export function gitEffect(
  args: readonly Argument[],
  { words, operands, effects }: CommandEffects,
): Effect | undefined {
  if (args.some(({ text }) => /^ext::/i.test(text)) || isRunByGit(args, words[1])) return 'execute'
  const texts = args.map(({ text }) => text)
  switch (words[1]) {
    case 'config':
      return settingEffect(args, operands)
    case 'var':
      return texts.includes('-l') ? 'admin' : undefined
    case 'symbolic-ref':
      return operands.length === 1 && !texts.some((text) => /^(?:-d|--delete|-m)/.test(text))
        ? 'read'
        : undefined
    case 'clean':
      return effects[0] === 'delete' && isDryRun(texts.slice(texts.indexOf('clean') + 1)) ? 'read' : undefined
    case 'rm':
      // The files stay, and the index can be had again.
      return effects[0] === 'delete' && texts.includes('--cached') && !areBehind(texts, '--cached')
        ? 'write'
        : undefined
    case 'apply':
      return onlyLooks(args) ? 'read' : undefined
    case 'checkout':
      return checksOutFile(texts, operands.length) ? 'delete' : undefined
    default:
      return undefined
  }
}

/**
 * `git config NAME`, `git config get NAME` and `git config list` read; a setting of this repository that has Git run nothing
 * is work in it, as it is for a single command (`git -c`).
 */
function settingEffect(args: readonly Argument[], operands: readonly Argument[]): Effect | undefined {
  const at = args.findIndex(({ text }) => text === 'config')
  const options = args.slice(at + 1).filter((word) => !operands.includes(word))
  if (showsSettings(args.slice(at + 1), operands)) return 'admin'
  const [first, second, ...others] = operands
  if (first === undefined || first.isDynamic || others.length > 1) return undefined
  const isSet = first.text === 'set'
  const name = isSet ? second?.text : first.text
  if (
    (isSet ? others.length === 1 : second !== undefined && others.length === 0) &&
    isHarmlessSetting(name ?? '')
  )
    return options.every(({ text }) => text === '--local') ? 'write' : undefined
  if (others.length > 0 || second?.isDynamic === true) return undefined
  if (operands.some(({ text }) => HOLDS_SECRET.test(text))) return 'admin'
  if (!options.every(({ text }) => READS_SETTING.test(text))) return undefined
  const reads = second === undefined ? /^list$|^[\w-]+\..*[\w-]$/s : /^get$/
  return reads.test(first.text) ? 'read' : undefined
}

/** Whether more settings than one are shown: an address, or a header, may hold what somebody enters with. */
function showsSettings(args: readonly Argument[], operands: readonly Argument[]): boolean {
  const first = operands[0]?.text
  const shown = args.filter(({ text }) => SHOWS_SETTINGS.test(text) && (text !== 'list' || text === first))
  if (shown.length === 0 || args.some(({ text }) => text === SHOWS_NAMES)) return false
  return !operands.some(({ text, isDynamic }) => !isDynamic && SELECTS_PLAIN.test(text))
}

/** `-n`, also together with others; a pattern of what is left out is no option. */
function isDryRun(options: readonly string[]): boolean {
  return options.some(
    (text, i) =>
      (text === '--dry-run' || /^-[dfiqxX]*n[dfiqxX]*$/.test(text)) &&
      !/^(?:-[dfinqxX]*e|--exc\w*)$/.test(options[i - 1] ?? '') &&
      !areBehind(options, text),
  )
}

function areBehind(texts: readonly string[], option: string): boolean {
  const end = texts.indexOf('--')
  return end >= 0 && texts.indexOf(option) > end
}

/** `git checkout FILE` throws away what was changed there. */
function checksOutFile(texts: readonly string[], operands: number): boolean {
  if (texts.some((text) => CREATES.test(text))) return false
  // A second word, and one that begins with a colon, is no branch.
  if (operands > 1 || texts.some((text) => /^:[/(]|^--pathspec/.test(text))) return true
  return texts.some((text) => FILE.test(text) && !VERSION.test(text) && !text.startsWith('-'))
}
