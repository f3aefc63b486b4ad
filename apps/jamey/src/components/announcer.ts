import type { Logger } from 'pino'
import type { ExitCode } from '../support/exit-codes.js'
import { reportOf } from '../support/failure.js'
import type { Terminal } from '../terminal/terminal.js'

/** Tells what a part that runs says of itself, besides the log of its services. */
export interface Announcer {
  say(text: string): void
  note(text: string): void
  warn(text: string): void
}

/** An announcer for people, in lines of text: what was asked for on standard output, the rest on standard error. */
export function announcerAt(terminal: Terminal): Announcer {
  return {
    say: (text) => terminal.print(text),
    note: (text) => terminal.note(text),
    warn: (text) => terminal.warn(text),
  }
}

/** Entries of the log where that is JSON: whoever reads it gets no other lines. Else the same for people. */
export function announcerIn(log: Logger, terminal: Terminal): Announcer {
  if (terminal.isInteractive) return announcerAt(terminal)
  const say = (text: string): void => log.info(text)
  return { say, note: say, warn: (text) => log.warn(text) }
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
    log.fatal({ code, hint, exit_code: exitCode }, message)
    return exitCode
  }
}
