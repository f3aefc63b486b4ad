/** The calls by which a client's transport tells what happens; the shape is that of the client's own listener. */
interface Listener {
  onOpen(): void
  onData(chunk: Uint8Array): void
  onDrain(): void
  onClose(error: Error | undefined): void
}

/**
 * One connection without a network: bytes lie in two pipes until a test moves them on, byte by byte where it likes,
 * or breaks the connection and so loses what lies there.
 */
export class MemoryLink {
  /** True while neither side has ended it. */
  isOpen = false
  #listener: Listener | undefined
  #toServer: Buffer = Buffer.alloc(0)
  #toClient: Buffer = Buffer.alloc(0)

  /** Bytes the client wrote and the server has not read. */
  get bytesToServer(): number {
    return this.#toServer.length
  }

  /** Bytes the server wrote and the client has not read. */
  get bytesToClient(): number {
    return this.#toClient.length
  }

  /** The client's side, while it has not let go of it; a test may tell it what it must ignore. */
  get listener(): Listener | undefined {
    return this.#listener
  }

  open(listener: Listener): void {
    this.#listener = listener
    this.isOpen = true
    queueMicrotask(() => this.#listener?.onOpen())
  }

  write(chunks: readonly Uint8Array[]): boolean {
    this.#toServer = Buffer.concat([this.#toServer, ...chunks])
    return true
  }

  pause(): void {}
  resume(): void {}

  close(): void {
    this.cut()
  }

  destroy(): void {
    this.isOpen = false
    this.#listener = undefined
  }

  /** The bytes that the server reads next, `bytes` at the most. */
  readAsServer(bytes = Number.POSITIVE_INFINITY): Buffer {
    const read = this.#toServer.subarray(0, bytes)
    this.#toServer = this.#toServer.subarray(read.length)
    return read
  }

  writeAsServer(chunks: readonly Uint8Array[]): void {
    this.#toClient = Buffer.concat([this.#toClient, ...chunks])
  }

  /** Lets the client read, `bytes` at the most. */
  deliverToClient(bytes = Number.POSITIVE_INFINITY): void {
    const chunk = this.#toClient.subarray(0, bytes)
    this.#toClient = this.#toClient.subarray(chunk.length)
    if (chunk.length > 0) this.#listener?.onData(chunk)
  }

  /** Breaks it: what lies in the pipes is lost. */
  cut(): void {
    if (!this.isOpen) return
    this.isOpen = false
    const listener = this.#listener
    this.#listener = undefined
    listener?.onClose(Object.assign(new Error('the network is down'), { code: 'ENETDOWN' }))
  }
}

/** A client's option `transport` that makes connections without a network. */
export class MemoryNetwork {
  readonly links: MemoryLink[] = []

  readonly transport = (): MemoryLink => {
    const link = new MemoryLink()
    this.links.push(link)
    return link
  }

  /** The newest connection. */
  get link(): MemoryLink | undefined {
    return this.links.at(-1)
  }
}
