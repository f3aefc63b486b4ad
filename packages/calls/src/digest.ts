import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Call } from './model/call.js'

/**
 * `sha256:` and the SHA-256 of `{tool, arguments}`, and of `cwd` where there is one, in canonical JSON (RFC 8785), in hex:
 * two calls have the same one where they are the same call. Throws where the arguments have no canonical form, such as half a surrogate pair in a string.
 */
export function callDigest({ tool, arguments: args, cwd }: Call): string {
  const call = cwd === undefined ? { arguments: args, tool } : { arguments: args, cwd, tool }
  const text = isOrdered(call, 0) ? JSON.stringify(call) : (canonicalize(call) ?? '')
  return `sha256:${hash('sha256', text)}`
}

/** Deeper ones are seldom. */
const MAXIMUM_DEPTH = 8

/** Whether JSON.stringify gives its canonical form: names are in their order, and all of it is JSON. */
function isOrdered(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value === 'boolean' || value === null) return true
  if (typeof value !== 'object' || depth > MAXIMUM_DEPTH || 'toJSON' in value) return false
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isOrdered(value[i], depth + 1)) return false
    return true
  }
  let before = ''
  for (const name of Object.keys(value)) {
    if (name < before || !name.isWellFormed()) return false
    if (!isOrdered((value as Record<string, unknown>)[name], depth + 1)) return false
    before = name
  }
  return true
}
