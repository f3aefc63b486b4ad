import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { secureOptions } from './tls-material.js'
import type { Endpoint, TlsMaterial, Transport, TransportListener } from './transport.js'

/** Bytes in the socket's own queue from which on the client waits: enough to keep a fast network busy for a turn. */
const HIGH_WATER_BYTES = 1_048_576

/** `mqtt:` over TCP, `mqtts:` over TLS 1.3 with a verified certificate. */
export function openTcp(endpoint: Endpoint, tls: TlsMaterial): Transport {
  return new TcpTransport(endpoint, tls)
}

class TcpTransport implements Transport {
  readonly #endpoint: Endpoint
  readonly #tls: TlsMaterial
  #socket: Socket | undefined
  #listener: TransportListener | undefined
  #error: Error | undefined
  #isFull = false

  constructor(endpoint: Endpoint, tls: TlsMaterial) {
    this.#endpoint = endpoint
    this.#tls = tls
  }

  open(listener: TransportListener): void {
    this.#listener = listener
    const isTls = this.#endpoint.scheme === 'mqtts'
    const socket = isTls ? openTls(this.#endpoint, this.#tls) : openPlain(this.#endpoint)
    this.#socket = socket
    // Small packets would otherwise wait for the acknowledgement of the ones before them (Nagle).
    socket.setNoDelay(true)
    socket.once(isTls ? 'secureConnect' : 'connect', () => this.#listener?.onOpen())
    socket.on('data', (chunk: Buffer) => this.#listener?.onData(chunk))
    socket.on('drain', () => this.#onDrain())
    socket.on('error', (error) => {
      this.#error ??= error
    })
    socket.once('close', () => this.#onClose())
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
    this.#socket?.destroy()
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

function openPlain(endpoint: Endpoint): Socket {
  return connectTcp({ host: endpoint.host, port: endpoint.port })
}

function openTls(endpoint: Endpoint, tls: TlsMaterial): Socket {
  return connectTls({ host: endpoint.host, port: endpoint.port, ...secureOptions(endpoint, tls) })
}
