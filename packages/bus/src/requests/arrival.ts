import type { Clock } from '../support/clock.js'
import type { MqttPort } from '../wire/mqtt-port.js'

const SHORTEST_MS = 2000
const LONGEST_MS = 30_000

/**
 * The time after a connection in which a server may only have been restarted. One that knows nobody then will know those
 * who serve, who come back like we did: where they wait twice as long with each attempt, at most as late as the server
 * was away. One that refuses may not have loaded its rules yet, as VerneMQ, which listens before.
 */
export class Arrival {
  readonly stop: () => void
  readonly #clock: Clock
  #lostAtMs = Number.POSITIVE_INFINITY
  #endsAtMs = Number.NEGATIVE_INFINITY

  constructor(port: MqttPort, clock: Clock) {
    this.#clock = clock
    this.stop = port.onState(({ state }) => {
      if (state === 'connected') this.#begin()
      else this.#lostAtMs = Math.min(this.#lostAtMs, clock.now())
    })
  }

  get isUnderway(): boolean {
    return this.#clock.now() < this.#endsAtMs
  }

  #begin(): void {
    const nowMs = this.#clock.now()
    const awayMs = Math.max(SHORTEST_MS, nowMs - this.#lostAtMs)
    this.#endsAtMs = nowMs + Math.min(awayMs, LONGEST_MS)
    this.#lostAtMs = Number.POSITIVE_INFINITY
  }
}
