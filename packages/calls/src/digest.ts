import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Call } from './model/call.js'

/**
 * `sha256:` and the SHA-256 of `{tool, arguments}` in canonical JSON (RFC 8785), in hex: two calls have the same one where
 * they are the same call. Throws where the arguments have no canonical form, such as half a surrogate pair in a string.
 */
export function callDigest({ tool, arguments: args }: Call): string {
  const text = canonicalize({ tool, arguments: args }) ?? ''
  return `sha256:${hash('sha256', text)}`
}
