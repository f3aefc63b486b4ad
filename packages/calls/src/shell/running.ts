import type { Assignment, Function as FunctionDefinition } from 'unbash'
import type { HereText } from './fed.js'
import type { Listed } from './programs/found-files.js'
import type { Fed } from './shell-script.js'
import type { Outcome, ShellState } from './shell-state.js'
import type { Setting } from './words.js'

/** What is around a part of a script. */
export interface Around {
  readonly wrappers: readonly string[]
  readonly input: string | undefined
  /** Of what the input names, whether all of it lies in the folder or below it. */
  readonly listed: Listed
  readonly isInFunction: boolean
  readonly isInLoop: boolean
}

/** Around a script as a whole. */
export const OUTERMOST: Around = {
  wrappers: [],
  input: undefined,
  listed: false,
  isInFunction: false,
  isInLoop: false,
}

export interface DefinedFunction {
  readonly node: FunctionDefinition
  readonly state: ShellState
  readonly outcome: Outcome
}

export interface Running extends Around {
  readonly depth: number
  readonly state: ShellState
  /** Whether it is the shell itself that runs it, so that it goes on in what this leaves. */
  readonly isShell: boolean
  /** What is set for it alone. */
  readonly own: readonly Assignment[]
  readonly variables: readonly Setting[]
  readonly documents: readonly HereText[]
  /** As `ShellCommand` has it. */
  readonly fed: Fed | undefined
}

export interface Trap {
  readonly text: string
  readonly by: Around
  readonly depth: number
  readonly state: ShellState
  /** Whether nothing is run after it. */
  readonly isLast: boolean
}
