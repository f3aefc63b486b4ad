import type { IncomingHttpHeaders } from 'node:http'
import { excerpt } from './invalid-input.js'
import { Problem } from './problem.js'

export const MINIMUM_TIMEOUT_MS = 100
export const MAXIMUM_TIMEOUT_MS = 60_000
export const DEFAULT_TIMEOUT_MS = 30_000

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Version 00 alone is defined; all-zero identifiers mean "none". [Trace Context, section 3.2.2] */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** How long the caller waits, from `X-Timeout-Ms`: 100 to 60000, 30 s where it is not given. */
export function timeoutOf(headers: IncomingHttpHeaders): number {
  const value = headers['x-timeout-ms']
  if (value === undefined) return DEFAULT_TIMEOUT_MS
  const timeoutMs = typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN
  if (timeoutMs >= MINIMUM_TIMEOUT_MS && timeoutMs <= MAXIMUM_TIMEOUT_MS) return timeoutMs
  throw new Problem(
    'invalid-input',
    `X-Timeout-Ms must be a whole number of milliseconds from ${MINIMUM_TIMEOUT_MS} to ${MAXIMUM_TIMEOUT_MS}; found ${excerpt(value)}.`,
    { field: 'X-Timeout-Ms' },
  )
}

/** The key under which a repeated call has its effect once: a UUID, lower case. */
export function idempotencyKeyOf(headers: IncomingHttpHeaders): string | undefined {
  const value = headers['idempotency-key']
  if (value === undefined) return undefined
  if (typeof value === 'string' && UUID.test(value)) return value.toLowerCase()
  throw new Problem('invalid-input', `Idempotency-Key must be a UUID; found ${excerpt(value)}.`, {
    field: 'Idempotency-Key',
  })
}

/** The trace this call is part of; a malformed header is ignored, as the standard asks. */
export function traceparentOf(headers: IncomingHttpHeaders): string | undefined {
  const value = headers['traceparent']
  return typeof value === 'string' && TRACEPARENT.test(value) ? value : undefined
}
