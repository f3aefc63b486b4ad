import { TokenError } from '../support/errors.js'
import { MAXIMUM_TOKEN_CHARACTERS } from './token.js'

/** A token's own words about its signature: none of them is followed before it was compared with what is expected. */
export interface TokenHeader {
  readonly alg: string
  /** Name of the key that signed it, among several, as the token says. */
  readonly kid: string | undefined
}

export interface TokenParts {
  readonly header: TokenHeader
  /** The text that was signed. */
  readonly content: string
  readonly payload: string
  readonly signature: string
}

const BASE64URL = /^[A-Za-z0-9_-]+$/
/** RFC 7519 section 5.1, and RFC 9068 section 2.1 of access tokens; a `logout+jwt` or a `dpop+jwt` is something else. */
const TYPES = ['JWT', 'AT+JWT', 'APPLICATION/AT+JWT']
const MAXIMUM_KEY_ID_CHARACTERS = 256

/** Refuses what is no token, and every algorithm but those expected, before a byte of it reaches a signature check. */
export function readForm(token: string, algorithms: readonly string[]): TokenParts {
  if (token.length > MAXIMUM_TOKEN_CHARACTERS) {
    throw malformed(`has ${token.length} characters, more than ${MAXIMUM_TOKEN_CHARACTERS}`)
  }
  const parts = token.split('.')
  const [header = '', payload = '', signature = ''] = parts
  if (parts.length !== 3) throw noToken(parts.length)
  if (!BASE64URL.test(header) || !BASE64URL.test(payload)) throw malformed('is not base64url')
  const { alg, typ, kid, crit } = readObject(Buffer.from(header, 'base64url'), 'header')
  if (typeof alg !== 'string' || !algorithms.includes(alg)) {
    const expected =
      algorithms.length === 0 ? 'none, for there is no key to verify with' : algorithms.join(', ')
    throw new TokenError('token-algorithm', `the token is signed with ${nameOf(alg)}; expected ${expected}`)
  }
  if (typ !== undefined && !(typeof typ === 'string' && TYPES.includes(typ.toUpperCase()))) {
    throw malformed('is of another type than JWT')
  }
  // No extension is understood here, and so the token must be refused. RFC 7515 section 4.1.11
  if (crit !== undefined) throw malformed('needs an extension (crit) that is not known')
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAXIMUM_KEY_ID_CHARACTERS)) {
    throw malformed('has a key identifier (kid) that is no short text')
  }
  if (!BASE64URL.test(signature)) throw malformed('has no base64url signature')
  return {
    header: { alg, kid },
    content: token.slice(0, header.length + 1 + payload.length),
    payload,
    signature,
  }
}

/** Names of algorithms are shown, anything else is not: a header is written by whoever sends it. */
function nameOf(alg: unknown): string {
  return typeof alg === 'string' && /^[A-Za-z0-9-]{1,20}$/.test(alg) ? alg : 'an unnamed algorithm'
}

export function readObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Falls through: a parser's message would quote the token.
  }
  throw malformed(`has a ${what} that is not a JSON object`)
}

function noToken(parts: number): TokenError {
  const found = parts === 1 ? 'one part' : `${parts} parts`
  return new TokenError(
    'token-malformed',
    `this is no token: expected three parts with dots between, found ${found}`,
  )
}

export function malformed(fault: string): TokenError {
  return new TokenError('token-malformed', `the token ${fault}; expected a JSON Web Token in compact form`)
}
