import { ConnectionError } from '../model/errors.js'
import type { Endpoint, Transport, TransportListener } from '../model/transport.js'
import { bracketed } from './endpoint.js'

/** The WebSocket of browsers and of the package `ws`, and what only the latter has. */
export interface WebSocketPort {
  binaryType: string
  readonly protocol: string
  readonly bufferedAmount: number
  onopen: ((event: never) => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onerror: ((event: { error?: unknown }) => void) | null
  onclose: ((event: { code: number; reason: string }) => void) | null
  /** `ws` calls back when the system took the data; browsers never do. */
  send(data: Uint8Array, onSent?: () => void): void
  close(code: number): void
  terminate?(): void
  pause?(): void
  resume?(): void
}

/** Bytes in the socket's own queue from which on the client waits; as with TCP. */
const HIGH_WATER_BYTES = 1_048_576
/** Browsers do not tell when their queue has shrunk, so it is looked at. */
const LOOK_AGAIN_MS = 10
/** RFC 6455 section 7.4.1. */
const NORMAL_CLOSURE = 1000
/** Normal, going away, no status given. */
const WITHOUT_FAULT: readonly number[] = [NORMAL_CLOSURE, 1001, 1005]

/** MQTT in the binary messages of a WebSocket; packets need not begin or end with a message. [MQTT-6.0.0-2] */
export class WebSocketTransport implements Transport {
  readonly #endpoint: Endpoint
  readonly #connect: () => WebSocketPort | Promise<WebSocketPort>
  #socket: WebSocketPort | undefined
  #listener: TransportListener | undefined
  #error: Error | undefined
  #isFull = false
  #isClosing = false

  constructor(endpoint: Endpoint, connect: () => WebSocketPort | Promise<WebSocketPort>) {
    this.#endpoint = endpoint
    this.#connect = connect
  }

  open(listener: TransportListener): void {
    this.#listener = listener
    this.#start().catch((error: Error) => this.#end(error))
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket
    if (socket === undefined || this.#listener === undefined) return true
    for (const chunk of chunks) socket.send(chunk, this.#onSent)
    this.#isFull = socket.bufferedAmount >= HIGH_WATER_BYTES
    if (this.#isFull && socket.terminate === undefined) setTimeout(this.#look, LOOK_AGAIN_MS)
    return !this.#isFull
  }

  pause(): void {
    this.#socket?.pause?.()
  }

  resume(): void {
    this.#socket?.resume?.()
  }

  close(): void {
    this.#isClosing = true
    this.#socket?.close(NORMAL_CLOSURE)
  }

  destroy(): void {
    this.#listener = undefined
    this.#terminate()
  }

  async #start(): Promise<void> {
    const socket = await this.#connect()
    this.#socket = socket
    // Handlers stay to the end: without one for errors, `ws` would throw what nobody can catch.
    socket.onopen = () => this.#onOpen(socket)
    socket.onmessage = ({ data }) => this.#onMessage(data)
    socket.onerror = ({ error }) => {
      if (error instanceof Error) this.#error ??= error
    }
    socket.onclose = ({ code, reason }) => this.#end(this.#error ?? this.#closedBy(code, reason))
    // `ws` hands over a Buffer as it is; browsers know no such type and need to be asked for bytes.
    if (socket.terminate === undefined) socket.binaryType = 'arraybuffer'
    if (this.#listener === undefined) this.#terminate()
    else if (this.#isClosing) socket.close(NORMAL_CLOSURE)
  }

  /** [MQTT-6.0.0-4] */
  #onOpen(socket: WebSocketPort): void {
    if (socket.protocol === 'mqtt') this.#listener?.onOpen()
    else this.#violation(`chose the subprotocol ${JSON.stringify(socket.protocol)}; expected "mqtt"`)
  }

  #onMessage(data: unknown): void {
    // [MQTT-6.0.0-1]
    if (typeof data === 'string') return this.#violation('sent a text message; MQTT is in binary ones only')
    const chunk = data instanceof ArrayBuffer ? new Uint8Array(data) : (data as Uint8Array)
    if (chunk.length > 0) this.#listener?.onData(chunk)
  }

  #violation(what: string): void {
    const message = `${this.#endpoint.href} ${what}`
    this.#end(new ConnectionError('protocol-error', message, { retryable: true }))
    this.#terminate()
  }

  readonly #onSent = (): void => {
    if (!this.#isFull || (this.#socket?.bufferedAmount ?? 0) >= HIGH_WATER_BYTES) return
    this.#isFull = false
    this.#listener?.onDrain()
  }

  readonly #look = (): void => {
    this.#onSent()
    if (this.#isFull && this.#listener !== undefined) setTimeout(this.#look, LOOK_AGAIN_MS)
  }

  #closedBy(code: number, reason: string): Error | undefined {
    if (WITHOUT_FAULT.includes(code)) return undefined
    const why = reason === '' ? '' : ` (${reason})`
    return new Error(`the WebSocket closed with code ${code}${why}`)
  }

  #end(error: Error | undefined): void {
    const listener = this.#listener
    this.#listener = undefined
    listener?.onClose(error)
  }

  #terminate(): void {
    const socket = this.#socket
    if (socket?.terminate !== undefined) socket.terminate()
    else socket?.close(NORMAL_CLOSURE)
  }
}

export function webSocketUrl({ scheme, host, port, path }: Endpoint): string {
  return `${scheme}://${bracketed(host)}:${port}${path}`
}
