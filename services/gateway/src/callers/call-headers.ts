import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isTraceparent } from '@jamey/bus'
import { excerpt } from '../problems/invalid-input.js'
import { Problem } from '../problems/problem.js'

export const MINIMUM_TIMEOUT_MS = 100
export const MAXIMUM_TIMEOUT_MS = 60_000
export const DEFAULT_TIMEOUT_MS = 30_000

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Milliseconds that the caller waits, from `X-Timeout-Ms`: 100 to 60000, 30 s where it is not given. */
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

/**
 * The identifier under which a repeated call has its effect once, from `Idempotency-Key`: a UUID is that itself, in
 * lower case; any other text is one of `caller`'s own, with a UUID that follows from both. Quotes around it are those
 * of a structured field. [draft-ietf-httpapi-idempotency-key-header, section 2.1]
 */
export function idempotencyKeyOf(headers: IncomingHttpHeaders, caller: string): string | undefined {
  const value = headers['idempotency-key']
  if (value === undefined) return undefined
  const key = typeof value === 'string' ? value.replace(/^"(.*)"$/, '$1') : ''
  if (UUID.test(key)) return key.toLowerCase()
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return uuidOf(caller, key)
  throw new Problem(
    'invalid-input',
    `Idempotency-Key must be 1 to 255 printable characters of ASCII, such as a UUID; found ${excerpt(value)}.`,
    { field: 'Idempotency-Key' },
  )
}

/**
 * The version that the caller means, from `If-Match`: the number in quotes that ETag gave it. Any version will do where
 * it is `*` or is not given. [RFC 9110, section 13.1.1]
 */
export function ifMatchOf(headers: IncomingHttpHeaders): { if_version?: number } {
  const value = headers['if-match']
  if (value === undefined || value === '*') return {}
  const [, version] = /^"([1-9]\d{0,14})"$/.exec(value) ?? []
  if (version !== undefined) return { if_version: Number(version) }
  throw new Problem(
    'invalid-input',
    `If-Match must be one ETag as it was given, such as "3", or *; found ${excerpt(value)}.`,
    { field: 'If-Match' },
  )
}

/** The layout of version 8 is the maker's own but for two of its fields. [RFC 9562, section 5.8] */
function uuidOf(caller: string, key: string): string {
  const named = JSON.stringify(['jamey idempotency', caller, key])
  const bytes = createHash('sha256').update(named).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** The trace this call is part of; a malformed header is ignored, as the standard asks. */
export function traceparentOf(headers: IncomingHttpHeaders): string | undefined {
  const value = headers['traceparent']
  return typeof value === 'string' && isTraceparent(value) ? value : undefined
}
