import type { Clock } from './clock.js'
import { WindowLimiter } from './window-limiter.js'

/**
 * Where the broker's events go; a pino logger fits. Fields never hold passwords, tokens, keys or payloads.
 */
export interface Log {
  debug(fields: Record<string, unknown>, message: string): void
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
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

  error(fields: Record<string, unknown>, message: string): void {
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

  debug(fields: Record<string, unknown>, message: string): void {
    this.#write('debug', fields, message)
  }

  info(fields: Record<string, unknown>, message: string): void {
    this.#write('info', fields, message)
  }

  warn(fields: Record<string, unknown>, message: string): void {
    this.#write('warn', fields, message)
  }

  error(fields: Record<string, unknown>, message: string): void {
    this.#write('error', fields, message)
  }

  #write(level: keyof Log, fields: Record<string, unknown>, message: string): void {
    if (!this.#lines.take()) {
      this.#leftOut++
      return
    }
    if (this.#leftOut > 0)
      this.#log.warn({ leftOut: this.#leftOut }, 'left out lines about unauthenticated connections')
    this.#leftOut = 0
    this.#log[level](fields, message)
  }
}
