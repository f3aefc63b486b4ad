import { EventEmitter } from 'node:events'
import { Connection } from '../connections/connection.js'
import type { ClientCertificate } from '../ports/authenticator.js'
import type { ByteStream } from '../ports/byte-stream.js'
import { BrokerError } from '../support/errors.js'
import { ByteLane, type LaneReader } from './byte-lane.js'
import type { ListenerContext } from './listener.js'

/** The address of clients in the broker's own process. */
export const IN_PROCESS = 'in-process'
/** Bytes that a client may have written and the broker not taken; then it waits. */
const CLIENT_FULL_FROM_BYTES = 1_048_576
/** The same the other way round, beneath the bound from which on the broker asks to be told. */
const BROKER_FULL_FROM_BYTES = 65_536

/** Told of what happens to a connection in the same process. After `onClose` it is told nothing more. */
export interface InProcessListener {
  onOpen(): void
  /** The chunk belongs to the listener. */
  onData(chunk: Uint8Array): void
  /** `write` had returned false, and all has been taken since. */
  onDrain(): void
  /** Exactly once; without an error where the broker ended the connection. */
  onClose(error: Error | undefined): void
}

/** The client's end of a connection in the broker's own process. It has the shape of a `Transport` of `@jamey/mqtt`. */
export interface InProcessTransport {
  /** Called once. */
  open(listener: InProcessListener): void
  /** Takes the chunks in any case, and copies them; false asks to wait for `onDrain`. */
  write(chunks: readonly Uint8Array[]): boolean
  /** Bytes that were written and that the broker has not taken. */
  readonly bufferedBytes: number
  /** Asks for no `onData` until `resume`. */
  pause(): void
  resume(): void
  /** Ends behind what was written. */
  close(): void
  /** Ends at once; nothing is told afterwards. */
  destroy(): void
}

export interface InProcessOptions {
  /**
   * Shown to the authenticator as one that a client showed in its TLS handshake. Whoever calls vouches that it is the
   * client's, is good now, and is of an authority that counts here.
   */
  readonly certificate?: ClientCertificate | undefined
}

/** Connections of clients in the broker's own process: no socket, no TLS, and all else as for any other. */
export class InProcessConnections {
  readonly #context: ListenerContext & { readonly isClosing: boolean }
  readonly #pipes = new Set<Pipe>()

  constructor(context: ListenerContext & { readonly isClosing: boolean }) {
    this.#context = context
  }

  get size(): number {
    return this.#pipes.size
  }

