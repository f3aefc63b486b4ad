import type { Clock } from '../support/clock.js'
import type { Limits } from '../support/limits.js'

const PERIOD_MS = 1000

/** Counts the sockets accepted in a second, by network and in all. The next second begins with the first one after it. */
export class ConnectRate {
  readonly #clock: Clock
  readonly #byNetwork = new Map<string, number>()
  #beganAtMs = Number.NEGATIVE_INFINITY
  #all = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** True where one more connection may come in this second. */
  hasRoom({ connectionsPerSecond }: Limits): boolean {
    this.#turnOver()
    return this.#all < connectionsPerSecond
  }

  /** Counts one more connection, or says why it is too many for this second. None is counted for an empty `network`. */
  take(network: string, limits: Limits): string | undefined {
    if (network === '') return undefined
    this.#turnOver()
    const { connectionsPerSecond, connectionsPerSecondPerAddress } = limits
    if (this.#all >= connectionsPerSecond) return `${this.#all} connections came within a second already`
    const here = this.#byNetwork.get(network) ?? 0
    if (here >= connectionsPerSecondPerAddress)
      return `${here} connections came from this address within a second already`
    this.#byNetwork.set(network, here + 1)
    this.#all++
    return undefined
  }

  #turnOver(): void {
    const nowMs = this.#clock.now()
    if (nowMs - this.#beganAtMs < PERIOD_MS) return
    this.#beganAtMs = nowMs
    this.#all = 0
    this.#byNetwork.clear()
  }
}
