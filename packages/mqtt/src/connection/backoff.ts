import type { ReconnectSettings } from '../model/settings.js'
import type { Finding } from './connector-listener.js'

/**
 * The delays between attempts, and the breaker: 0, base, 2 x base, ... up to the maximum, each moved by chance, until
 * as many failures as allowed followed each other. Only a connection that held a while starts the count anew.
 */
export class Backoff {
  readonly #settings: ReconnectSettings
  readonly #random: () => number
  #retries = 0
  #failures = 0

  constructor(settings: ReconnectSettings, random: () => number = Math.random) {
    this.#settings = settings
    this.#random = random
  }

  get failures(): number {
    return this.#failures
  }

  get isOpen(): boolean {
    return this.#failures >= this.#settings.failuresBeforeOpen
  }

  /** An attempt failed, or a connection was lost before it had held. */
  fail(): void {
    this.#failures++
  }

  /** Milliseconds until the next attempt. */
  next(): number {
    const { baseDelayMs, maxDelayMs, jitter } = this.#settings
    const retry = this.#retries++
    if (retry === 0) return 0
    const delayMs = Math.min(maxDelayMs, baseDelayMs * 2 ** (retry - 1))
    return delayMs * (1 + jitter * (2 * this.#random() - 1))
  }

  /** A server that is well but for one packet is tried again after the base delay. */
  learn(finding: Finding): void {
    if (finding === 'none') return
    this.#retries = Math.min(this.#retries, 1)
    // The cause of the last failures is gone.
    if (finding === 'found') this.#failures = 0
  }

  reset(): void {
    this.#retries = 0
    this.#failures = 0
  }
}
