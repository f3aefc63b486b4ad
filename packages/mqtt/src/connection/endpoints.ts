import type { Endpoint } from '../model/transport.js'
import type { Clock } from '../support/clock.js'
import { readServerReference } from '../transport/endpoint.js'

/** What one URL stands for: itself, or the servers that were found under its name. */
interface Group {
  readonly url: Endpoint
  servers: Known[]
}

interface Known {
  endpoint: Endpoint
  /** When it last failed; undefined where nothing is held against it. */
  failedAtMs: number | undefined
}

/**
 * The servers of one cluster, and what is known of their health: the first in order that has not failed lately; where
 * all have, the one whose failure is longest ago. So a client comes back to the server it prefers, but not to a dead
 * one with every attempt. [promise 16]
 */
export class Endpoints {
  readonly #groups: readonly Group[]
  readonly #avoidMs: number
  readonly #clock: Clock
  /** Where the last server sent us; for one attempt. */
  #referred: Endpoint | undefined
  #last: Endpoint | undefined
  #tried = 0

  /** A failure is held against a server for `avoidMs`. */
  constructor(endpoints: readonly Endpoint[], avoidMs: number, clock: Clock) {
    this.#groups = endpoints.map((url) => ({ url, servers: [unspoilt(url)] }))
    this.#avoidMs = avoidMs
    this.#clock = clock
  }

  /** In use, or tried last. */
  get last(): Endpoint | undefined {
    return this.#last
  }

  /** Whether not each had its turn since `restart`, or one of them has named another. */
  get hasUntried(): boolean {
    return this.#tried < this.#known.length || this.#referred !== undefined
  }

  /** Whether `find` has anything to do. */
  get hasNames(): boolean {
    return this.#groups.some(({ url }) => url.servers !== undefined)
  }

  restart(): void {
    this.#tried = 0
  }

  next(): Endpoint {
    this.#tried++
    this.#last = this.#referred ?? this.#best(this.#known)
    this.#referred = undefined
    return this.#last
  }

  /** The server to connect to where `endpoint` came of a name, as that is answered now, or was before. */
  async find(endpoint: Endpoint): Promise<Endpoint> {
    const group = this.#groups.find(({ servers }) => servers.some((known) => known.endpoint === endpoint))
    if (group?.url.servers === undefined) return endpoint
    try {
      const found = await group.url.servers()
      const before = new Map(group.servers.map((known) => [known.endpoint.href, known]))
      group.servers = found.map((server) => before.get(server.href) ?? unspoilt(server))
    } catch (error) {
      if (endpoint === group.url) throw error
    }
    this.#last = this.#best(group.servers)
    return this.#last
  }

  get #known(): readonly Known[] {
    return this.#groups.flatMap(({ servers }) => servers)
  }

  #best(all: readonly Known[]): Endpoint {
    const now = this.#clock.now()
    let best = all[0] as Known
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

  #find(endpoint: Endpoint): Known | undefined {
    return this.#known.find((known) => known.endpoint === endpoint)
  }
}

function unspoilt(endpoint: Endpoint): Known {
  return { endpoint, failedAtMs: undefined }
}
