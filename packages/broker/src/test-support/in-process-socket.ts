import { Duplex } from 'node:stream'
import type { InProcessTransport } from '../index.js'

/** A connection within the process as a socket, as `RawClient` wants one. */
export class InProcessSocket extends Duplex {
  readonly #transport: InProcessTransport
  #onRoom: (() => void) | undefined

  constructor(transport: InProcessTransport) {
    super({ allowHalfOpen: false })
    this.#transport = transport
    transport.open({
      onOpen: () => void this.emit('connect'),
      onData: (chunk) => {
        if (!this.push(chunk)) transport.pause()
      },
      onDrain: () => this.#goOn(),
      onClose: (error) => {
        if (error !== undefined) this.destroy(error)
        else this.push(null)
        this.#goOn()
      },
    })
  }

  #goOn(): void {
    const onRoom = this.#onRoom
    this.#onRoom = undefined
    onRoom?.()
  }

  setNoDelay(): this {
    return this
  }

  override _read(): void {
    this.#transport.resume()
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    if (this.#transport.write([chunk])) done()
    else this.#onRoom = done
  }

  override _final(done: () => void): void {
    this.#transport.close()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#transport.destroy()
    done(error)
  }
}
