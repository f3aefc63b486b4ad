import type { ServerResponse } from 'node:http'
import { systemClock } from '@jamey/bus'
import { eventText } from './event-text.js'

/** Bytes that wait for a reader which is slower than its messages; what comes beyond them is left out. */
export const MAXIMUM_BUFFERED_BYTES = 1024 * 1024
/** Browsers wait this long before they come again. */
const RETRY_MS = 2_000
/** Time that a reader has for what is left when its stream ends. */
const FAREWELL_MS = 1_000
const HEARTBEAT = Buffer.from(':\n\n')

/** One response of server-sent events, with bounded room for a slow reader. [HTML, section 9.2] */
export class EventStream {
  readonly #response: ServerResponse
  #dropped = 0
  #isOver = false

  constructor(response: ServerResponse) {
    this.#response = response
    response.on('drain', () => this.#tellOfDropped())
  }

  /** Sends the headers, with those that every answer has. */
  open(headers: Readonly<Record<string, number | string | string[] | undefined>>): void {
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) this.#response.setHeader(name, value)
    }
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      // Of nginx, which would hold events back.
      'x-accel-buffering': 'no',
      // The connection ends with its stream, so that a gateway that stops need not wait for it.
      connection: 'close',
    })
    this.#response.write(`retry: ${RETRY_MS}\n\n`)
  }

  /** Sends an event, or counts it as left out where the reader is too slow. */
  send(event: Buffer): void {
    if (this.#isOver) return
    this.#tellOfDropped()
    // Where some were left out, that has to be told first.
    const isFull = this.#response.writableLength + event.length > MAXIMUM_BUFFERED_BYTES
    if (isFull || this.#dropped > 0) this.#dropped++
    else this.#response.write(event)
  }

  /** So many messages were left out before they came here. */
  drop(count = 1): void {
    this.#dropped += count
  }

  /** Shows that both sides are there. Whoever reads nothing gets none, so that its silence is noticed. */
  beat(): void {
    if (this.#isOver) return
    this.#tellOfDropped()
    if (this.#response.writableLength === 0) this.#response.write(HEARTBEAT)
  }

  end(reason: string): void {
    if (this.#isOver) return
    this.#tellOfDropped()
    this.#isOver = true
    const response = this.#response
    response.end(eventText('end', { reason }))
    const timer = systemClock.setTimeout(() => response.destroy(), FAREWELL_MS)
    response.once('close', () => systemClock.clearTimeout(timer))
  }

  #tellOfDropped(): void {
    if (this.#dropped === 0 || this.#isOver) return
    if (this.#response.writableLength > MAXIMUM_BUFFERED_BYTES / 2) return
    this.#response.write(eventText('dropped', { count: this.#dropped }))
    this.#dropped = 0
  }
}
