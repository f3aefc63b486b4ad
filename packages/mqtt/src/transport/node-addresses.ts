import type { LookupAddress } from 'node:dns'
import type { Clock } from '../support/clock.js'

/** The facts that were found out about one address of a server. */
interface Known {
  readonly address: string
  failedAtMs: number | undefined
}

/**
 * The addresses of one name and port, and what is known of their health: as with `urls`, one that has failed lately is
 * passed over where there is another. Those of both families take turns. RFC 8305 section 4.
 */
export class NodeAddresses {
  readonly #clock: Clock
  readonly #avoidMs: number
  #known: Known[] = []

  constructor(clock: Clock, avoidMs: number) {
    this.#clock = clock
    this.#avoidMs = avoidMs
  }

  /** True where there are several addresses, of which one has not failed lately. */
  get hasHealthy(): boolean {
    return this.#known.length > 1 && this.#known.some((known) => !this.#isAvoided(known))
  }

  /** All addresses that were found, the best first. */
  inOrder(found: readonly LookupAddress[]): string[] {
    const first = found.filter(({ family }) => family === found[0]?.family)
    const others = found.filter((one) => !first.includes(one))
    const inTurns = first.flatMap((one, i) => [one, ...others.slice(i, i + 1)])
    const all = [...inTurns, ...others.slice(first.length)].map(({ address }) => address)
    this.#known = all.map((address) => this.#find(address) ?? { address, failedAtMs: undefined })
    const avoided = this.#known.filter((known) => this.#isAvoided(known))
    const healthy = this.#known.filter((known) => !avoided.includes(known))
    avoided.sort((a, b) => (a.failedAtMs ?? 0) - (b.failedAtMs ?? 0))
    return [...healthy, ...avoided].map(({ address }) => address)
  }

  failed(address: string): void {
    const known = this.#find(address)
    if (known !== undefined) known.failedAtMs = this.#clock.now()
  }

  held(address: string): void {
    const known = this.#find(address)
    if (known !== undefined) known.failedAtMs = undefined
  }

  #find(address: string): Known | undefined {
    return this.#known.find((known) => known.address === address)
  }

  #isAvoided({ failedAtMs }: Known): boolean {
    return failedAtMs !== undefined && this.#clock.now() - failedAtMs < this.#avoidMs
  }
}
