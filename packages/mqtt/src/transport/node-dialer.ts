import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import type { Clock } from '../support/clock.js'
import { NodeAddresses } from './node-addresses.js'
import { greet, type ProxyServer, tunnel, unreachable } from './node-proxy.js'

/** Time after which the next address is tried beside one that does not answer. RFC 8305 section 5. */
const NEXT_ADDRESS_MS = 250
/** A connection that lasts as long counts for its address. */
const HELD_MS = 5000

export type LookUp = (host: string) => Promise<readonly LookupAddress[]>
export type OpenSocket = (address: string, port: number) => Socket
/** The proxy for a server; undefined where the connection is made without one. */
export type ProxyFor = (host: string, port: number, isSecure: boolean) => ProxyServer | undefined

/** The address is picked here, so that Node gives none up after a time of its own, which no option reaches. */
function openSocket(address: string, port: number): Socket {
  return connect({ host: address, port, autoSelectFamily: false })
}

/**
 * Makes TCP connections: to whichever address of the name answers first. None of them is given up before the caller's
 * own patience ends, however long it takes; and one that takes connections but does not keep them is avoided next time.
 */
export class NodeDialer {
  readonly #clock: Clock
  readonly #avoidMs: number
  readonly #lookUp: LookUp
  readonly #open: OpenSocket
  readonly #proxyFor: ProxyFor
  readonly #byTarget = new Map<string, NodeAddresses>()

  /** A failure is held against an address for `avoidMs`. `proxyFor` is asked for every connection. */
  constructor(
    clock: Clock,
    avoidMs: number,
    lookUp: LookUp = (host) => lookup(host, { all: true }),
    open: OpenSocket = openSocket,
    proxyFor: ProxyFor = () => undefined,
  ) {
    this.#clock = clock
    this.#avoidMs = avoidMs
    this.#lookUp = lookUp
    this.#open = open
    this.#proxyFor = proxyFor
  }

  /** True where another attempt would begin with an address that has not failed lately. */
  hasHealthy(host: string, port: number): boolean {
    return this.#byTarget.get(`${host} ${port}`)?.hasHealthy === true
  }

  /** `isSecure`: it is to carry TLS. Rejects where no address takes a connection, or with the reason of `signal`. */
  async dial(host: string, port: number, signal: AbortSignal, isSecure = false): Promise<Socket> {
    const proxy = this.#proxyFor(host, port, isSecure)
    if (proxy === undefined) return this.#dial(host, port, signal)
    const raw = await this.#dial(proxy.host, proxy.port, signal).catch((error: Error) => {
      throw signal.aborted ? error : unreachable(proxy, error)
    })
    const socket = await greet(raw, proxy, signal)
    await tunnel(socket, proxy, host, port, signal)
    return socket
  }

  async #dial(host: string, port: number, signal: AbortSignal): Promise<Socket> {
    const addresses = this.#addressesOf(host, port)
    const candidates = addresses.inOrder(await this.#found(host, signal))
    return new Race(candidates, (address) => this.#open(address, port), addresses, this.#clock).run(signal)
  }

  /** Judges the address of `raw` by how long the connection lasts; `socket` is what is used of it, TLS perhaps. */
  watch(raw: Socket, socket: Socket, host: string, port: number): void {
    const { remoteAddress } = raw
    if (remoteAddress === undefined) return
    const addresses = this.#addressesOf(host, port)
    const sinceMs = this.#clock.now()
    let isOurEnd = false
    let isTheirEnd = false
    socket.once('finish', () => {
      isOurEnd = !isTheirEnd
    })
    socket.once('end', () => {
      isTheirEnd = true
    })
    socket.once('close', () => {
      if (this.#clock.now() - sinceMs >= HELD_MS) addresses.held(remoteAddress)
      else if (!isOurEnd) addresses.failed(remoteAddress)
    })
  }

  #addressesOf(host: string, port: number): NodeAddresses {
    const target = `${host} ${port}`
    const addresses = this.#byTarget.get(target) ?? new NodeAddresses(this.#clock, this.#avoidMs)
    this.#byTarget.set(target, addresses)
    return addresses
  }

  async #found(host: string, signal: AbortSignal): Promise<readonly LookupAddress[]> {
    const family = isIP(host)
    if (family !== 0) return [{ address: host, family }]
    return Promise.race([this.#lookUp(host), rejectionOf(signal)])
  }
}

/** Connections to several addresses, each begun a moment after the one before; the first that is there wins. */
class Race {
  readonly #waiting: string[]
  readonly #open: (address: string) => Socket
  readonly #addresses: NodeAddresses
  readonly #clock: Clock
  readonly #running = new Map<Socket, string>()
  readonly #failures: { address: string; error: Error }[] = []
  #timer: unknown
  #resolve!: (socket: Socket) => void
  #reject!: (error: Error) => void

  constructor(
    candidates: readonly string[],
    open: (address: string) => Socket,
    addresses: NodeAddresses,
    clock: Clock,
  ) {
    this.#waiting = [...candidates]
    this.#open = open
    this.#addresses = addresses
    this.#clock = clock
  }

  async run(signal: AbortSignal): Promise<Socket> {
    const onAbort = (): void => {
      for (const address of this.#running.values()) this.#addresses.failed(address)
      this.#reject(signal.reason as Error)
    }
    try {
      return await new Promise((resolve, reject) => {
        this.#resolve = resolve
        this.#reject = reject
        if (signal.aborted) return onAbort()
        signal.addEventListener('abort', onAbort)
        this.#next()
      })
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#clock.clearTimeout(this.#timer)
      for (const socket of this.#running.keys()) socket.destroy()
    }
  }

  #next(): void {
    this.#clock.clearTimeout(this.#timer)
    const address = this.#waiting.shift()
    if (address === undefined) {
      if (this.#running.size === 0) this.#reject(failureOf(this.#failures))
      return
    }
    const socket = this.#open(address)
    this.#running.set(socket, address)
    socket.once('connect', () => {
      this.#running.delete(socket)
      this.#resolve(socket)
    })
    socket.once('error', (error) => {
      if (!this.#running.delete(socket)) return
      this.#addresses.failed(address)
      this.#failures.push({ address, error })
      this.#next()
    })
    this.#timer = this.#clock.setTimeout(() => this.#next(), NEXT_ADDRESS_MS)
  }
}

/** One error for all attempts: the only one, or the sum of them. */
function failureOf(failures: readonly { address: string; error: Error }[]): Error {
  const [first] = failures
  if (first === undefined) return new Error('the name has no address')
  const codes = new Set(failures.map(({ error }) => (error as NodeJS.ErrnoException).code))
  if (codes.size === 1) return first.error
  const all = failures.map(({ address, error }) => `${address}: ${error.message}`).join('; ')
  return new Error(`no address takes a connection (${all})`)
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
