import type { Clock } from './clock.js'
import { WindowLimiter } from './window-limiter.js'

/**
 * Fields of a line of the log; `event` is the name that docs/logs.md has. They never hold passwords, tokens, keys or
 * payloads.
 */
export interface LogFields {
  readonly event: string
  readonly [field: string]: unknown
}

/** Where the broker's events go; a pino logger fits. */
export interface Log {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

function ignore(): void {}

export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore }

const RARELY_MS = 60_000

/** Passes on one line a minute, which tells how many it stands for. */
export class RareLog {
  readonly #log: Log
  readonly #lines: WindowLimiter
  #count = 0

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#lines = new WindowLimiter(() => 1, RARELY_MS, clock)
  }

  error(fields: LogFields, message: string): void {
    this.#count++
    if (!this.#lines.take()) return
    this.#log.error({ ...fields, times: this.#count }, message)
    this.#count = 0
  }
}

const LINES_PER_SECOND = 10

/** Passes on ten lines a second; the next one after that tells how many were left out. */
export class SparingLog implements Log {
  readonly #log: Log
  readonly #lines: WindowLimiter
  #leftOut = 0

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#lines = new WindowLimiter(() => LINES_PER_SECOND, 1000, clock)
  }

  debug(fields: LogFields, message: string): void {
    this.#write('debug', fields, message)
  }

  info(fields: LogFields, message: string): void {
    this.#write('info', fields, message)
  }

  warn(fields: LogFields, message: string): void {
    this.#write('warn', fields, message)
  }

  error(fields: LogFields, message: string): void {
    this.#write('error', fields, message)
  }

  #write(level: keyof Log, fields: LogFields, message: string): void {
    if (!this.#lines.take()) {
      this.#leftOut++
      return
    }
    if (this.#leftOut > 0)
      this.#log.warn(
        { event: 'broker.unauthenticated.left_out', leftOut: this.#leftOut },
        'left out lines about unauthenticated connections',
      )
    this.#leftOut = 0
    this.#log[level](fields, message)
  }
}
