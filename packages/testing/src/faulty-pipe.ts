import type { Socket } from 'node:net'

/** The faults of one direction at this moment. */
export interface PipeFaults {
  readonly delayMs: number
  readonly bytesPerSecond: number | undefined
  readonly isStalled: boolean
  readonly isSwallowed: boolean
  readonly cutAfterBytes: number
}

/** More than this on its way makes the pipe stop reading, so that a fast sender meets a full socket, not our memory. */
const MAXIMUM_WAITING_BYTES = 262_144

/** `end`: the sender ended its side. `cut`: the limit of bytes is reached. */
type Passing = Buffer | 'end' | 'cut'

interface Waiting {
  readonly what: Passing
  readonly dueAtMs: number
}

/** One direction between two sockets: passes on what comes, late, slowly, in part or not at all, and in order. */
export class FaultyPipe {
  readonly #from: Socket
  readonly #to: Socket
  readonly #faults: () => PipeFaults
  readonly #onLimit: () => void
  readonly #onSwallowed: (bytes: number) => void
  readonly #waiting: Waiting[] = []
  #waitingBytes = 0
  #passedBytes = 0
  /** Moment at which the last byte that a throttled pipe took will have left. */
  #freeAtMs = 0
  #timer: NodeJS.Timeout | undefined

  /** `onLimit` is called when the bytes after which to cut have been written. */
  constructor(
    from: Socket,
    to: Socket,
    faults: () => PipeFaults,
    onLimit: () => void,
    onSwallowed: (bytes: number) => void,
  ) {
    this.#from = from
    this.#to = to
    this.#faults = faults
    this.#onLimit = onLimit
    this.#onSwallowed = onSwallowed
    from.on('data', (chunk: Buffer) => this.#onData(chunk))
    from.on('end', () => {
      if (!this.#faults().isSwallowed) this.#push('end')
    })
    to.on('drain', () => this.regulate())
    this.regulate()
  }

  /** Reads on, or stops reading: to be called when the faults have changed, too. */
  regulate(): void {
    const isFull = this.#to.writableNeedDrain || this.#waitingBytes > MAXIMUM_WAITING_BYTES
    if (this.#faults().isStalled || isFull) this.#from.pause()
    else this.#from.resume()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#waiting.length = 0
  }

  #onData(chunk: Buffer): void {
    const { isSwallowed, cutAfterBytes } = this.#faults()
    if (isSwallowed) return this.#onSwallowed(chunk.length)
    const rest = chunk.subarray(0, Math.max(0, cutAfterBytes - this.#passedBytes))
    this.#passedBytes += chunk.length
    if (rest.length > 0) this.#push(rest)
    // Bytes that were let through arrive before the end does.
    if (this.#passedBytes >= cutAfterBytes) this.#push('cut')
    this.regulate()
  }

  #push(what: Passing): void {
    const { delayMs, bytesPerSecond } = this.#faults()
    const now = performance.now()
    const bytes = bytesOf(what)
    this.#freeAtMs = Math.max(this.#freeAtMs, now)
    if (bytesPerSecond !== undefined) this.#freeAtMs += (bytes / bytesPerSecond) * 1000
    this.#waiting.push({ what, dueAtMs: this.#freeAtMs + delayMs })
    this.#waitingBytes += bytes
    if (this.#timer === undefined) this.#passDue()
  }

  /** Chunks pass one after the other: where a delay is made shorter, what comes then waits for what is on its way. */
  #passDue(): void {
    this.#timer = undefined
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const lateMs = next.dueAtMs - performance.now()
      if (lateMs > 0) {
        this.#timer = setTimeout(() => this.#passDue(), Math.ceil(lateMs))
        return
      }
      this.#waiting.shift()
      this.#waitingBytes -= bytesOf(next.what)
      this.#pass(next.what)
    }
    this.regulate()
  }

  #pass(what: Passing): void {
    if (this.#to.destroyed || this.#to.writableEnded) return
    if (what === 'end') this.#to.end()
    else if (what === 'cut') this.#to.write('', this.#onLimit)
    else this.#to.write(what)
  }
}

function bytesOf(what: Passing): number {
  return typeof what === 'string' ? 0 : what.length
}
