import type { ExitCode } from '../support/exit-codes.js'

/** What a check found, and the way out where something is wrong. */
export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warning' | 'failed'
  readonly message: string
  readonly hint?: string
  /** What to leave with where this is the worst; 1 for what failed and 0 otherwise, unless said. */
  readonly exitCode?: ExitCode
}
