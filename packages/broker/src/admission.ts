import type { Limits } from './limits.js'

/** Counts the sockets of each address, and those that have not said CONNECT yet. */
export class Admission {
  readonly #limits: Limits
  readonly #byAddress = new Map<string, number>()
  readonly #pending: () => number

  /** `pending` tells how many connections have not passed CONNECT. */
  constructor(limits: Limits, pending: () => number) {
    this.#limits = limits
    this.#pending = pending
  }

  /** Why a connection may not come in; undefined: it is in, and `exit` is to be called when it is gone. */
  enter(address: string): string | undefined {
    const { connectionsPerAddress, pendingConnections } = this.#limits
    const count = this.#byAddress.get(address) ?? 0
    if (count >= connectionsPerAddress) return `${count} connections from this address are there already`
    const pending = this.#pending()
    if (pending >= pendingConnections) return `${pending} connections wait for their CONNECT already`
    this.#byAddress.set(address, count + 1)
    return undefined
  }

  exit(address: string): void {
    const count = this.#byAddress.get(address) ?? 0
    if (count > 1) this.#byAddress.set(address, count - 1)
    else this.#byAddress.delete(address)
  }
}
