import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export interface Faults {
  /** Milliseconds by which every chunk is late, in both directions. */
  delayMs?: number | undefined
  /** Both sockets break after this many bytes from the client, counted per connection; the rest is lost. */
  cutAfterClientBytes?: number | undefined
  /** The same for bytes from the server. */
  cutAfterServerBytes?: number | undefined
  /** Bytes are swallowed and nothing is closed, as by a cable that was pulled. */
  isHalfOpen?: boolean | undefined
  /** Bytes per second and direction. */
  bytesPerSecond?: number | undefined
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

/** A TCP proxy on 127.0.0.1 that harms what passes. Faults may be changed at any time and hold for what comes then. */
export class FaultProxy {
  faults: Faults = {}
  /** Bytes that came while half open. */
  swallowedBytes = 0
  readonly #targetPort: number
  readonly #server: Server
  readonly #pairs = new Set<Pair>()

  private constructor(targetPort: number) {
    this.#targetPort = targetPort
    this.#server = createServer((client) => this.#onConnection(client))
  }

  static async listen(targetPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', () => resolve()))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get connections(): number {
    return this.#pairs.size
  }

  /** Breaks all connections there are; new ones are welcome. */
  cutAll(): void {
    for (const pair of this.#pairs) this.#cut(pair)
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.cutAll()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #onConnection(client: Socket): void {
    const server = connect(this.#targetPort, '127.0.0.1')
    const pair: Pair = { client, server }
    this.#pairs.add(pair)
    client.setNoDelay(true)
    server.setNoDelay(true)
    this.#pipe(pair, client, server, () => this.faults.cutAfterClientBytes)
    this.#pipe(pair, server, client, () => this.faults.cutAfterServerBytes)
  }

  #pipe(pair: Pair, from: Socket, to: Socket, cutAfter: () => number | undefined): void {
    let passed = 0
    let freeAtMs = 0
    from.on('data', (chunk: Buffer) => {
      if (this.faults.isHalfOpen) {
        this.swallowedBytes += chunk.length
        return
      }
      const limit = cutAfter() ?? Number.POSITIVE_INFINITY
      const rest = chunk.subarray(0, Math.max(0, limit - passed))
      passed += chunk.length
      const { delayMs = 0, bytesPerSecond } = this.faults
      const now = performance.now()
      freeAtMs = Math.max(freeAtMs, now)
      if (bytesPerSecond !== undefined) freeAtMs += (rest.length / bytesPerSecond) * 1000
      const lateMs = freeAtMs - now + delayMs
      const pass = (): void => {
        if (to.destroyed) return
        if (passed < limit) to.write(rest)
        // What was let through arrives before the end does.
        else to.write(rest, () => this.#cut(pair))
      }
      if (lateMs > 0) setTimeout(pass, lateMs)
      else pass()
    })
    from.on('error', () => {})
    from.on('close', () => {
      if (!this.faults.isHalfOpen) this.#cut(pair)
    })
  }

  #cut(pair: Pair): void {
    this.#pairs.delete(pair)
    pair.client.destroy()
    pair.server.destroy()
  }
}
