import type { CommandContext } from './command-context.js'
import type { Colors } from './terminal.js'

/** The way in which text for people is laid out. */
export interface View {
  readonly colors: Colors
  /** Infinity where nothing is to be cut. */
  readonly columns: number
  readonly now: Date
}

/** For the terminal of a command, at this moment. */
export function viewOf({ terminal, now }: CommandContext): View {
  return { colors: terminal.colors, columns: terminal.columns, now: now() }
}
