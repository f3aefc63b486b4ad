import { type KeyObject, randomUUID } from 'node:crypto'
// The whole of the library is 46 files, which a command line would wait for.
import { CompactSign } from 'jose/jws/compact/sign'
import { Permissions } from '../permissions/permissions.js'
import { clientIdentifierFault, quote } from '../support/client-identifier.js'
import { PermissionListError, TokenError } from '../support/errors.js'
import { keyOf, type Secret } from './secret.js'

/** The one algorithm that is written. */
export const ALGORITHM = 'HS256'
export const DEFAULT_LIFETIME_SECONDS = 300
export const MAXIMUM_LIFETIME_SECONDS = 3600
/** An MQTT password holds at most 65535 bytes; a token of this size holds some 200 permissions. */
export const MAXIMUM_TOKEN_CHARACTERS = 16_384

/** The claims of a token that mean anything here. Times are seconds since 1970. */
export interface TokenClaims {
  readonly sub: string
  readonly exp: number
  readonly iat: number
  readonly permissions: readonly string[]
  /** Name of this one token, by which it can be denied. RFC 7519 section 4.1.7 */
  readonly jti?: string | undefined
  /** Whom it is for; every other server refuses it. */
  readonly aud?: string | readonly string[] | undefined
  readonly iss?: string | undefined
  readonly nbf?: number | undefined
}

export interface TokenContent {
  /** The client identifier the token is for. */
  readonly sub: string
  /** Entries as `Permissions` reads them. */
  readonly permissions: readonly string[]
  /** 300 by default; whole seconds, at most 3600 unless the verifier is told otherwise. */
  readonly lifetimeSeconds?: number | undefined
  /** A random UUID by default. */
  readonly jti?: string | undefined
  /** The servers that are to take it: those whose verifier names one of these. None by default. */
  readonly aud?: string | readonly string[] | undefined
  /** Name of the signer, for verifiers that ask for it. None by default. */
  readonly iss?: string | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

/**
 * A signed HS256 token with the claims sub, exp, iat, jti and permissions, and aud and iss where given. Throws `SecretError` for a weak secret,
 * `TokenError` for content that no verifier would accept.
 */
export async function signToken(content: TokenContent, secret: Secret): Promise<string> {
  return signClaims(claimsOf(content), keyOf(secret))
}

/** The claims of a token issued now. */
export function claimsOf(content: TokenContent): TokenClaims {
  const { sub, permissions, lifetimeSeconds = DEFAULT_LIFETIME_SECONDS, now = Date.now } = content
  const { jti = randomUUID(), aud, iss } = content
  if (!Number.isSafeInteger(lifetimeSeconds) || lifetimeSeconds < 1) {
    throw new TokenError(
      'token-lifetime',
      `the token lifetime is ${lifetimeSeconds} seconds; expected a whole number of at least 1`,
    )
  }
  assertSubject(sub)
  assertPermissions(permissions, sub)
  const iat = Math.floor(now() / 1000)
  const named = { ...(aud === undefined ? {} : { aud }), ...(iss === undefined ? {} : { iss }) }
  return { sub, exp: iat + lifetimeSeconds, iat, jti, ...named, permissions: [...permissions] }
}

export async function signClaims(claims: TokenClaims, key: KeyObject): Promise<string> {
  const payload = Buffer.from(JSON.stringify(claims), 'utf8')
  const token = await new CompactSign(payload).setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' }).sign(key)
  if (token.length <= MAXIMUM_TOKEN_CHARACTERS) return token
  throw new TokenError(
    'token-malformed',
    `the token for ${quote(claims.sub)} has ${token.length} characters, more than ${MAXIMUM_TOKEN_CHARACTERS}; its ${claims.permissions.length} permissions need wildcards`,
  )
}

/** Throws `TokenError` 'token-claim-invalid' where `sub` cannot name a client. */
export function assertSubject(sub: string): void {
  const fault = clientIdentifierFault(sub)
  if (fault === undefined) return
  throw new TokenError(
    'token-claim-invalid',
    `claim sub ${quote(sub)} ${fault}; expected a client identifier`,
  )
}

/** Throws `TokenError` 'token-claim-invalid' where an entry cannot be read. */
export function assertPermissions(permissions: readonly string[], sub: string): void {
  try {
    new Permissions(permissions, { clientId: sub })
  } catch (error) {
    if (!(error instanceof PermissionListError)) throw error
    throw new TokenError('token-claim-invalid', `claim permissions: ${error.message}`, { cause: error })
  }
}
