import type { Readable } from 'node:stream'
import type { HeldBytes } from '../guard/held-bytes.js'
import { LineSplitter } from '../lines/line-splitter.js'

/** One event of a stream of server-sent events. */
export interface ServerEvent {
  /** As one line; empty where it has none. */
  readonly data: Buffer
  readonly name: string
  /** By which a broken stream goes on behind it. */
  readonly id: string | undefined
  /** How long to wait before the stream is asked for again. */
  readonly retryMs: number | undefined
}

const CARRIAGE_RETURN = 0x0d
const SPACE = 0x20

/** The events of a stream, until it ends. Rejects where it fails, or one of them is too large. */
export async function* eventsOf(
  stream: Readable,
  maximumBytes: number,
  held: HeldBytes,
): AsyncGenerator<ServerEvent> {
  const splitter = new LineSplitter(maximumBytes)
  let [fields, byteLength] = [new Map<string, Buffer[]>(), 0]
  const end = (): void => {
    held.release(byteLength)
    ;[fields, byteLength] = [new Map(), 0]
  }
  try {
    for await (const chunk of stream) {
      held.take((chunk as Buffer).length)
      byteLength += (chunk as Buffer).length
      if (held.isFull) throw new RangeError('too much is under way at once')
      for (const line of splitter.push(chunk as Buffer)) {
        if (line.kind === 'too-long') throw tooLarge(maximumBytes)
        const bytes = line.bytes.at(-1) === CARRIAGE_RETURN ? line.bytes.subarray(0, -1) : line.bytes
        if (bytes.length > 0) put(fields, bytes)
        else {
          if (fields.size > 0) yield eventOf(fields)
          end()
        }
      }
      // Also of a line that has no end.
      if (byteLength > maximumBytes) throw tooLarge(maximumBytes)
    }
  } finally {
    end()
  }
}

function tooLarge(maximumBytes: number): RangeError {
  return new RangeError(`an event has more than ${maximumBytes} bytes`)
}

/** `name: value`, of which a line that begins with a colon is a comment. */
function put(fields: Map<string, Buffer[]>, line: Buffer): void {
  const colon = line.indexOf(':')
  if (colon === 0) return
  const name = (colon < 0 ? line : line.subarray(0, colon)).toString('utf8')
  const from = line[colon + 1] === SPACE ? colon + 2 : colon + 1
  const value = colon < 0 ? Buffer.alloc(0) : line.subarray(from)
  fields.set(name, name === 'data' ? [...(fields.get(name) ?? []), value] : [value])
}

function eventOf(fields: ReadonlyMap<string, Buffer[]>): ServerEvent {
  const text = (name: string): string | undefined => fields.get(name)?.[0]?.toString('utf8')
  const [id, retry] = [text('id'), text('retry') ?? '']
  const lines = fields.get('data') ?? []
  return {
    // Several lines become one: no text of JSON has a line feed within.
    data: Buffer.concat(lines.flatMap((line, i) => (i === 0 ? [line] : [Buffer.from(' '), line]))),
    name: text('event') ?? 'message',
    id: id === undefined || id === '' || id.includes('\0') ? undefined : id,
    retryMs: /^\d{1,9}$/.test(retry) ? Number(retry) : undefined,
  }
}
