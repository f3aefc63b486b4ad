import { baseName } from '../builtins.js'
import type { Argument } from '../words.js'
import { valuesOf } from './inner.js'

const COMBINES = /^(?:-o|-or|,|\(|\)|-follow|-L|-D|-files0-from)$/
const ACTS = /^-(?:delete|exec|execdir|ok|okdir|fprint\w*|fls)$/
const NEGATES = /^(?:!|-not)$/
/** Names of what is made again that neither a branch nor a folder of Git itself is called by. */
const MADE =
  /^(?:node_modules|__pycache__|\.(?:pytest|mypy|ruff|parcel)[_-]cache|\.cache|\.nyc_output|\.next|\.nuxt|\.turbo|\.vite|\.tox|\.eggs|[*?\w.-]*\.(?:pyc|o|class|tsbuildinfo|egg-info|log|tmp|bak|orig))$/

/** The name that all that `find` does something with has; undefined where it may have any. */
export function selectedName(args: readonly Argument[]): string | undefined {
  if (args.some(({ text }) => COMBINES.test(text))) return undefined
  const acts = args.findIndex(({ text }) => ACTS.test(text))
  const at = args.findIndex(({ text }) => text === '-name' || text === '-iname')
  const name = args[at + 1]
  if (at < 0 || acts < at || name === undefined || name.isDynamic) return undefined
  return NEGATES.test(args[at - 1]?.text ?? '') || name.text.includes('/') ? undefined : name.text
}

const NAMES = /^-i?(?:name|path|wholename|regex)$/
const REGEX_OF_KIND = /\\\.(?!env|\w*\*)[\w()|\\]+\$?$/
const NO_HIDDEN = /^(?:\.\/|\*\/)?\.(?:\*|\?\*|env\*?|\[\^.\]\*)$|^\*\/\.\*(?:\/\*)?$/
/** Of hidden files that are secrets; to `find` a star is the beginning of such a name, too. */
const HIDDEN_NAMES = ['.env', '.env.local', './.env', './a/.env.local', '.npmrc', '.netrc']

/** Whether what `find` finds may be hidden: no name is asked for, and those of hidden files are not left out. */
export function findsHidden(args: readonly Argument[]): boolean {
  const ors = args.flatMap(({ text }, i) => (/^(?:-o|-or|,)$/.test(text) ? i : []))
  const ends = [...ors, args.length]
  return ends.some((end, i) => !choosesNames(args.slice(i === 0 ? 0 : ends[i - 1], end)))
}

function choosesNames(args: readonly Argument[]): boolean {
  return args.some(({ text }, i) => {
    if (!NAMES.test(text)) return false
    const name = args[i + 1]?.text ?? ''
    if (NEGATES.test(args[i - 1]?.text ?? '')) return NO_HIDDEN.test(name)
    return text.endsWith('regex') ? REGEX_OF_KIND.test(name) : !selectsHidden(name)
  })
}

/** Names are short, so that no pattern takes long. */
function selectsHidden(pattern: string): boolean {
  const source = pattern
    .slice(0, 100)
    .replace(/\*+/g, '*')
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.')
    .replace(/\[!/g, '[^')
  try {
    const glob = new RegExp(`^${source}$`, 'i')
    return HIDDEN_NAMES.some((name) => glob.test(name))
  } catch {
    return true
  }
}

/** Words of `find` that say which names it leaves out: nothing of that name is looked at. */
export function leftOut(args: readonly Argument[]): readonly Argument[] {
  return args.filter((_, i) => NAMES.test(args[i - 1]?.text ?? '') && NEGATES.test(args[i - 2]?.text ?? ''))
}

const HERE: Argument = { text: '.', isDynamic: false }

/** Where `find` looks. */
export function rootsOf(args: readonly Argument[]): readonly Argument[] {
  const end = args.findIndex(({ text }) => /^[-(!,]/.test(text) && !/^-(?:[HLP]|D|O\d)$/.test(text))
  const named = args.slice(0, end < 0 ? args.length : end).filter(({ text }) => !text.startsWith('-'))
  return named.length === 0 ? [HERE] : named
}

/** What `find` deletes, as far as it is known: below its roots, by its name. */
export function deletedNames(args: readonly Argument[]): readonly Argument[] {
  const name = selectedName(args) ?? FOUND
  return rootsOf(args).map(({ text, isDynamic }) => ({ text: `${text}/${FOUND}/${name}`, isDynamic }))
}

/** Whether what stands for something that was found can be what is made again: anything, where no name is behind it. */
export function mayBeMade({ text }: Argument): boolean {
  const name = text.includes(`${FOUND}/`) ? text.slice(text.lastIndexOf('/') + 1) : FOUND
  return name === FOUND || MADE.test(name)
}

/** Stands for something that was found. */
const FOUND = '{}'

/**
 * Who lists names: none of hidden files among them, as a star of the shell has it, or any. What a command shows of files
 * that it is named one by one, or by a star, is chosen; of any there are, `.env` is one.
 */
export type Listed = false | 'visible' | 'any'

/** They put out what stands in files, and not only what is sought in them or counted. */
const SHOWS =
  /^(?:cat|tac|head|tail|less|more|bat|batcat|nl|od|xxd|hexdump|strings|base(?:32|64)|[gm]?awk|sed|cut|rev|paste|fold|fmt|pr|column|sort|uniq|comm|join|(?:un)?expand|[bx]?zcat|diff|[jy]q)$/
const CHANGES_IN_PLACE = /^-[a-zA-Z]*i|^--in-p/
const GREPS = /^(?:[efz]?grep|rg|ack|ag)$/
/** Every line, every line that sets something, or one that sets what is called a secret. */
const EVERY_LINE =
  /^(?:\(\?s\))?\^?(?:|\.[*+]?|\$|=|(?:\\[SwWs]|\[+[^\]]*\]+)[*+]?|\.\*=(?:\.[*+])?|(?:\w|\[[^\]]*\][*+])*(?:SECRET|TOKEN|PASSW(?:OR)?D|KEY|CREDENTIALS?)\w*\s*=.*)\$?$/
