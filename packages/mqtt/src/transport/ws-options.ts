import { validateHeaderName, validateHeaderValue } from 'node:http'
import { ConnectionError } from '../model/errors.js'
import type { WebSocketOptions } from '../model/options.js'

/** RFC 2616 section 2.2, as RFC 6455 section 4.1 wants it. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Throws `ConnectionError` 'invalid-argument', which never repeats the value of a header. */
export function assertWebSocketOptions(options: WebSocketOptions | undefined): void {
  const { headers, protocol } = options ?? {}
  if (typeof headers !== 'function') assertHeaders(headers)
  if (protocol === undefined || TOKEN.test(protocol)) return
  throw invalid(`option webSocket.protocol is ${JSON.stringify(protocol)}; expected a token such as 'mqtt'`)
}

/** Headers of the next handshake. Rejects with `ConnectionError`, retryable where a function gives them. */
export async function headersOf({ headers }: WebSocketOptions): Promise<Readonly<Record<string, string>>> {
  if (typeof headers !== 'function') return headers ?? {}
  try {
    const given = await headers()
    assertHeaders(given)
    return given
  } catch (cause) {
    if (cause instanceof ConnectionError) throw invalid(cause.message, true)
    const reason = cause instanceof Error ? cause.message : 'no error was given'
    throw new ConnectionError('unreachable', `option webSocket.headers: its function failed: ${reason}`, {
      cause,
      retryable: true,
    })
  }
}

function assertHeaders(headers: Readonly<Record<string, string>> = {}): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    } catch {
      throw invalid(
        `option webSocket.headers has ${JSON.stringify(name)}, which is no header, or has no value of one`,
      )
    }
  }
}

function invalid(fault: string, retryable = false): ConnectionError {
  return new ConnectionError('invalid-argument', fault, { retryable })
}
