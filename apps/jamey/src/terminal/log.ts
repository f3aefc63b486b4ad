import pino, { type Logger } from 'pino'
import { printable, type Terminal } from './terminal.js'

/** Logs of the services: one line of text each for a person at a terminal, JSON for everything else. */
export function createLog(terminal: Terminal, level: string): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: errorFacts, error: errorFacts },
  }
  const write = terminal.isInteractive
    ? (line: string) => terminal.note(formatLogLine(line, terminal.errorColors))
    : (line: string) => terminal.note(line.trimEnd())
  const { errors } = terminal
  errors.notice = (dropped, code) => {
    const time = new Date().toISOString()
    const msg = 'lines of this log were dropped'
    const line = JSON.stringify({ level: 40, time, event: 'log.lines.dropped', dropped, code, msg })
    return terminal.isInteractive ? formatLogLine(line, terminal.errorColors) : line
  }
  return pino(options, { write })
}

/**
 * An error for the log. Pino's own form puts the message of every cause behind a message that tells it already, and
 * a stack beside mistakes of others, which have a `code` and no place in our source. What nobody foresaw keeps it.
 */
function errorFacts(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { name, message, stack, cause } = error
  const { code, reasonCode, kind } = error as { code?: unknown; reasonCode?: unknown; kind?: unknown }
  const why = cause instanceof Error ? cause.message : undefined
  const isForeseen = typeof code === 'string' && !code.startsWith('ERR_')
  return {
    type: name,
    message,
    ...(code === undefined ? {} : { code }),
    ...(kind === undefined ? {} : { kind }),
    ...(reasonCode === undefined ? {} : { reasonCode }),
    ...(why === undefined || message.includes(why) ? {} : { cause: why }),
    ...(isForeseen ? {} : { stack }),
  }
}

const LEVEL_NAMES: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** `12:04:31  warn   memory  the connection is lost  attempt=2` */
export function formatLogLine(line: string, colors: Terminal['errorColors']): string {
  let entry: Record<string, unknown>
  try {
    entry = JSON.parse(line) as Record<string, unknown>
  } catch {
    return oneLine(line.trimEnd())
  }
  const { level, time, event: _, component, service, msg, err, error, ...details } = entry
  const name = LEVEL_NAMES[Number(level)] ?? String(level)
  const color = Number(level) >= 50 ? colors.red : Number(level) >= 40 ? colors.yellow : colors.dim
  const clock = new Date(String(time)).toTimeString().slice(0, 8)
  const fault = faultOf(err ?? error)
  const text = fault === undefined ? msg : msg === undefined || msg === fault ? fault : `${msg}: ${fault}`
  const facts = Object.entries(details).map(([key, value]) => `${key}=${textOf(value)}`)
  const words = [component ?? service, text].filter((word) => word !== undefined && word !== '')
  return [
    colors.dim(clock),
    color(name.padEnd(5)),
    ...words.map((word) => oneLine(String(word))),
    ...(facts.length > 0 ? [colors.dim(oneLine(facts.join(' ')))] : []),
  ].join('  ')
}

function faultOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return error === undefined ? undefined : String(error)
  const { message, cause } = error as { message?: unknown; cause?: unknown }
  return typeof cause === 'string' ? `${message} (${cause})` : String(message)
}

/** Bare where nothing in it could be taken for the next fact. */
function textOf(value: unknown): string {
  return typeof value === 'string' && /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value)
}

function oneLine(text: string): string {
  return printable(text.replace(/\s*\n\s*/g, ' '))
}
