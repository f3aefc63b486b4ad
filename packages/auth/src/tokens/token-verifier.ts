import type { KeyObject } from 'node:crypto'
import { JWSSignatureVerificationFailed } from 'jose/errors'
import { compactVerify } from 'jose/jws/compact/verify'
import type { Revocations } from '../revocation/revocations.js'
import { quote } from '../support/client-identifier.js'
import { TokenError } from '../support/errors.js'
import { isSignedBy, PUBLIC_KEY_ALGORITHMS, type VerificationKeys } from './key-set.js'
import { keysOf, type Secret } from './secret.js'
import { SignedTokens } from './signed-tokens.js'
import {
  ALGORITHM,
  assertPermissions,
  assertSubject,
  MAXIMUM_LIFETIME_SECONDS,
  type TokenClaims,
} from './token.js'
import { malformed, readForm, readObject, type TokenParts } from './token-form.js'

/** Seconds by which two clocks may be apart without harm. */
export const CLOCK_TOLERANCE_SECONDS = 30

/** At least one of `secret` and `keys` is needed. */
export interface TokenVerifierOptions {
  /** Secret for HS256. Several while one takes the place of another: a token signed with any of them is accepted. */
  readonly secret?: Secret | readonly Secret[] | undefined
  /** Public keys for EdDSA, RS256 and ES256: a `KeySet` or a `LiveKeySet`. */
  readonly keys?: VerificationKeys | undefined
  /**
   * Who we are, by one or several names. Tokens have to be for one of these (`aud`). Without it, only tokens that name
   * no audience are taken. RFC 7519 section 4.1.3
   */
  readonly audience?: string | readonly string[] | undefined
  /** Issuers whose tokens are accepted (`iss`); any by default, as long as the signature is good. */
  readonly issuers?: readonly string[] | undefined
  /** Decides who is denied, as `Revocations` does; asked for every token. */
  readonly denied?: Pick<Revocations, 'objectionTo'> | undefined
  /** 30 by default: how much earlier or later than now a token is still taken. */
  readonly clockToleranceSeconds?: number | undefined
  /** 3600 by default: the longest time between `iat` and `exp` that is accepted. */
  readonly maximumLifetimeSeconds?: number | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

const REQUIRED = ['sub', 'exp', 'iat', 'permissions'] as const
const MAXIMUM_TOKEN_ID_CHARACTERS = 256
const MAXIMUM_AUDIENCES = 64

/**
 * Reads tokens. HS256 is verified with secrets alone, and everything else with public keys alone, each with its own
 * kind: what a header asks for is only compared, never followed. The signature is checked before anything is believed,
 * then every claim that means something here; others are left alone. RFC 7519 section 4
 */
export class TokenVerifier {
  readonly clockToleranceSeconds: number
  readonly maximumLifetimeSeconds: number
  readonly #secrets: readonly KeyObject[]
  readonly #keys: VerificationKeys | undefined
  readonly #algorithms: readonly string[]
  readonly #audience: readonly string[]
  readonly #issuers: readonly string[] | undefined
  readonly #denied: TokenVerifierOptions['denied']
  readonly #now: () => number
  readonly #signed = new SignedTokens()

  constructor(options: TokenVerifierOptions) {
    const { secret, keys, audience = [] } = options
    this.clockToleranceSeconds = options.clockToleranceSeconds ?? CLOCK_TOLERANCE_SECONDS
    this.maximumLifetimeSeconds = options.maximumLifetimeSeconds ?? MAXIMUM_LIFETIME_SECONDS
    this.#secrets = secret === undefined ? [] : keysOf(secret)
    this.#keys = keys
    this.#algorithms = [
      ...(secret === undefined ? [] : [ALGORITHM]),
      ...(keys === undefined ? [] : PUBLIC_KEY_ALGORITHMS),
    ]
    this.#audience = typeof audience === 'string' ? [audience] : [...audience]
    this.#issuers = options.issuers
    this.#denied = options.denied
    this.#now = options.now ?? Date.now
  }

