import type { SyntaxNode } from 'unbash'
import { anyBelow, findsHidden, type Listed, showsFiles } from './programs/found-files.js'
import type { Inner } from './programs/inner.js'
import type { ShellCommand } from './shell-script.js'
import type { Argument } from './words.js'

const PASSES_ON = /^(?:xargs|parallel)$/
/** What has them name files: by the program, one of its words; and words with which they may name others. */
const LISTS: ReadonlyMap<string, { readonly needs?: RegExp; readonly not: RegExp }> = new Map([
  ['ls', { not: /^-\w*[af]|^--all/ }],
  ['find', { not: /^-(?:L|follow|files0-from|printf|exec\w*|ok\w*)$/ }],
  ['fd', { not: /^-\w*[HILuxX]|^--(?:follow|exec|hidden|no-ignore|unres)/ }],
  [
    'rg',
    {
      needs: /^(?:-l|--files|--files-with-matches)$/,
      not: /^-\w*[Lru.]|^--(?:follow|replace|pre|hidden|no-ignore|unres)/,
    },
  ],
  ['grep', { needs: /^-\w*l\w*$|^--files-with-matches$/, not: /^-\w*R|^--dereference/ }],
  [
    'git',
    {
      needs: /^(?:ls-files|--name-only)$/,
      not: /^(?:log|show|stash|whatchanged)$|^-\w*[Ccio]|^--(?:format|pretty|git-dir|work-tree|others|ignored)/,
    },
  ],
])
const SELECTS = /^(?:sort|uniq|head|tail)$/
const LEADS_AWAY = /^[/~]|(?:^|[/={,])\.\./

/** Who lists what lies in its folder or below. `before`: what it is given. */
export function namesBelow(command: ShellCommand | undefined, before: Listed): Listed {
  if (command === undefined || command.directories.length !== 1 || command.wrappers.length > 0) return false
  const { name, args, input } = command
  if (args.some(({ text, isDynamic }) => isDynamic || LEADS_AWAY.test(text))) return false
  const texts = args.map(({ text }) => text)
  if (input !== undefined)
    return puts(name, texts) && (before === 'any' && selects(name, texts) ? 'visible' : before)
  const found = LISTS.get(name)
  if (found === undefined || texts.some((text) => found.not.test(text))) return false
  if (found.needs !== undefined && !texts.some((text) => found.needs?.test(text))) return false
  const isAny =
    (name === 'find' && findsHidden(args)) ||
    (name === 'ls' && texts.some((text) => ALMOST_ALL.test(text))) ||
    (name === 'grep' && texts.some((text) => /^-\w*r|^--rec/.test(text)))
  return isAny ? 'any' : 'visible'
}

const ALMOST_ALL = /^-\w*A|^--alm/
/** The end of a name, of which no secret has one. */
const NAMES_KIND = /^[\w/.*^\\-]*\\?\.(?!env|pem|key)\w{1,8}\$?$/

/** Whether a filter lets names of one kind through alone. */
function selects(name: string, texts: readonly string[]): boolean {
  if (!/^[ef]?grep$/.test(name) || texts.some((text) => /^-\w*v|^--inv/.test(text))) return false
  return texts.some((text) => !text.startsWith('-') && NAMES_KIND.test(text))
}

/** Whether it puts out no more than lines that it was given: it is named no file. */
function puts(name: string, texts: readonly string[]): boolean {
  const operands = texts.filter((text) => !text.startsWith('-'))
  if (/^[ef]?grep$/.test(name))
    return (
      operands.length === 1 &&
      !texts.some((text) => /^-\w*[efrRo]|^--(?:file|regexp|rec|only|deref)/.test(text))
    )
  return (
    SELECTS.test(name) &&
    operands.every((text) => /^\d+$/.test(text)) &&
    !texts.some((text) => text.startsWith('--files0'))
  )
}

/** `xargs` gives its command words that nobody knows, but for names of what lies below. */
export function passedOn(name: string, args: readonly Argument[], inner: Inner, listed: Listed): Inner {
  const [words] = inner.commands
  if (!PASSES_ON.test(name) || words === undefined) return inner
  const options = args.slice(0, args.length - words.length).map(({ text }) => text)
  const isKnown = listed !== false && !options.some((text) => /^(?:-[a-z\d]*a|--arg)/.test(text))
  // What lies below leads back up with `..`.
  const texts = words.map(({ text }) => text)
  const isOfFiles = !(texts[0] === 'make' || (texts[0] === 'git' && texts.includes('checkout')))
  if (isKnown && isOfFiles && !texts.some((text) => text.includes('..')))
    return listed === 'any' && showsFiles(words) ? { ...inner, commands: [[...words, anyBelow('.')]] } : inner
  return { ...inner, commands: [withUnknown(words, placeIn(options, words))] }
}

/** What stands for the words: `-I X`, `-IX`, `--replace=X`; undefined where they are put at the end. */
function placeIn(options: readonly string[], words: readonly Argument[]): string | undefined {
  for (const [i, text] of options.entries()) {
    if (text === '-I') return options[i + 1] ?? '{}'
    const found = /^-[a-z0-9]*[Ii](.*)$|^--replace(?:=(.*))?$/s.exec(text)
    if (found !== null) return (found[1] ?? found[2]) || '{}'
  }
  return words.some(({ text }) => text.includes('{}')) ? '{}' : undefined
}

/** As what a command puts out. */
const UNKNOWN = '$(xargs)'

function withUnknown(words: readonly Argument[], place: string | undefined): readonly Argument[] {
  if (place === undefined) return [...words, { text: UNKNOWN, isDynamic: true }]
  return words.map((word) =>
    word.text.includes(place) ? { text: word.text.replaceAll(place, UNKNOWN), isDynamic: true } : word,
  )
}

/** Whether its input comes from where it is redirected to, as far as one can see. */
export function readsElsewhere(node: SyntaxNode): boolean {
  if (node.type !== 'Command') return true
  return node.redirects.some(({ operator }) => operator.startsWith('<'))
}