/** It tells names or numbers, no lines. */
const TELLS_NAMES = /^-[a-zA-Z]*[lLcq]|^--(?:files|count|quiet|silent)/
/** Of a search in folders: what it selects, or leaves out, by name. */
const SELECTS = /^--(?:include|glob|iglob|type)(?:=|$)|^-[gt]$/
const LEAVES_OUT = /^(?:--exclude=|!|-g!)(?:\*?\*\/)?\.(?:\*|env)/
/** Options with which they look into hidden files below a folder, too. */
const EVERYWHERE: Readonly<Record<string, RegExp>> = {
  ...Object.fromEntries(
    'grep egrep fgrep zgrep'.split(' ').map((name) => [name, /^-[a-zA-Z]*[rR]|^--(?:rec|deref)/]),
  ),
  rg: /^(?:--hidden|-\w*\.|-uu+|--unres\w*)$/,
  ag: /^(?:--hidden|-\w*u|--unr\w*)$/,
  git: /^--no-(?:index|exc\w*)$/,
}
const VALUED = /^-[efmABC]$/

/** What stands for a file below a folder, of whatever name: the shell's pattern for names that begin with a dot as well. */
export function anyBelow(folder: string): Argument {
  return { text: `${folder}/{}/?*`, isDynamic: false }
}

/** Whether a command, with whatever runs it, puts out what stands in the files that it is named. */
export function showsFiles(words: readonly Argument[]): boolean {
  const texts = words.map(({ text }) => text)
  const at = texts.findIndex((text) => SHOWS.test(baseName(text)) || GREPS.test(baseName(text)))
  const [name = '', ...args] = texts.slice(Math.max(0, at))
  if (at < 0) return false
  if (baseName(name) === 'sed') return !args.some((text) => CHANGES_IN_PLACE.test(text))
  return SHOWS.test(baseName(name)) || showsLines(words.slice(at + 1))
}

/** Whether a search puts out every line, or those by which something secret is set. */
function showsLines(args: readonly Argument[]): boolean {
  const given = valuesOf(args, '-e --regexp')
  const operand = args.find(({ text }) => !text.startsWith('-'))
  const sought = given.length > 0 ? given : operand === undefined ? [] : [operand]
  const isInverted = args.some(({ text }) => /^-[a-zA-Z]*v|^--inv/.test(text))
  if (args.some(({ text }) => TELLS_NAMES.test(text))) return false
  return isInverted || sought.some(({ text }) => EVERY_LINE.test(text))
}

/** Folders in which a search shows every line of all files, those that are hidden among them. */
export function searchedWhole(name: string, args: readonly Argument[]): readonly Argument[] {
  const texts = args.map(({ text }) => text)
  const isEverywhere = texts.some(
    (text, i) => EVERYWHERE[name]?.test(text) === true && !VALUED.test(texts[i - 1] ?? ''),
  )
  const isTwice = name === 'rg' && texts.filter((text) => text === '-u').length > 1
  if (!(isEverywhere || isTwice || name === 'ack') || !showsLines(name === 'git' ? args.slice(1) : args))
    return []
  if (texts.some((text) => SELECTS.test(text) || LEAVES_OUT.test(text))) return []
  return [anyBelow('.')]
}
