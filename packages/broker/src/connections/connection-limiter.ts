import type { Clock } from '../support/clock.js'
import { Deadline } from '../support/deadline.js'
import type { Limits } from '../support/limits.js'
import { ConnectRate } from './connect-rate.js'

interface Count {
  sockets: number
  passed: number
  waiting: number
}

/** A socket that was accepted. */
export interface PendingSocket {
  /**
   * Undefined where it is not known yet, or where a load balancer connects for itself: neither counts for an address.
   */
  readonly address: string | undefined
  /** The socket may go on to its TLS handshake. Called once at the most, perhaps at once. */
  begin(): void
  /** It has to wait for that. */
  wait(): void
  refuse(reason: string): void
}

interface Waiting {
  readonly socket: PendingSocket
  readonly untilMs: number
}

const TURN_MS = 1000
/** The network of a socket without an address. */
const NO_NETWORK = ''

/**
 * Counts sockets by address from the moment they are accepted, and those among them whose CONNECT was accepted. One for
 * which there is no place among those that have not passed CONNECT, or which came in haste, waits for its turn: in
 * order within its address, and in turn with those of other addresses.
 */
export class ConnectionLimiter {
  readonly #clock: Clock
  readonly #rate: ConnectRate
  readonly #byNetwork = new Map<string, Count>()
  readonly #all: Count = { sockets: 0, passed: 0, waiting: 0 }
  readonly #queues = new Map<string, Waiting[]>()
  readonly #inside = new Set<PendingSocket>()
  readonly #nextTurn: Deadline
  #limits: Limits

  constructor(limits: Limits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#rate = new ConnectRate(clock)
    this.#nextTurn = new Deadline(clock, () => this.#turn())
  }

  /** Others after a reload. */
  set limits(limits: Limits) {
    this.#limits = limits
    this.#letIn()
  }

  /** Number of sockets that wait for their turn. */
  get waiting(): number {
    return this.#all.waiting
  }

  /** Begins, refuses, or has it wait; whatever it was, `release` is to be called when the socket is gone. */
  accept(socket: PendingSocket): void {
    const { connectionsPerAddress, waitingConnections, connectTimeoutMs } = this.#limits
    const network = networkOfSocket(socket)
    const { sockets, waiting } = this.#countOf(network)
    if (network !== NO_NETWORK && sockets >= connectionsPerAddress)
      return socket.refuse(`${sockets} connections from this address are there already`)
    const obstacle = waiting > 0 ? 'others of this address wait' : this.#obstacle(network)
    if (obstacle === undefined) return this.#begin(socket, network)
    // No address may have all places.
    const isFull = this.#all.waiting >= waitingConnections || waiting * 2 >= waitingConnections
    if (isFull) return socket.refuse(`${obstacle}, and ${this.#all.waiting} connections wait for their turn`)
    this.#add(network, 'sockets', 1)
    this.#add(network, 'waiting', 1)
    const queue = this.#queues.get(network) ?? []
    this.#queues.set(network, queue)
    queue.push({ socket, untilMs: this.#clock.now() + connectTimeoutMs })
    socket.wait()
    if (this.#all.waiting === 1) this.#nextTurn.set(this.#clock.now() + TURN_MS)
  }

  /** Counts a connection of this process's own: no limit holds it up. `release` is to be called when it is over. */
  enter(socket: PendingSocket): void {
    this.#begin(socket, networkOfSocket(socket))
  }

  /** The socket is gone. */
  release(socket: PendingSocket): void {
    const network = networkOfSocket(socket)
    if (this.#inside.delete(socket)) this.#add(network, 'sockets', -1)
    else if (!this.#forget(socket, network)) return
    this.#letIn()
  }

  /** A CONNECT was accepted; `disconnected` is to be called when that connection is over. */
  connected(address: string): void {
    this.#add(networkOf(address), 'passed', 1)
    this.#letIn()
  }

  disconnected(address: string): void {
    this.#add(networkOf(address), 'passed', -1)
  }

  stop(): void {
    this.#nextTurn.clear()
  }

  /** Counts one more socket where nothing is in its way, or says what is. */
  #obstacle(network: string): string | undefined {
    const pending = pendingOf(this.#all)
    if (pending >= this.#limits.pendingConnections)
      return `${pending} connections wait for their CONNECT already`
    if (network !== NO_NETWORK) {
      const pendingHere = pendingOf(this.#countOf(network))
      if (pendingHere >= this.#limits.pendingPerAddress)
        return `${pendingHere} of this address wait for their CONNECT already`
    }
    return this.#rate.take(network, this.#limits)
  }

  #begin(socket: PendingSocket, network: string): void {
    this.#inside.add(socket)
    this.#add(network, 'sockets', 1)
    socket.begin()
  }

  /** Addresses take turns, one socket each, for as long as there is room. */
  #letIn(): void {
    for (const [network, queue] of this.#queues) {
      if (pendingOf(this.#all) >= this.#limits.pendingConnections || !this.#rate.hasRoom(this.#limits)) return
      if (this.#obstacle(network) !== undefined) continue
      const { socket } = queue[0] as Waiting
      this.#forget(socket, network)
      if (queue.length > 0) {
        // It is the last from now on, and its next one has its turn when those of the others had theirs.
        this.#queues.delete(network)
        this.#queues.set(network, queue)
      }
      this.#begin(socket, network)
    }
  }

  /** A second is over. */
  #turn(): void {
    const nowMs = this.#clock.now()
    for (const [network, queue] of this.#queues) {
      for (let first = queue[0]; first !== undefined && first.untilMs <= nowMs; first = queue[0]) {
        this.#forget(first.socket, network)
        first.socket.refuse('its turn did not come in time')
      }
    }
    this.#letIn()
    if (this.#all.waiting > 0) this.#nextTurn.set(nowMs + TURN_MS)
  }

  /** It waits no more; false: it did not. */
  #forget(socket: PendingSocket, network: string): boolean {
    const queue = this.#queues.get(network)
    const at = queue?.findIndex((waiting) => waiting.socket === socket) ?? -1
    if (queue === undefined || at < 0) return false
    queue.splice(at, 1)
    if (queue.length === 0) this.#queues.delete(network)
    this.#add(network, 'waiting', -1)
    this.#add(network, 'sockets', -1)
    if (this.#all.waiting === 0) this.#nextTurn.clear()
    return true
  }

  #countOf(network: string): Readonly<Count> {
    return this.#byNetwork.get(network) ?? { sockets: 0, passed: 0, waiting: 0 }
  }

  #add(network: string, what: keyof Count, by: number): void {
    const count = this.#byNetwork.get(network) ?? { sockets: 0, passed: 0, waiting: 0 }
    count[what] += by
    this.#all[what] += by
    // A socket and the connection on it end in either order.
    if (count.sockets === 0 && count.passed === 0) this.#byNetwork.delete(network)
    else this.#byNetwork.set(network, count)
  }
}

function pendingOf({ sockets, passed, waiting }: Readonly<Count>): number {
  return sockets - passed - waiting
}

function networkOfSocket({ address }: PendingSocket): string {
  return address === undefined ? NO_NETWORK : networkOf(address)
}

/** An owner of one IPv6 address has the 2^64 of its network, too, so all of these count as one. */
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
