import type { Logger } from 'pino'
import type { ExitCode } from '../support/exit-codes.js'
import { reportOf } from '../support/failure.js'
import type { Terminal } from '../terminal/terminal.js'

/** Tells what a part that runs says of itself, besides the log of its services. */
export interface Announcer {
  say(fields: LineFields, text: string): void
  note(fields: LineFields, text: string): void
  warn(fields: LineFields, text: string): void
}

/** People are told the text alone. */
export interface LineFields {
  readonly event: string
}

/** An announcer for people, in lines of text: what was asked for on standard output, the rest on standard error. */
export function announcerAt(terminal: Terminal): Announcer {
  return {
    say: (_, text) => terminal.print(text),
    note: (_, text) => terminal.note(text),
    warn: (_, text) => terminal.warn(text),
  }
}

/** Entries of the log where that is JSON: whoever reads it gets no other lines. Else the same for people. */
export function announcerIn(log: Logger, terminal: Terminal): Announcer {
  if (terminal.isInteractive) return announcerAt(terminal)
  const say = (fields: LineFields, text: string): void => log.info(fields, text)
  return { say, note: say, warn: (fields, text) => log.warn(fields, text) }
}

/** Runs a part to its end, and tells the failure that ends it as an entry of the log where that is JSON. */
export async function toItsEnd(
  work: () => Promise<void>,
  log: Logger,
  terminal: Terminal,
): Promise<ExitCode | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (terminal.isInteractive || !log.isLevelEnabled('fatal')) throw error
    const { code, message, hint, exitCode } = reportOf(error)
    log.fatal({ event: 'process.failed', code, hint, exit_code: exitCode }, message)
    return exitCode
  }
}
