import { sedFiles } from '../sed-script.js'
import type { ShellCommand } from '../shell-script.js'
import type { Argument } from '../words.js'
import { searchedWhole } from './found-files.js'
import { askedBy } from './http-clients.js'
import { valuesOf } from './inner.js'
import { requiredFiles } from './interpreters.js'

/** Files that neither an operand nor an option of the tables names. */
export interface NamedFiles {
  readonly reads: readonly Argument[]
  readonly writes: readonly Argument[]
}

/** They show what stands in files, of those that a pattern selects. */
const SEARCHES = /^(?:[efz]?grep|rg|ack|ag)$/
/** Options of xargs and parallel that have a value in the next word where none stands behind them. */
const VALUED = /^(?:-[IinLPdEsj]|--max-\w+|--delimiter|--jobs|--replace)$/
/** `-a FILE`, `-0aFILE`, `--arg-file=FILE` and what it is shortened to. */
const LIST = /^(?:-[0oprtxkX]*a([\s\S]*)|--a[\w-]*(?:=([\s\S]*))?)$/

/** Undefined where there are none. */
export function namedFiles(command: ShellCommand): NamedFiles | undefined {
  const { name, args } = command
  const asked = askedBy(command)
  if (asked !== undefined) return { reads: [], writes: asked.writes }
  if (name === 'sed') return sedFiles(args)
  if (SEARCHES.test(name)) {
    const selected = valuesOf(args, '--include -g --glob --iglob')
      .filter(({ text, isDynamic }) => !isDynamic && !text.startsWith('!'))
      // To them a star is the beginning of a hidden name, too.
      .map(({ text }) => ({ text: text.replace(/^\*+(?=\.env)/, ''), isDynamic: false }))
    return { reads: [...selected, ...searchedWhole(name, args)], writes: [] }
  }
  if (/^node(?:js)?$/.test(name)) return { reads: requiredFiles(args), writes: [] }
  if (name === 'git')
    return args[0]?.text === 'grep'
      ? { reads: [...grepped(args.slice(1)), ...searchedWhole(name, args)], writes: [] }
      : undefined
  if (name !== 'xargs' && name !== 'parallel') return undefined
  return { reads: [...listIn(args), ...(name === 'parallel' ? listsBehind(args) : [])], writes: [] }
}

/** Where Git is told to search: behind the pattern, if no option says that. */
function grepped(args: readonly Argument[]): Argument[] {
  const names = args.filter(({ text }) => !/^[-:]/.test(text))
  return names.slice(args.some(({ text }) => /^-\w*[ef]/.test(text)) ? 0 : 1)
}

/** The file that words are read from. */
function listIn(args: readonly Argument[]): Argument[] {
  const reads: Argument[] = []
  for (let i = 0; i < args.length; i++) {
    const { text, isDynamic } = args[i] as Argument
    if (!text.startsWith('-') || text === '--') break
    const found = LIST.exec(text)
    if (found === null) {
      if (VALUED.test(text)) i++
      continue
    }
    const joined = (found[1] ?? found[2]) || ''
    const file = joined === '' ? args[++i] : { text: joined, isDynamic }
    if (file !== undefined) reads.push(file)
  }
  return reads
}

/** `parallel echo :::: FILE` */
function listsBehind(args: readonly Argument[]): readonly Argument[] {
  const at = args.findIndex(({ text }) => /^::::\+?$/.test(text))
  return at < 0 ? [] : args.slice(at + 1).filter(({ text }) => !/^:::/.test(text))
}
