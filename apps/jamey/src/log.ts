import pino, { type Logger } from 'pino'
import { printable, type Terminal } from './terminal.js'

/** Logs of the services: one line of text each for a person at a terminal, JSON for everything else. */
export function createLog(terminal: Terminal, level: string): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
  const write = terminal.isInteractive
    ? (line: string) => terminal.note(formatLogLine(line, terminal.errorColors))
    : (line: string) => terminal.note(line.trimEnd())
  return pino(options, { write })
}

const LEVEL_NAMES: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** `12:04:31 warn  memory  the connection is lost {"attempt":2}` */
export function formatLogLine(line: string, colors: Terminal['errorColors']): string {
  let entry: Record<string, unknown>
  try {
    entry = JSON.parse(line) as Record<string, unknown>
  } catch {
    return printable(line.trimEnd())
  }
  const { level, time, component, service, msg, err, ...details } = entry
  const name = LEVEL_NAMES[Number(level)] ?? String(level)
  const color = Number(level) >= 50 ? colors.red : Number(level) >= 40 ? colors.yellow : colors.dim
  const clock = new Date(String(time)).toTimeString().slice(0, 8)
  const fault = (err as { message?: unknown } | undefined)?.message
  const hasDetails = Object.keys(details).length > 0
  const words = [component ?? service, msg, fault].filter((word) => word !== undefined && word !== '')
  return [
    colors.dim(clock),
    color(name.padEnd(5)),
    ...words.map((word) => printable(String(word))),
    ...(hasDetails ? [colors.dim(printable(JSON.stringify(details)))] : []),
  ].join('  ')
}
