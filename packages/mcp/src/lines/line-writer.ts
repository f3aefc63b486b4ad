import type { Writable } from 'node:stream'

const LINE_FEED = Buffer.from('\n')

/** Writes lines to a stream that others may close at any time. */
export class LineWriter {
  readonly #stream: Writable
  #isGone = false

  constructor(stream: Writable) {
    this.#stream = stream
    const leave = (): void => {
      this.#isGone = true
    }
    stream.on('error', leave)
    stream.on('close', leave)
  }

  /** Resolves when there is room for the next one. What nobody reads any more is dropped. */
  async write(line: Uint8Array | string): Promise<void> {
    if (this.#isGone || this.#stream.writableEnded) return
    this.#stream.cork()
    this.#stream.write(line)
    const hasRoom = this.#stream.write(LINE_FEED)
    this.#stream.uncork()
    if (!hasRoom) await this.#drained()
  }

  #drained(): Promise<void> {
    const stream = this.#stream
    return new Promise((resolve) => {
      const done = (): void => {
        for (const event of ['drain', 'close', 'error']) stream.removeListener(event, done)
        resolve()
      }
      for (const event of ['drain', 'close', 'error']) stream.on(event, done)
    })
  }
}
