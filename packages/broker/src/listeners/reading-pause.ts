import type { Socket } from 'node:net'

interface Reading {
  readonly _handle?: { readStart(): number; readStop(): number } | null
}

/** Bytes of a socket that waits for its turn stay in the system, and take no memory of ours. */
export class ReadingPause {
  readonly #socket: Reading
  #isOn = false

  constructor(socket: Socket) {
    this.#socket = socket as Reading
  }

  begin(): void {
    this.#isOn = true
    this.#socket._handle?.readStop()
  }

  end(): void {
    if (this.#isOn) this.#socket._handle?.readStart()
    this.#isOn = false
  }
}
