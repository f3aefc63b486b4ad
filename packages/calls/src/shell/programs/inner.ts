import { optionValue } from '../option-values.js'
import type { Argument } from '../words.js'

/** What a command runs in its turn. */
export interface Inner {
  /** Words of commands. */
  readonly commands: readonly (readonly Argument[])[]
  /** Scripts of the shell. */
  readonly scripts: readonly Argument[]
  /** Code in the interpreter's own language. */
  readonly code: readonly Argument[]
  /** Whether it runs what stands at its standard input. */
  readonly readsScript: boolean
  /** The folders that it is run in; where they are left out, the current one. */
  readonly directories?: readonly Argument[] | undefined
  /** Words that set variables for it. */
  readonly assigned?: readonly Argument[]
}

/** Of a command that runs no other. */
export const NOTHING: Inner = { commands: [], scripts: [], code: [], readsScript: false }

/** The words behind its own options, and behind so many of its operands. */
export function rest(
  args: readonly Argument[],
  { valued, skip = 0, assigns }: { valued: string; skip?: number; assigns?: true },
): readonly Argument[] {
  const options = new Set(valued.split(' '))
  let at = 0
  for (; at < args.length; at++) {
    const { text } = args[at] as Argument
    if (text === '--') {
      at++
      break
    }
    if (options.has(text)) at++
    else if (!text.startsWith('-') && !(assigns === true && /^\w+=/.test(text))) break
  }
  return args.slice(at + skip)
}

/** The values of these options, however they are written. */
export function valuesOf(args: readonly Argument[], options: string): readonly Argument[] {
  const names = options.split(' ')
  return args.flatMap((argument, i) => optionValue(argument, args[i + 1], names)?.value ?? [])
}
