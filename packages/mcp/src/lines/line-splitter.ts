import type { Readable } from 'node:stream'
import { JsonScan } from './json-scan.js'

const LINE_FEED = 0x0a

/** A line without what ends it, or what is known of one that was too long to be kept. */
export type Line =
  | { readonly kind: 'line'; readonly bytes: Buffer }
  | { readonly kind: 'too-long'; readonly id: unknown; readonly method: unknown; readonly byteLength: number }

/** Cuts a stream of bytes into lines. Holds no more than one line of at most `maximumBytes`. */
export class LineSplitter {
  readonly #maximumBytes: number
  #pieces: Buffer[] = []
  #byteLength = 0
  /** Set while a line goes by that is too long. */
  #scan: JsonScan | undefined

  constructor(maximumBytes: number) {
    this.#maximumBytes = maximumBytes
  }

  *push(chunk: Buffer): Generator<Line> {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      this.#take(chunk.subarray(start, end))
      yield this.#end()
      start = end + 1
    }
    if (start < chunk.length) this.#take(chunk.subarray(start))
  }

  /** True where bytes came after the last line: one that nobody ended, as of a program that died. */
  get hasRemainder(): boolean {
    return this.#byteLength > 0
  }

  #take(piece: Buffer): void {
    this.#byteLength += piece.length
    if (this.#scan === undefined && this.#byteLength > this.#maximumBytes) {
      this.#scan = new JsonScan()
      for (const earlier of this.#pieces) this.#scan.write(earlier)
      this.#pieces = []
    }
    if (this.#scan === undefined) this.#pieces.push(piece)
    else this.#scan.write(piece)
  }

  #end(): Line {
    const line = this.#line()
    this.#pieces = []
    this.#byteLength = 0
    this.#scan = undefined
    return line
  }

  #line(): Line {
    const [first] = this.#pieces
    if (this.#scan === undefined) {
      const isWhole = this.#pieces.length === 1 && first !== undefined
      return { kind: 'line', bytes: isWhole ? first : Buffer.concat(this.#pieces) }
    }
    const scan = this.#scan
    return {
      kind: 'too-long',
      id: scan.member('id'),
      method: scan.member('method'),
      byteLength: this.#byteLength,
    }
  }
}

/** The lines of a stream, until it ends or fails. A line that nobody ended is none. */
export async function* linesOf(stream: Readable, maximumBytes: number): AsyncGenerator<Line> {
  const splitter = new LineSplitter(maximumBytes)
  try {
    for await (const chunk of stream) yield* splitter.push(chunk as Buffer)
  } catch (error) {
    // A pipe whose other end is gone has ended.
    if (!isGone(error)) throw error
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EPIPE' || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'EIO'
}
