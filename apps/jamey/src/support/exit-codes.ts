/**
 * Every way the command line can end. Scripts depend on these numbers, `jamey help exit-codes` prints them,
 * and no other file writes one.
 */
export const EXIT = {
  success: 0,
  other: 1,
  usage: 2,
  refused: 3,
  timeout: 4,
  unavailable: 5,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export interface ExitCodeRow {
  readonly code: ExitCode
  readonly name: keyof typeof EXIT
  readonly meaning: string
}

export const EXIT_CODES: readonly ExitCodeRow[] = [
  { code: EXIT.success, name: 'success', meaning: 'Done; for `evaluate`: it is allowed.' },
  { code: EXIT.other, name: 'other', meaning: 'Something failed that no other code describes.' },
  { code: EXIT.usage, name: 'usage', meaning: 'A command, option, setting or message is not valid.' },
  {
    code: EXIT.refused,
    name: 'refused',
    meaning: 'Refused: the conscience does not approve, or a permission or the broker forbids it.',
  },
  { code: EXIT.timeout, name: 'timeout', meaning: 'No answer or message came within the time-out.' },
  {
    code: EXIT.unavailable,
    name: 'unavailable',
    meaning: 'No broker could be reached (for `doctor`: nothing runs), or nobody serves the request.',
  },
  { code: EXIT.interrupted, name: 'interrupted', meaning: 'Stopped by Ctrl-C before it was done.' },
]

/** One line per code, for `jamey help exit-codes`. */
export function formatExitCodes(): string {
  return EXIT_CODES.map(
    ({ code, name, meaning }) => `${String(code).padStart(5)}  ${name.padEnd(12)} ${meaning}`,
  ).join('\n')
}
