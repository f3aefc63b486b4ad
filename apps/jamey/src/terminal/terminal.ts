import type { Readable, Writable } from 'node:stream'
import pc from 'picocolors'
import type { FailureReport } from '../support/failure.js'
import { LineOutlet } from './line-outlet.js'
import { asStarted, isNpmStart, type Start, startedAs } from './started-as.js'

export type Colors = ReturnType<typeof pc.createColors>

/** Input and output of a command; results go to standard output, everything about them to standard error. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly colors: Colors
  readonly errorColors: Colors
  /** Columns to wrap at; 80 where the output is no terminal, so that the text of a pipe never depends on a window. */
  readonly columns: number
  /** Columns and rows of the terminal now; undefined where standard output is none. */
  screen(): { readonly columns: number; readonly rows: number } | undefined
  /** True where standard error is a terminal: progress bars and hints are for people only. */
  readonly isInteractive: boolean
  readonly errorStream: Writable
  /** The ends of standard output and error; both may fail, which ends nothing. */
  readonly output: LineOutlet
  readonly errors: LineOutlet
  /** True where the command is for somebody who reads standard output. */
  readonly isForReader: boolean
  /** Lets the command go on when nobody reads its standard output. */
  serve(): void
  print(line?: string): void
  printJson(value: unknown): void
  write(bytes: Uint8Array | string): void
  note(line: string): void
  warn(line: string): void
  fail(report: FailureReport, asJson: boolean): void
  /** A text that names commands, with how this one was started in place of `jamey`. */
  asStarted(text: string): string
}

export interface TerminalStreams extends Partial<Pick<Start, 'argv' | 'cwd'>> {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & {
    readonly isTTY?: boolean
    readonly columns?: number
    readonly rows?: number
    readonly fd?: number
  }
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly fd?: number }
  readonly env: NodeJS.ProcessEnv
}

/** The code of a write to a pipe that nobody reads. */
export const READER_LEFT = 'EPIPE'

/** Bytes of the log that wait while its reader stands still. */
const MAXIMUM_WAITING_BYTES = 1_048_576

export function createTerminal(streams: TerminalStreams): Terminal {
  const { stdin, stdout, stderr, env, argv, cwd } = streams
  const typed = (text: string): string => {
    const command = argv === undefined || cwd === undefined ? 'jamey' : startedAs({ argv, env, cwd })
    return asStarted(text, command, isNpmStart(env))
  }
  const colors = pc.createColors(mayColor(stdout.isTTY, env))
  const errorColors = pc.createColors(mayColor(stderr.isTTY, env))
  const errors = new LineOutlet(stderr, {
    mostWaitingBytes: MAXIMUM_WAITING_BYTES,
    notice: (dropped, code) => `jamey: ${dropped} lines that belong here could not be written (${code})`,
  })
  const warn = (line: string): void => errors.write(`${errorColors.yellow('warning:')} ${line}\n`)
  let isForReader = true
  const output = new LineOutlet(stdout, {
    onLoss: (code) => {
      // A reader that has left, such as `head`, wants no more, which ends a command that is for him.
      if (code === READER_LEFT && isForReader) return
      warn(`standard output cannot be written (${code}); what is printed is dropped until it can`)
    },
    onRecovery: (dropped, code) =>
      warn(`standard output is written again; ${dropped} lines were dropped (${code})`),
  })
  return {
    stdin,
    output,
    errors,
    get isForReader() {
      return isForReader
    },
    serve() {
      isForReader = false
    },
    colors,
    errorColors,
    columns: Math.max(20, Math.min(stdout.isTTY ? stdout.columns || 80 : 80, 100)),
    screen: () =>
      stdout.isTTY === true ? { columns: stdout.columns || 80, rows: stdout.rows || 24 } : undefined,
    isInteractive: stderr.isTTY === true,
    errorStream: stderr,
    print: (line = '') => output.write(`${line}\n`),
    printJson: (value) => output.write(`${JSON.stringify(value)}\n`),
    write: (bytes) => output.write(bytes),
    note: (line) => errors.write(`${line}\n`),
    warn,
    fail: (report, asJson) => {
      const { hint } = report
      const told = hint === undefined ? report : { ...report, hint: typed(hint) }
      errors.write(`${formatFailure(told, asJson, errorColors)}\n`)
    },
    asStarted: typed,
  }
}

/** Colour only for a terminal, and not where NO_COLOR (https://no-color.org) is set or the terminal is dumb. */
export function mayColor(isTty: boolean | undefined, env: NodeJS.ProcessEnv): boolean {
  if (env['NO_COLOR']) return false
  return isTty === true && env['TERM'] !== 'dumb'
}

export function formatFailure(report: FailureReport, asJson: boolean, colors: Colors): string {
  if (asJson) {
    const { code, exitCode, hint, retryable } = report
    return JSON.stringify({
      error: { code, message: messageOf(report), hint, retryable, exit_code: exitCode },
    })
  }
  const first = `${colors.red('error:')} ${messageOf(report)}`
  return report.hint === undefined ? first : `${first}\n  ${colors.dim('->')} ${report.hint}`
}

/** Commander's messages begin with the word that is put before every one. */
function messageOf(report: FailureReport): string {
  return report.message.replace(/^error: /i, '').trimEnd()
}

/** These turn what stands beside them around, or end a line. Unicode, Bidi_Control, Zl and Zp */
const TURNING = /[\p{Bidi_Control}\p{Zl}\p{Zp}]/u

/** Text of others made harmless: control characters would steer the terminal of whoever looks at it, or his eyes. */
export function printable(text: string): string {
  return Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0
    const isControl = (code < 0x20 && code !== 0x0a && code !== 0x09) || (code >= 0x7f && code < 0xa0)
    return isControl || TURNING.test(character) ? `\\u${code.toString(16).padStart(4, '0')}` : character
  }).join('')
}

/**
 * Breaks text at spaces so that no line is wider than `columns`, unless a single word is. Control characters
 * are made visible.
 */
export function wrap(text: string, columns: number, indent = ''): string {
  const width = Math.max(20, columns - indent.length)
  return printable(text.replaceAll('\r\n', '\n'))
    .split('\n')
    .flatMap((line) => wrapLine(line, width))
    .map((line) => (line === '' ? '' : indent + line))
    .join('\n')
}

function wrapLine(line: string, width: number): string[] {
  const lines: string[] = []
  let current = /^ */.exec(line)?.[0] ?? ''
  for (const word of line.slice(current.length).split(' ')) {
    if (current.trim() !== '' && current.length + 1 + word.length > width) {
      lines.push(current)
      current = word
    } else {
      current = current.trim() === '' ? current + word : `${current} ${word}`
    }
  }
  lines.push(current)
  return lines
}
