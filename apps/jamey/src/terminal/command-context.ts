import type { ExitCode } from '../support/exit-codes.js'
import type { Terminal } from './terminal.js'

/** The world around a command, as far as it knows of it. */
export interface CommandContext {
  readonly terminal: Terminal
  /** The environment, `.env` of the current folder included. */
  readonly env: NodeJS.ProcessEnv
  /** Names of the variables that come from `.env`. */
  readonly fromFile: ReadonlySet<string>
  readonly cwd: string
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly interrupted: AbortSignal
  readonly now: () => Date
}

/** A command settles with the code to leave with, or throws what `reportOf` can tell. */
export type Outcome = Promise<ExitCode>

/** Runs one command; `buildProgram` gives it to every action. */
export type Run = (outcome: (context: CommandContext) => Outcome) => Promise<void>
