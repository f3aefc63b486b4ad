import type { Word, WordPart } from 'unbash'
import { combined, expanded } from './braces.js'

/** A word of a command as the shell would pass it; `text` is as far as it is known before it runs. */
export interface Argument {
  readonly text: string
  /** Whether variables, substitutions or patterns make it something else, or more words than one. */
  readonly isDynamic: boolean
}

/** A variable that a program is handed. */
export interface Setting {
  readonly name: string
  readonly value: Argument
}

/** What a script sets variables to; undefined where that is not known. */
export type Variables = ReadonlyMap<string, string | undefined>

/** The word, with the variables that the same script has set to a text of its own. */
export function argumentOf(word: Word, variables: Variables): Argument {
  const { parts } = word
  if (parts === undefined) return atHome({ text: word.value, isDynamic: false }, variables)
  const known = parts.map((part) => partOf(part, variables))
  const text = known.map(({ text }) => text).join('')
  const climbs = parts.some(({ type }) => /Glob|Brace/.test(type)) && CLIMBS.test(text)
  return atHome({ text, isDynamic: climbs || known.some(({ isDynamic }) => isDynamic) }, variables)
}

/** A pattern that `..` may be among what it selects of, and what is named behind it. */
const CLIMBS = /(?:^|\/)\.(?:[*?[]|[@!+]\()[^/]*\/./

/**
 * The words that a shell makes of one in a command, where it makes several of one with braces and parts the text of
 * variables that do not stand in quotes.
 */
export function argumentsOf(word: Word, variables: Variables): Argument[] {
  if (hasBraces(word)) return bracedOf(word, variables)
  const argument = argumentOf(word, variables)
  const parted = word.parts?.filter((part) => /\s/.test(textOf(part, variables))) ?? []
  if (parted.length === 0) return [argument]
  if (word.parts?.length !== 1) return [{ ...argument, isDynamic: true }]
  const texts = argument.text.split(/\s+/).filter((text) => text !== '')
  return texts.map((text) => ({ text, isDynamic: argument.isDynamic }))
}

/** What a redirection may lead to: of several files some shells use each, some none, and some the one that is named so. */
export function targetsOf(word: Word, variables: Variables): Argument[] {
  if (!hasBraces(word)) return [argumentOf(word, variables)]
  return bracedOf(word, variables).map(({ text }) => ({ text, isDynamic: true }))
}

function hasBraces({ parts }: Word): boolean {
  return parts?.some(({ type }) => type === 'BraceExpansion') === true
}

function bracedOf(word: Word, variables: Variables): Argument[] {
  const { text: whole, parts = [] } = word
  const known = parts.map((part) => partOf(part, variables))
  const { texts, isKnown } = combined(
    parts.map((part, i) =>
      part.type === 'BraceExpansion'
        ? expanded(part.text)
        : { texts: [known[i]?.text ?? ''], isKnown: known[i]?.isDynamic === false },
    ),
  )
  const isUnknown =
    !isKnown ||
    parts.some(
      (part) =>
        (part.type === 'BraceExpansion' && /[$`]/.test(part.text)) || /\s/.test(textOf(part, variables)),
    )
  const named = texts.filter((text) => text !== '')
  return (isKnown ? named : [...named, whole]).map((text) =>
    atHome({ text, isDynamic: isUnknown || CLIMBS.test(text) }, variables),
  )
}

/** Of a variable that the script sets. */
function textOf(part: WordPart, variables: Variables): string {
  const isVariable = part.type === 'SimpleExpansion' || part.type === 'ParameterExpansion'
  const known = isVariable ? partOf(part, variables) : undefined
  return known === undefined || known.isDynamic ? '' : known.text
}

/** `~` is what HOME is set to. */
function atHome({ text, isDynamic }: Argument, variables: Variables): Argument {
  if (!text.startsWith('~') || !variables.has('HOME') || !/^~(?:\/|$)/.test(text)) return { text, isDynamic }
  const home = variableOf('HOME', '~', variables)
  return { text: `${home.text}${text.slice(1)}`, isDynamic: isDynamic || home.isDynamic }
}

function partOf(part: WordPart, variables: Variables): Argument {
  switch (part.type) {
    case 'Literal':
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return { text: part.value, isDynamic: false }
    case 'DoubleQuoted':
    case 'LocaleString': {
      const known = part.parts.map((child) => partOf(child, variables))
      return {
        text: known.map(({ text }) => text).join(''),
        isDynamic: known.some(({ isDynamic }) => isDynamic),
      }
    }
    case 'SimpleExpansion':
      return variableOf(part.text.slice(1), part.text, variables)
    case 'ParameterExpansion': {
      const { parameter, prefix, index, operation, text } = part
      const held = variableOf(parameter, text, variables)
      if (prefix === undefined && index === undefined && operation === undefined) return held
      // `${!x}` is what another variable holds, and `${x:-text}` the text.
      const isAny = prefix === '!' || held.text.startsWith('$(') || isTold(text)
      return { text: isAny ? filling(parameter) : text, isDynamic: true }
    }
    // A pattern selects what there is; where it lies is known.
    case 'Glob':
    case 'ExtendedGlob':
    case 'BraceExpansion':
      return { text: part.text, isDynamic: false }
    case 'CommandExpansion':
      return NAMES_FOLDER.test(part.text)
        ? variableOf('PWD', part.text, variables)
        : { text: part.text, isDynamic: true }
    default:
      return { text: part.text, isDynamic: true }
  }
}

/** It puts out what `$PWD` is. */
const NAMES_FOLDER = /^(?:\$\( ?pwd ?\)|`pwd`)$/

/** Whether another text may stand for the variable that is more than a number, a name or a path. */
function isTold(text: string): boolean {
  const told = /^\$\{\w+(?:\[[^\]]*\])?(?::?[-+=]|\/)(.*)\}$/s.exec(text)?.[1]
  return told !== undefined && !/^(?!-)(?!.*\/-)[\w.,:/@-]*$/.test(told)
}

/** What a script, a function or the command before was given. */
const HANDED = /^(?:\d+|[@*_])$/

/** As a word that shows what fills it. */
function filling(name: string): string {
  return `$(${name})`
}

function variableOf(name: string, text: string, variables: Variables): Argument {
  const value = variables.get(name)
  if (value === HELD) return { text, isDynamic: true }
  if (value !== undefined) return { text: value, isDynamic: false }
  if (variables.has(name) || HANDED.test(name)) return { text: filling(name), isDynamic: true }
  // Where a person's files lie is all that matters of it.
  if (name === 'HOME') return { text: '~', isDynamic: false }
  if (name === 'PWD') return { text: '.', isDynamic: false }
  return { text, isDynamic: true }
}

/** What a variable holds that is a number, or a name without letters that mean something to other programs. */
export const HELD = '\uE000'

/** Commands that put out such a one. */
const PLAIN_COMMANDS = [
  String.raw`(?:[^$\`();&\n|]+\|)+ ?wc -[lwc]`,
  String.raw`wc -[lwc] ?< ?[\w./-]+`,
  String.raw`grep -[A-Za-z]*c[A-Za-z]* (?:'[^'$\`]*'|"[^"$\`]*"|[\w.-]+) [\w./-]+`,
  // Of one file, whose name does not stand before the number of a line.
  String.raw`grep -[EFPiwvm\d]*n[EFPiwvm\d]* (?:'[^'$\`]*'|"[^"$\`]*"|[\w.-]+) [\w./-]+(?: ?\| ?(?:head|tail) -(?:n ?)?\d+)? ?\| ?cut -d ?["']?:["']? -f ?1`,
  String.raw`stat (?:-c ?|-f ?|--format=)["']?%[sYzm]["']? [\w./-]+`,
  String.raw`du -s[kmbh]* [\w./-]+ ?\| ?cut -f ?1`,
  String.raw`seq(?: -?\d+)+`,
  'nproc',
  String.raw`date(?: -u)?(?: \+["']?%[\w%:.-]*["']?)?`,
  'id -[ug]',
  'whoami',
  'uname(?: -[a-z]+)?',
  String.raw`git merge-base(?: [\w./@][\w./@~^-]*)+`,
  String.raw`git (?:rev-parse|describe|branch|symbolic-ref|rev-list)(?: (?:--(?:short|abbrev-ref|verify|tags|always|abbrev=\d+|show-current|show-toplevel|count|max-parents=\d|max-count=\d+)|-\d+|[\w./@][\w./@~^-]*))+`,
  String.raw`(?:docker|podman) ps(?: -[aql]+| --filter[ =][\w=./:-]+| -f [\w=./:-]+)* -[al]*q[al]*(?: --filter[ =][\w=./:-]+| -f [\w=./:-]+)*`,
  // Names of what a cluster has begin with a letter or a number.
  String.raw`kubectl get(?: [\w./=,-]+)* -o (?:name|jsonpath=["']?\{\.items\[\d+\]\.metadata\.name\}["']?)(?: ?\| ?(?:head|tail) -(?:n ?)?\d+)?`,
  String.raw`gh run list(?: [\w./=,-]+)* -q ["']?\.\[\d+\]\.databaseId["']?`,
]
const PLAIN = new RegExp(String.raw`\$\( ?(?:${PLAIN_COMMANDS.join('|')})(?: 2> ?\/dev\/null)? ?\)`, 'g')

/** Whether something of it is what a command puts out, or what one has set a variable to: it may be any text. */
export function isFilled({ text, isDynamic }: Argument): boolean {
  return isDynamic && FILLS.test(text.replace(PLAIN, HELD))
}
const FILLS = /\$\((?!\()|`|^[<>]\(/

/** Whether all that is not known of it may still be an option. */
export function mayBeOption({ text, isDynamic }: Argument): boolean {
  return isDynamic && /^(?:\$\((?!\()|`)/.test(text.replace(PLAIN, HELD))
}

/** A word as a shell takes it for one. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
