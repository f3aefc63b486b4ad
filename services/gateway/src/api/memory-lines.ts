import { inexactIn } from '@jamey/contracts'
import { Problem } from '../problems/problem.js'

/** One line of a body: its value, or why it has none. */
export type MemoryLine = { readonly number: number; readonly bytes: number } & (
  | { readonly value: unknown }
  | { readonly refusal: string }
)

/** No memory that the store takes is longer, its history among it. */
const MAXIMUM_LINE_BYTES = 983_040
const LINE_FEED = 0x0a
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The lines of a body as they arrive, without empty ones; no more of it is held than one line. Throws a `Problem` where
 * the body ends before its time.
 */
export async function* memoryLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<MemoryLine> {
  let parts: Uint8Array[] = []
  let bytes = 0
  let number = 0
  const line = function* (): Generator<MemoryLine> {
    number += 1
    if (bytes > 0) {
      const read: MemoryLine = { number, bytes, ...readLine(parts, bytes) }
      if (!('value' in read) || read.value !== undefined) yield read
    }
    parts = []
    bytes = 0
  }
  for await (const chunk of arriving(body)) {
    let from = 0
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      hold(chunk.subarray(from, end))
      yield* line()
      from = end + 1
    }
    hold(chunk.subarray(from))
  }
  yield* line()

  /** Of a line that is too long nothing is kept but how long it is. */
  function hold(part: Uint8Array): void {
    bytes += part.length
    if (bytes > MAXIMUM_LINE_BYTES) parts = []
    else if (part.length > 0) parts.push(part)
  }
}

/** Undefined for a line of nothing but space. */
function readLine(parts: readonly Uint8Array[], bytes: number): { value: unknown } | { refusal: string } {
  if (bytes > MAXIMUM_LINE_BYTES) {
    return { refusal: `The line has ${bytes} bytes; expected at most ${MAXIMUM_LINE_BYTES}.` }
  }
  let text: string
  try {
    text = utf8.decode(Buffer.concat(parts)).trim()
  } catch {
    return { refusal: 'The line is not UTF-8.' }
  }
  if (text === '') return { value: undefined }
  try {
    const value: unknown = JSON.parse(text)
    const fault = inexactIn(text, value)
    if (fault === undefined) return { value }
    return { refusal: `${fault.path.join('.').toWellFormed()} is not acceptable: ${fault.expected}.` }
  } catch (error) {
    return { refusal: `The line is not JSON: ${(error as Error).message.replace(/\s+/g, ' ')}.` }
  }
}

async function* arriving(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (cause) {
    throw new Problem('client-closed', 'The body ended before its time.', { cause })
  }
}