  /** The claims of a valid token; throws `TokenError`, whose `code` tells what is wrong. */
  async verify(token: string, options: { expectedSubject?: string } = {}): Promise<TokenClaims> {
    const claims = this.#signed.claimsOf(token) ?? (await this.#read(token))
    this.#assertTimes(claims)
    this.#assertIssuer(claims)
    this.#assertAudience(claims)
    const { expectedSubject } = options
    if (expectedSubject !== undefined && claims.sub !== expectedSubject) {
      throw new TokenError(
        'token-subject',
        `the token was issued to ${quote(claims.sub)}; expected one for ${quote(expectedSubject)}`,
      )
    }
    const denial = this.#denialOf(claims)
    if (denial !== undefined) throw denial
    return claims
  }

  /**
   * The reason why claims that were verified hold no longer, for what outlasts a call: their time is over, with no
   * tolerance, or they are denied by now.
   */
  endOf(claims: TokenClaims): TokenError | undefined {
    if (this.#now() < endMsOf(claims.exp)) return this.#denialOf(claims)
    return new TokenError('token-expired', 'the token has expired; ask for a new one')
  }

  /** The claims of a token with a good signature. Secrets stay as they are; public keys may be taken back at any moment. */
  async #read(token: string): Promise<TokenClaims> {
    const parts = readForm(token, this.#algorithms)
    const claims = readClaims(await this.#verifiedPayload(token, parts))
    if (parts.header.alg !== ALGORITHM) return claims
    Object.freeze(claims.permissions)
    this.#signed.note(token, Object.freeze(claims))
    return claims
  }

  #denialOf(claims: TokenClaims): TokenError | undefined {
    const objection = this.#denied?.objectionTo(claims)
    if (objection === undefined) return undefined
    return new TokenError('token-denied', `the token is not taken: ${objection}`)
  }

  async #verifiedPayload(token: string, parts: TokenParts): Promise<Uint8Array> {
    if (parts.header.alg !== ALGORITHM) return this.#payloadByPublicKey(parts)
    for (const key of this.#secrets) {
      try {
        return (await compactVerify(token, key, { algorithms: [ALGORITHM] })).payload
      } catch (error) {
        if (error instanceof JWSSignatureVerificationFailed) continue
        // The cause is left out: a parser's message may quote what it parsed.
        throw malformed('cannot be read')
      }
    }
    throw new TokenError(
      'token-signature',
      'the token was not signed with a secret in force, or was changed; compare the secrets of both sides',
    )
  }

  async #payloadByPublicKey(parts: TokenParts): Promise<Uint8Array> {
    const { kid } = parts.header
    const keys = (await this.#keys?.keysFor(parts.header)) ?? []
    if (await isSignedBy(keys, parts)) return Buffer.from(parts.payload, 'base64url')
    const named = kid === undefined ? 'names no key' : `names the key ${quote(kid)}`
    const fault =
      keys.length === 0 ? 'which is not among those in force' : 'and was not signed with it, or was changed'
    throw new TokenError('token-signature', `the token ${named}, ${fault}; look at the key set of its issuer`)
  }

