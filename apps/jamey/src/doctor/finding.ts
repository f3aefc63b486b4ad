import type { ExitCode } from '../support/exit-codes.js'

/** The finding of a check, and the way out where something is wrong. */
export interface Finding {
  readonly check: string
  readonly status: 'ok' | 'warning' | 'failed'
  readonly message: string
  readonly hint?: string
  /** Exit code where this is the worst finding; 1 for what failed and 0 otherwise, unless said. */
  readonly exitCode?: ExitCode
}
