import type { Clock } from './clock.js'
import { ConnectRate } from './connect-rate.js'
import type { Limits } from './limits.js'

interface Count {
  sockets: number
  passed: number
}

/** Counts sockets by address from the moment they are accepted, and those among them whose CONNECT was accepted. */
export class Admission {
  /** Others after a reload. */
  limits: Limits
  readonly #rate: ConnectRate
  readonly #byNetwork = new Map<string, Count>()
  readonly #all: Count = { sockets: 0, passed: 0 }

  constructor(limits: Limits, clock: Clock) {
    this.limits = limits
    this.#rate = new ConnectRate(clock)
  }

  /** Why a socket may not come in; undefined: it is in, and `exit` is to be called when it is gone. */
  enter(address: string): string | undefined {
    const { connectionsPerAddress, pendingConnections, pendingPerAddress } = this.limits
    const network = networkOf(address)
    const { sockets, passed } = this.#byNetwork.get(network) ?? { sockets: 0, passed: 0 }
    if (sockets >= connectionsPerAddress) return `${sockets} connections from this address are there already`
    const pendingHere = sockets - passed
    if (pendingHere >= pendingPerAddress)
      return `${pendingHere} of this address wait for their CONNECT already`
    const pending = this.#all.sockets - this.#all.passed
    if (pending >= pendingConnections) return `${pending} connections wait for their CONNECT already`
    const haste = this.#rate.take(network, this.limits)
    if (haste === undefined) this.#count(address, 1, 0)
    return haste
  }

  /** As `enter`, for a load balancer's socket whose client is not known yet: it counts for no address. */
  enterUnnamed(): string | undefined {
    const pending = this.#all.sockets - this.#all.passed
    if (pending >= this.limits.pendingConnections)
      return `${pending} connections wait for their CONNECT already`
    this.#all.sockets++
    return undefined
  }

  exitUnnamed(): void {
    this.#all.sockets--
  }

  exit(address: string): void {
    this.#count(address, -1, 0)
  }

  /** A CONNECT was accepted; `leave` is to be called when that connection is over. */
  pass(address: string): void {
    this.#count(address, 0, 1)
  }

  leave(address: string): void {
    this.#count(address, 0, -1)
  }

  #count(address: string, sockets: number, passed: number): void {
    const network = networkOf(address)
    const count = this.#byNetwork.get(network) ?? { sockets: 0, passed: 0 }
    for (const at of [count, this.#all]) {
      at.sockets += sockets
      at.passed += passed
    }
    // A socket and the connection on it end in either order.
    if (count.sockets === 0 && count.passed === 0) this.#byNetwork.delete(network)
    else this.#byNetwork.set(network, count)
  }
}

/** Whoever has one IPv6 address has the 2^64 of its network, too, so these count as one. */
export function networkOf(address: string): string {
  if (!address.includes(':') || address.startsWith('unix:')) return address
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? 0 : tail.split(':').length
  const zeros = tail === undefined ? 0 : 8 - groups.length - after
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...(tail?.split(':') ?? [])]
  return `${all.slice(0, 4).join(':')}::/64`
}
