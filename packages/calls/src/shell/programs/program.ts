import type { Effect } from '../../model/call.js'
import type { Argument } from '../words.js'

/** A program, or a word that says what it does: `git log`. */
export interface Program {
  /** Of the program itself, and of subcommands that are not listed; undefined: not known. */
  readonly effect: Effect | undefined
  /** Subcommands by what they do. */
  readonly subcommands?: Partial<Readonly<Record<Effect, string>>>
  /** Options that make it do something else; short ones also where several stand together. */
  readonly options?: Partial<Readonly<Record<Effect, string>>>
  /** Options that take a value, which is then no subcommand. */
  readonly valued?: string
  /** Subcommands that have subcommands of their own, by the words before them. */
  readonly nested?: Readonly<Record<string, Program>>
  /** Which of its operands are files it writes: all, the first or the last one. The others it reads. */
  readonly writes?: 'all' | 'first' | 'last'
  /** Options whose value is a file that it writes. */
  readonly outputs?: string
  /** How many operands are no files: the pattern of grep. */
  readonly skips?: number
  /** Words with a dash that are operands all the same: `chmod -x a`. */
  readonly dashed?: RegExp
  /** Options that say what the operands that are skipped say otherwise: with one of these, none is. */
  readonly unless?: string
  /** Operands that name no files though they look like paths. */
  readonly labels?: RegExp
  /** Its first operand is what it runs, which it only reads. */
  readonly runs?: true
  /** Subcommands of this form are tasks of the project, which no program of that name could be meant by. */
  readonly tasks?: RegExp
  /** Words that only say where in the project it works, and how many names follow each. */
  readonly scopes?: Readonly<Record<string, number>>
  /** Whether its operands are no files at all. */
  readonly hasNoFiles?: true
}

/** Several names of one program. */
export function each(names: string, program: Program): [string, Program][] {
  return names.split(' ').map((name) => [name, program])
}

/** What one command would do. */
export interface CommandEffects {
  /** Empty where the program, or what it is told to do, is not known. */
  readonly effects: readonly Effect[]
  /** Its words without options, subcommands taken away: mostly files. */
  readonly operands: readonly Argument[]
  readonly reads: readonly Argument[]
  readonly writes: readonly Argument[]
  /** `git push`: the program and its subcommands. */
  readonly words: readonly string[]
  /** Words that name no files though they look like paths. */
  readonly labels?: RegExp | undefined
}

/** The words of a list in a table. Of an empty one there are none: an empty word of a command is no option. */
export function wordsIn(list: string): readonly string[] {
  return list === '' ? [] : list.split(' ')
}