  connect({ certificate }: InProcessOptions): InProcessTransport {
    return new Pipe((pipe) => this.#open(pipe, certificate))
  }

  destroy(): void {
    for (const pipe of this.#pipes) pipe.stream.destroy()
  }

  /** Throws `BrokerError` once the broker closes. */
  #open(pipe: Pipe, certificate: ClientCertificate | undefined): void {
    const { connectionLimiter, counters, clock, limits, isClosing } = this.#context
    if (isClosing) throw new BrokerError('broker-closed', 'the broker closes; nobody connects any more')
    const entrant = { address: IN_PROCESS, begin: () => {}, wait: () => {}, refuse: () => {} }
    // The program itself has made it: no flood of strangers holds it up, and it takes no place of theirs.
    connectionLimiter.enter(entrant)
    counters.connectionsAccepted++
    this.#pipes.add(pipe)
    pipe.stream.once('close', () => {
      this.#pipes.delete(pipe)
      connectionLimiter.release(entrant)
    })
    const connectByMs = clock.now() + limits.connectTimeoutMs
    new Connection(this.#context, pipe.stream, { remoteAddress: IN_PROCESS, connectByMs, certificate })
  }
}

/** Both ends of one connection. The client's is this object, the broker's is its `stream`. */
class Pipe implements InProcessTransport {
  readonly stream: BrokerEnd
  readonly #onOpen: (pipe: Pipe) => void
  readonly #toBroker: ByteLane
  readonly #toClient: ByteLane
  #listener: InProcessListener | undefined
  #error: Error | undefined
  #isNew = true
  /** The broker has been told that all is over. */
  #isClosed = false

  constructor(onOpen: (pipe: Pipe) => void) {
    this.#onOpen = onOpen
    const client: LaneReader = {
      onData: (chunk) => this.#listener?.onData(chunk),
      onEnd: () => this.#onBrokerEnd(),
    }
    const broker: LaneReader = {
      onData: (chunk) => void this.stream.emit('data', chunk),
      onEnd: () => this.#onClientEnd(),
    }
    this.#toClient = new ByteLane(client, BROKER_FULL_FROM_BYTES, () => this.stream.emit('drain'))
    this.#toBroker = new ByteLane(broker, CLIENT_FULL_FROM_BYTES, () => this.#listener?.onDrain())
    this.stream = new BrokerEnd(this.#toClient, this.#toBroker, () => this.#onBrokerDestroyed())
  }

  get bufferedBytes(): number {
    return this.#toBroker.waitingBytes
  }

  open(listener: InProcessListener): void {
    this.#listener = listener
    process.nextTick(() => {
      if (this.#listener === undefined) return
      this.#isNew = false
      try {
        this.#onOpen(this)
        this.#listener.onOpen()
      } catch (error) {
        this.#error = error as Error
        this.#onBrokerEnd()
      }
    })
  }

  write(chunks: readonly Uint8Array[]): boolean {
    let hasRoom = true
    for (const chunk of chunks) hasRoom = this.#toBroker.write(chunk)
    return hasRoom
  }

  pause(): void {
    this.#toClient.pause()
  }

  resume(): void {
    this.#toClient.resume()
  }

  close(): void {
    if (this.#isNew) this.#toClient.end()
    else this.#toBroker.end()
  }

  destroy(): void {
    this.#listener = undefined
    this.#toClient.cut()
    // The broker takes what was written before, unless it waits for something: nothing would tell it of the end.
    if (this.#isNew || this.#toBroker.isPaused) this.#tellBroker()
    else this.#toBroker.end()
  }

  /** The client has got all that the broker wrote. */
  #onBrokerEnd(): void {
    const listener = this.#listener
    this.#listener = undefined
    this.#tellBroker()
    listener?.onClose(this.#error)
  }

  #onClientEnd(): void {
    this.stream.emit('end')
    // Nobody takes the answer.
    if (this.#listener === undefined) this.#tellBroker()
  }

  /** What was written before arrives all the same. */
  #onBrokerDestroyed(): void {
    this.#toClient.end()
    this.#tellBroker()
  }

  /** In a later turn, as of a socket. */
  #tellBroker(): void {
    this.#toBroker.cut()
    if (this.#isClosed) return
    this.#isClosed = true
    process.nextTick(() => this.stream.emit('close'))
  }
}

/** The broker's end: a stream as that of any connection. */
class BrokerEnd extends EventEmitter implements ByteStream {
  readonly #toClient: ByteLane
  readonly #fromClient: ByteLane
  readonly #onDestroy: () => void

  constructor(toClient: ByteLane, fromClient: ByteLane, onDestroy: () => void) {
    super()
    this.#toClient = toClient
    this.#fromClient = fromClient
    this.#onDestroy = onDestroy
  }

  get writableLength(): number {
    return this.#toClient.waitingBytes
  }

  write(chunk: Uint8Array): void {
    this.#toClient.write(chunk)
  }

  /** What is written in one turn arrives together as it is. */
  cork(): void {}

  uncork(): void {}

  pause(): void {
    this.#fromClient.pause()
  }

  resume(): void {
    this.#fromClient.resume()
  }

  end(): void {
    this.#toClient.end()
  }

  destroy(): void {
    this.#onDestroy()
  }
}
