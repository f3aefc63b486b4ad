import type { KeyObject } from 'node:crypto'
import { JWSSignatureVerificationFailed } from 'jose/errors'
import { compactVerify } from 'jose/jws/compact/verify'
import { quote } from './client-identifier.js'
import { TokenError } from './error.js'
import { keysOf, type Secret } from './secret.js'
import {
  ALGORITHM,
  assertPermissions,
  assertSubject,
  MAXIMUM_LIFETIME_SECONDS,
  MAXIMUM_TOKEN_CHARACTERS,
  type TokenClaims,
} from './token.js'

/** How far two clocks may be apart without harm. */
export const CLOCK_TOLERANCE_SECONDS = 30

export interface TokenVerifierOptions {
  /** Several while one takes the place of another: a token signed with any of them is taken. */
  readonly secret: Secret | readonly Secret[]
  /** 30 by default: how much earlier or later than now a token is still taken. */
  readonly clockToleranceSeconds?: number | undefined
  /** 3600 by default: the longest time between `iat` and `exp` that is accepted. */
  readonly maximumLifetimeSeconds?: number | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

const CLAIMS = ['sub', 'exp', 'iat', 'permissions'] as const
const BASE64URL = /^[A-Za-z0-9_-]+$/

/**
 * Reads tokens signed with a secret of its own. The algorithm is pinned to HS256: what a header asks for is only compared,
 * never followed. The signature is checked before anything is believed, then every claim.
 */
export class TokenVerifier {
  readonly clockToleranceSeconds: number
  readonly maximumLifetimeSeconds: number
  readonly #keys: readonly KeyObject[]
  readonly #now: () => number

  constructor(options: TokenVerifierOptions) {
    this.clockToleranceSeconds = options.clockToleranceSeconds ?? CLOCK_TOLERANCE_SECONDS
    this.maximumLifetimeSeconds = options.maximumLifetimeSeconds ?? MAXIMUM_LIFETIME_SECONDS
    this.#keys = keysOf(options.secret)
    this.#now = options.now ?? Date.now
  }

  /** The claims of a valid token; throws `TokenError`, whose `code` tells what is wrong. */
  async verify(token: string, options: { expectedSubject?: string } = {}): Promise<TokenClaims> {
    assertForm(token)
    const claims = readClaims(await this.#verifiedPayload(token))
    this.#assertTimes(claims)
    const { expectedSubject } = options
    if (expectedSubject !== undefined && claims.sub !== expectedSubject) {
      throw new TokenError(
        'token-subject',
        `the token was issued to ${quote(claims.sub)}; expected one for ${quote(expectedSubject)}`,
      )
    }
    return claims
  }

  async #verifiedPayload(token: string): Promise<Uint8Array> {
    for (const key of this.#keys) {
      try {
        return (await compactVerify(token, key, { algorithms: [ALGORITHM] })).payload
      } catch (error) {
        if (error instanceof JWSSignatureVerificationFailed) continue
        // The cause is left out: a parser's message may quote what it parsed.
        throw malformed('can not be read')
      }
    }
    throw new TokenError(
      'token-signature',
      'the token was not signed with a secret in force, or was changed; compare the secrets of both sides',
    )
  }

  #assertTimes({ iat, exp }: TokenClaims): void {
    const now = this.#now() / 1000
    const lifetime = exp - iat
    if (lifetime <= 0 || lifetime > this.maximumLifetimeSeconds) {
      throw new TokenError(
        'token-lifetime',
        `the token lives ${lifetime} seconds; expected more than 0 and at most ${this.maximumLifetimeSeconds}`,
      )
    }
    if (iat > now + this.clockToleranceSeconds) {
      throw new TokenError(
        'token-not-yet-valid',
        `the token was issued ${Math.ceil(iat - now)} seconds in the future, more than the ${this.clockToleranceSeconds} that clocks may differ; set the clocks`,
      )
    }
    if (exp + this.clockToleranceSeconds <= now) {
      throw new TokenError(
        'token-expired',
        `the token expired ${Math.floor(now - exp)} seconds ago; ask for a new one`,
      )
    }
  }
}

/** Refuses what is no token, and every algorithm but one, before a byte of it reaches the signature check. */
function assertForm(token: string): void {
  if (token.length > MAXIMUM_TOKEN_CHARACTERS) {
    throw malformed(`has ${token.length} characters, more than ${MAXIMUM_TOKEN_CHARACTERS}`)
  }
  const parts = token.split('.')
  const [header = '', payload = '', signature = ''] = parts
  if (parts.length !== 3) throw malformed(`has ${parts.length} parts instead of 3`)
  if (!BASE64URL.test(header) || !BASE64URL.test(payload)) throw malformed('is not base64url')
  const { alg, typ } = readObject(Buffer.from(header, 'base64url'), 'header')
  if (alg !== ALGORITHM) {
    throw new TokenError('token-algorithm', `the token is signed with ${nameOf(alg)}; expected ${ALGORITHM}`)
  }
  if (typ !== undefined && !(typeof typ === 'string' && typ.toUpperCase() === 'JWT')) {
    throw malformed('is of another type than JWT')
  }
  if (!BASE64URL.test(signature)) throw malformed('has no base64url signature')
}

/** Names of algorithms are shown, anything else is not: a header is written by whoever sends it. */
function nameOf(alg: unknown): string {
  return typeof alg === 'string' && /^[A-Za-z0-9-]{1,20}$/.test(alg) ? alg : 'an unnamed algorithm'
}

function readClaims(payload: Uint8Array): TokenClaims {
  const claims = readObject(payload, 'payload')
  for (const name of CLAIMS) {
    if (claims[name] === undefined)
      throw new TokenError('token-claim-missing', `the token has no claim ${name}`)
  }
  const unknown = Object.keys(claims).find((name) => !CLAIMS.some((known) => known === name))
  if (unknown !== undefined) {
    throw new TokenError(
      'token-claim-unknown',
      `the token has the claim ${quote(unknown)}; expected only ${CLAIMS.join(', ')}`,
    )
  }
  const { sub, exp, iat, permissions } = claims
  if (typeof sub !== 'string') throw invalid('sub', 'a string')
  if (!isSeconds(exp)) throw invalid('exp', 'seconds since 1970')
  if (!isSeconds(iat)) throw invalid('iat', 'seconds since 1970')
  if (!isStrings(permissions)) throw invalid('permissions', 'an array of strings')
  assertSubject(sub)
  assertPermissions(permissions, sub)
  return { sub, exp, iat, permissions }
}

function readObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Falls through: a parser's message would quote the token.
  }
  throw malformed(`has a ${what} that is not a JSON object`)
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}

function malformed(fault: string): TokenError {
  return new TokenError('token-malformed', `the token ${fault}; expected a JSON Web Token in compact form`)
}

function invalid(claim: string, expected: string): TokenError {
  return new TokenError('token-claim-invalid', `claim ${claim} is of the wrong kind; expected ${expected}`)
}
