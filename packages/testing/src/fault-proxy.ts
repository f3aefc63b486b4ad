import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { FaultyPipe } from './faulty-pipe.js'

export interface Faults {
  /** Milliseconds by which every chunk is late, in both directions. Order is kept. */
  delayMs?: number | undefined
  /** Both sockets break after this many bytes from the client, counted per connection; the rest is lost. */
  cutAfterClientBytes?: number | undefined
  /** Both sockets break after this many bytes from the server, counted per connection; the rest is lost. */
  cutAfterServerBytes?: number | undefined
  /** Bytes are swallowed and nothing is closed, as by a cable that was pulled. */
  isHalfOpen?: boolean | undefined
  /** The bytes of this side are swallowed, and so is its end; the other direction works. */
  drops?: 'client' | 'server' | undefined
  /** Nothing is read from either side, so that their sockets fill up, as by a process that hangs. Nothing is lost. */
  isStalled?: boolean | undefined
  /** Bytes per second and direction. Who sends faster than that finds its socket full. */
  bytesPerSecond?: number | undefined
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  readonly pipes: readonly FaultyPipe[]
}

/** A TCP proxy on 127.0.0.1 that harms what passes. Faults may be changed at any time and hold for what comes then. */
export class FaultProxy {
  /** Bytes that were swallowed. */
  swallowedBytes = 0
  #faults: Faults = {}
  readonly #targetPort: number
  readonly #server: Server
  readonly #pairs = new Set<Pair>()

  private constructor(targetPort: number) {
    this.#targetPort = targetPort
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#onConnection(client))
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

  get faults(): Faults {
    return this.#faults
  }

  set faults(faults: Faults) {
    this.#faults = faults
    for (const { pipes } of this.#pairs) for (const pipe of pipes) pipe.regulate()
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
    const server = connect({ port: this.#targetPort, host: '127.0.0.1', allowHalfOpen: true })
    const onLimit = (): void => this.#cut(pair)
    const onSwallowed = (bytes: number): void => {
      this.swallowedBytes += bytes
    }
    const pair: Pair = {
      client,
      server,
      pipes: [
        new FaultyPipe(client, server, () => pipeFaults(this.#faults, 'client'), onLimit, onSwallowed),
        new FaultyPipe(server, client, () => pipeFaults(this.#faults, 'server'), onLimit, onSwallowed),
      ],
    }
    this.#pairs.add(pair)
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', (hasFailed) => {
        const { isHalfOpen } = this.#faults
        if (!isHalfOpen && (hasFailed || other.destroyed)) this.#cut(pair)
      })
    }
  }

  #cut(pair: Pair): void {
    this.#pairs.delete(pair)
    pair.client.destroy()
    pair.server.destroy()
    for (const pipe of pair.pipes) pipe.stop()
  }
}

function pipeFaults(faults: Faults, from: 'client' | 'server') {
  return {
    delayMs: faults.delayMs ?? 0,
    bytesPerSecond: faults.bytesPerSecond,
    isStalled: faults.isStalled === true,
    isSwallowed: faults.isHalfOpen === true || faults.drops === from,
    cutAfterBytes:
      (from === 'client' ? faults.cutAfterClientBytes : faults.cutAfterServerBytes) ??
      Number.POSITIVE_INFINITY,
  }
}