  #assertTimes({ iat, exp, nbf = 0 }: TokenClaims): void {
    const lifetime = exp - iat
    if (lifetime <= 0 || lifetime > this.maximumLifetimeSeconds) {
      throw new TokenError(
        'token-lifetime',
        `the token lives ${lifetime} seconds; expected more than 0 and at most ${this.maximumLifetimeSeconds}`,
      )
    }
    const nowMs = this.#now()
    const toleranceMs = this.clockToleranceSeconds * 1000
    const issuedInMs = beginMsOf(iat) - nowMs
    if (issuedInMs > toleranceMs) {
      throw new TokenError(
        'token-not-yet-valid',
        `the token was issued ${Math.ceil(issuedInMs / 1000)} seconds in the future, more than the ${this.clockToleranceSeconds} that clocks may differ; set the clocks`,
      )
    }
    const validInMs = beginMsOf(nbf) - nowMs
    if (validInMs > toleranceMs) {
      throw new TokenError(
        'token-not-yet-valid',
        `the token is not valid before ${Math.ceil(validInMs / 1000)} seconds from now (nbf); wait, or set the clocks`,
      )
    }
    const expiredForMs = nowMs - endMsOf(exp)
    if (expiredForMs >= toleranceMs) {
      throw new TokenError(
        'token-expired',
        `the token expired ${Math.floor(expiredForMs / 1000)} seconds ago; ask for a new one`,
      )
    }
  }

  #assertIssuer({ iss }: TokenClaims): void {
    if (this.#issuers === undefined || (iss !== undefined && this.#issuers.includes(iss))) return
    const found = iss === undefined ? 'nobody it names' : quote(iss)
    throw new TokenError('token-issuer', `the token was issued by ${found}; expected ${anyOf(this.#issuers)}`)
  }

  #assertAudience({ aud }: TokenClaims): void {
    const audience = this.#audience
    if (aud === undefined && audience.length === 0) return
    const named = typeof aud === 'string' ? [aud] : (aud ?? [])
    if (named.some((name) => audience.includes(name))) return
    const found = aud === undefined ? 'for no audience' : `for ${anyOf(named)}`
    const expected =
      audience.length === 0 ? 'one without aud, for this server has no audience' : anyOf(audience)
    throw new TokenError('token-audience', `the token is ${found}; expected ${expected}`)
  }
}

/** The whole millisecond at which a time that may have a fraction (RFC 7519 section 2) ends a token: never a later one. */
export function endMsOf(seconds: number): number {
  return Math.floor(seconds * 1000)
}

/** The whole millisecond at which such a time begins a token: never an earlier one. */
function beginMsOf(seconds: number): number {
  return Math.ceil(seconds * 1000)
}

function anyOf(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(quote).join(' or ')
  return names.length > 3 ? `${shown} or another` : shown || 'nobody'
}

function readClaims(payload: Uint8Array): TokenClaims {
  const claims = readObject(payload, 'payload')
  for (const name of REQUIRED) {
    if (claims[name] === undefined)
      throw new TokenError('token-claim-missing', `the token has no claim ${name}`)
  }
  const { sub, exp, iat, permissions, nbf, jti, iss, aud } = claims
  if (typeof sub !== 'string') throw invalid('sub', 'a string')
  if (!isSeconds(exp)) throw invalid('exp', 'seconds since 1970')
  if (!isSeconds(iat)) throw invalid('iat', 'seconds since 1970')
  if (nbf !== undefined && !isSeconds(nbf)) throw invalid('nbf', 'seconds since 1970')
  if (jti !== undefined && !isTokenId(jti))
    throw invalid('jti', `a string of 1 to ${MAXIMUM_TOKEN_ID_CHARACTERS} characters`)
  if (iss !== undefined && typeof iss !== 'string') throw invalid('iss', 'a string')
  if (aud !== undefined && typeof aud !== 'string' && !(isStrings(aud) && aud.length <= MAXIMUM_AUDIENCES))
    throw invalid('aud', `a string, or an array of at most ${MAXIMUM_AUDIENCES}`)
  if (!isStrings(permissions)) throw invalid('permissions', 'an array of strings')
  assertSubject(sub)
  assertPermissions(permissions, sub)
  const optional = Object.entries({ nbf, jti, iss, aud }).filter(([, value]) => value !== undefined)
  return { sub, exp, iat, permissions, ...Object.fromEntries(optional) }
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}

function isTokenId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAXIMUM_TOKEN_ID_CHARACTERS
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}

function invalid(claim: string, expected: string): TokenError {
  return new TokenError('token-claim-invalid', `claim ${claim} is of the wrong kind; expected ${expected}`)
}
