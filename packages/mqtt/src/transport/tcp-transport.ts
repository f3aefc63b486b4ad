import type { Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { Endpoint, TlsMaterial, Transport, TransportListener } from '../model/transport.js'
import type { NodeDialer } from './node-dialer.js'
import { secureOptions } from './tls-material.js'

/** Bytes in the socket's own queue from which on the client waits: enough to keep a fast network busy for a turn. */
const HIGH_WATER_BYTES = 1_048_576

/** `mqtt:` over TCP, `mqtts:` over TLS 1.3 with a verified certificate. */
export function openTcp(endpoint: Endpoint, tls: TlsMaterial, dialer: NodeDialer): Transport {
  return new TcpTransport(endpoint, tls, dialer)
}

class TcpTransport implements Transport {
  readonly #endpoint: Endpoint
  readonly #tls: TlsMaterial
  readonly #dialer: NodeDialer
  readonly #dialing = new AbortController()
  #socket: Socket | undefined
  #listener: TransportListener | undefined
  #error: Error | undefined
  #isFull = false

  constructor(endpoint: Endpoint, tls: TlsMaterial, dialer: NodeDialer) {
    this.#endpoint = endpoint
    this.#tls = tls
    this.#dialer = dialer
  }

  open(listener: TransportListener): void {
    this.#listener = listener
    // Nothing is connected where the certificates cannot be used.
    const secure = this.#endpoint.scheme === 'mqtts' ? secureOptions(this.#endpoint, this.#tls) : undefined
    this.#start(secure).catch((error: Error) => {
      this.#error = error
      this.#onClose()
    })
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket
    if (socket === undefined || socket.destroyed) return true
    if (chunks.length === 1) socket.write(chunks[0] as Uint8Array)
    else {
      socket.cork()
      for (const chunk of chunks) socket.write(chunk)
      socket.uncork()
    }
    this.#isFull = socket.writableLength >= HIGH_WATER_BYTES
    return !this.#isFull
  }

  get bufferedBytes(): number {
    return this.#socket?.writableLength ?? 0
  }

  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  close(): void {
    this.#socket?.end()
  }

  destroy(): void {
    this.#listener = undefined
    this.#dialing.abort(new Error('the attempt was given up'))
    this.#socket?.destroy()
  }

  async #start(secure: ConnectionOptions | undefined): Promise<void> {
    const { host, port } = this.#endpoint
    const raw = await this.#dialer.dial(host, port, this.#dialing.signal, secure !== undefined)
    // Small packets would otherwise wait for the acknowledgement of the ones before them (Nagle).
    raw.setNoDelay(true)
    const socket = secure === undefined ? raw : connectTls({ ...secure, socket: raw, host })
    this.#socket = socket
    this.#dialer.watch(raw, socket, host, port)
    socket.on('data', (chunk: Buffer) => this.#listener?.onData(chunk))
    socket.on('drain', () => this.#onDrain())
    socket.on('error', (error) => {
      this.#error ??= error
    })
    socket.once('close', () => this.#onClose())
    if (this.#listener === undefined) socket.destroy()
    else if (secure === undefined) this.#listener.onOpen()
    else socket.once('secureConnect', () => this.#listener?.onOpen())
  }

  #onDrain(): void {
    if (!this.#isFull) return
    this.#isFull = false
    this.#listener?.onDrain()
  }

  #onClose(): void {
    const listener = this.#listener
    this.#listener = undefined
    listener?.onClose(this.#error)
  }
}
