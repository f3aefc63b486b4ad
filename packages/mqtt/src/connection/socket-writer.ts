import { Writer } from '@jamey/protocol'
import type { Counters } from '../model/stats.js'
import type { Transport } from '../model/transport.js'
import { afterTurn, cancelTurn } from '../support/after-turn.js'
import type { Clock } from '../support/clock.js'

/** A batch this long goes to the socket without waiting for the end of the turn. */
const FLUSH_FROM_BYTES = 65_536
/** Bytes that one turn of the event loop may send; then the rest of the process gets a chance. */
const BYTES_PER_TURN = 1_048_576

export interface SocketWriterListener {
  /** There is room again after `isWritable` was false. */
  onWritable(): void
  /** The socket has taken nothing for the whole write time-out. */
  onStuck(): void
}

/**
 * The output of one connection. Packets are encoded into `writer`; `written()` sees to it that they leave with one
 * write at the end of this turn of the event loop, or as soon as a slab is full. While the socket is full nothing is
 * handed to it.
 */
export class SocketWriter {
  readonly writer = new Writer()
  /** False asks publishers to wait for `onWritable`. */
  isWritable = true
  /** True where anything left since it was last set to false; keep-alive looks at it. */
  hasSent = false
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #writeTimeoutMs: number
  readonly #listener: SocketWriterListener
  readonly #counters: Counters
  #turn: unknown
  #turnBytes = 0
  #isFull = false
  #stuckTimer: unknown

  constructor(
    transport: Transport,
    clock: Clock,
    writeTimeoutMs: number,
    listener: SocketWriterListener,
    counters: Counters,
  ) {
    this.#transport = transport
    this.#clock = clock
    this.#writeTimeoutMs = writeTimeoutMs
    this.#listener = listener
    this.#counters = counters
  }

  /** Bytes that were written and that the network has not taken yet. */
  get bufferedBytes(): number {
    return this.writer.pendingBytes + (this.#transport.bufferedBytes ?? 0)
  }

  /** Must be called after every packet. */
  written(): void {
    if (this.#turn === undefined) this.#turn = afterTurn(this.#onTurn)
    if (this.writer.pendingBytes >= FLUSH_FROM_BYTES) this.flush()
  }

  /** Hands over what is there, unless the socket is full. */
  flush(): void {
    const bytes = this.writer.pendingBytes
    if (bytes === 0 || this.#isFull) {
      if (bytes >= FLUSH_FROM_BYTES) this.isWritable = false
      return
    }
    this.hasSent = true
    this.#counters.bytesSent += bytes
    this.#turnBytes += bytes
    if (this.#transport.write(this.writer.take())) {
      if (this.#turnBytes < BYTES_PER_TURN) return
      this.isWritable = false
      // Nothing else may open it again: this turn may have had no packet of its own, only room for those of earlier
      // ones.
      this.#turn ??= afterTurn(this.#onTurn)
      return
    }
    this.#isFull = true
    this.isWritable = false
    this.#stuckTimer = this.#clock.setTimeout(() => this.#listener.onStuck(), this.#writeTimeoutMs)
  }

  /** The transport has room again. */
  drain(): void {
    if (!this.#isFull) return
    this.#isFull = false
    this.#clock.clearTimeout(this.#stuckTimer)
    // The bytes counted in this turn have left.
    this.#turnBytes = 0
    this.flush()
    this.#reopen()
  }

  /** Nothing will be sent any more. */
  stop(): void {
    if (this.#turn !== undefined) cancelTurn(this.#turn)
    this.#turn = undefined
    this.isWritable = false
    this.#isFull = true
    this.#clock.clearTimeout(this.#stuckTimer)
  }

  readonly #onTurn = (): void => {
    this.#turn = undefined
    this.#turnBytes = 0
    this.flush()
    this.#reopen()
  }

  #reopen(): void {
    if (this.isWritable || this.#isFull || this.#turnBytes >= BYTES_PER_TURN) return
    this.isWritable = true
    this.#listener.onWritable()
  }
}
