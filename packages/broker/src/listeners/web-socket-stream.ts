import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { ReasonCode } from '@jamey/protocol'
import type { WebSocket } from 'ws'
import type { ByteStream } from '../ports/byte-stream.js'
import { ConnectionFault } from '../support/errors.js'

/** RFC 6455 section 7.4.1. */
const NORMAL_CLOSURE = 1000

/**
 * A WebSocket as a stream of bytes. What one flush writes leaves as one binary message, its chunks as the fragments of
 * it, so that nothing is copied. [MQTT-6.0.0-1] [MQTT-6.0.0-2]
 */
export class WebSocketStream extends EventEmitter implements ByteStream {
  readonly #webSocket: WebSocket
  readonly #socket: Socket
  /** Chunks that wait for `uncork`; undefined while not corked. */
  #corked: Uint8Array[] | undefined
  #isPaused = false
  /** `ws` hands out every message of what it has read, paused or not; these wait here. */
  #held: Buffer[] = []
  #heldBytes = 0
  /** Bytes of the message that is not whole, its frames' headers included. */
  #unfinishedBytes = 0

  /** `socket` is the one that `webSocket` lives on. */
  constructor(webSocket: WebSocket, socket: Socket) {
    super()
    this.#webSocket = webSocket
    this.#socket = socket
    webSocket.on('message', (data: Buffer, isBinary) => this.#onMessage(data, isBinary))
    webSocket.on('error', (error) => this.emit('error', faultOf(error)))
    webSocket.on('close', () => this.emit('close'))
    socket.on('drain', () => this.emit('drain'))
    // The listener stands before that of `ws`, which may find the end of the message in the chunk.
    socket.prependListener('data', (chunk: Buffer) => {
      this.#unfinishedBytes += chunk.length
      if (this.#unfinishedBytes > chunk.length) this.emit('piece')
    })
  }

  get writableLength(): number {
    return this.#webSocket.bufferedAmount
  }

  get unfinishedLength(): number {
    return this.#unfinishedBytes + this.#heldBytes
  }

  write(chunk: Uint8Array): void {
    if (this.#corked !== undefined) this.#corked.push(chunk)
    else this.#send(chunk, true)
  }

  cork(): void {
    this.#corked = []
  }

  uncork(): void {
    const chunks = this.#corked ?? []
    this.#corked = undefined
    this.#socket.cork()
    for (const [at, chunk] of chunks.entries()) this.#send(chunk, at === chunks.length - 1)
    this.#socket.uncork()
  }

  pause(): void {
    this.#isPaused = true
    this.#webSocket.pause()
  }

  resume(): void {
    this.#isPaused = false
    while (!this.#isPaused) {
      const data = this.#held.shift()
      if (data === undefined) return this.#webSocket.resume()
      this.#heldBytes -= data.length
      this.emit('data', data)
    }
  }

  end(): void {
    this.#webSocket.close(NORMAL_CLOSURE)
  }

  destroy(): void {
    this.#webSocket.terminate()
  }

  #send(chunk: Uint8Array, fin: boolean): void {
    this.#webSocket.send(chunk, { binary: true, fin })
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    this.#unfinishedBytes = 0
    if (!isBinary) {
      const message = 'a text message came; MQTT is in binary ones only'
      this.emit('error', new ConnectionFault(ReasonCode.protocolError, message))
    } else if (data.length > 0) {
      if (!this.#isPaused) this.emit('data', data)
      else {
        this.#held.push(data)
        this.#heldBytes += data.length
        this.emit('piece')
      }
    }
  }
}

/** The fault that `ws` found in the peer's frames, as an error of ours. */
function faultOf(error: Error & { code?: string }): Error {
  if (!error.code?.startsWith('WS_ERR_')) return error
  const isTooLarge = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
  return new ConnectionFault(
    isTooLarge ? ReasonCode.packetTooLarge : ReasonCode.malformedPacket,
    error.message,
  )
}
