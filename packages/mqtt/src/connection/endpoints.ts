import type { Endpoint, KnownServer, ServerList } from '../model/transport.js'
import type { Clock } from '../support/clock.js'
import { readServerReference } from '../transport/endpoint.js'

/**
 * The servers of one cluster, and what is known of their health: the first in order that has not failed lately; where
 * all have, the one whose failure is longest ago. So a client comes back to the server it prefers, but not to a dead
 * one with every attempt. [promise 16]
 */
export class Endpoints implements ServerList {
  readonly known: KnownServer[]
  readonly #avoidMs: number
  readonly #clock: Clock
  /** The server that the last one named; for one attempt. */
  #referred: Endpoint | undefined
  #last: Endpoint | undefined
  #tried = 0

  /** A failure is held against a server for `avoidMs`. */
  constructor(endpoints: readonly Endpoint[], avoidMs: number, clock: Clock) {
    this.known = endpoints.map((endpoint) => ({ endpoint, failedAtMs: undefined }))
    this.#avoidMs = avoidMs
    this.#clock = clock
  }

  /** The server in use, or the one that was tried last. */
  get last(): Endpoint | undefined {
    return this.#last
  }

  /** True where some server was not tried since `restart`, or one of them has named another. */
  get hasUntried(): boolean {
    return this.#tried < this.known.length || this.#referred !== undefined
  }

  restart(): void {
    this.#tried = 0
  }

  next(): Endpoint {
    this.#tried++
    const chosen = this.#referred ?? this.choose(this.known)
    this.#referred = undefined
    this.#last = chosen
    return chosen
  }

  choose(all: readonly KnownServer[]): Endpoint {
    const now = this.#clock.now()
    let best = all[0] as KnownServer
    for (const known of all) {
      if (known.failedAtMs === undefined || now - known.failedAtMs >= this.#avoidMs) return known.endpoint
      if (known.failedAtMs < (best.failedAtMs ?? 0)) best = known
    }
    return best.endpoint
  }

  failed(endpoint: Endpoint): void {
    const known = this.#find(endpoint)
    if (known !== undefined) known.failedAtMs = this.#clock.now()
  }

  held(endpoint: Endpoint): void {
    const known = this.#find(endpoint)
    if (known !== undefined) known.failedAtMs = undefined
  }

  /**
   * `from` named another server: for the next attempt, or for good (0x9D). A reference that cannot be read or asks
   * for another scheme, and so perhaps for a connection without TLS, is no reference. Section 4.11.
   */
  refer(reference: string | undefined, from: Endpoint, isForGood: boolean): void {
    if (reference === undefined) return
    const endpoint = readServerReference(reference, from)
    if (endpoint === undefined || endpoint.scheme !== from.scheme) return
    this.#referred = endpoint
    const known = isForGood ? this.#find(from) : undefined
    if (known === undefined) return
    known.endpoint = endpoint
    known.failedAtMs = undefined
  }

  #find(endpoint: Endpoint): KnownServer | undefined {
    return this.known.find((known) => known.endpoint === endpoint)
  }
}
