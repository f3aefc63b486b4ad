import { ReasonCode } from '@jamey/protocol'
import { Permissions } from '../permissions/permissions.js'
import { quote } from '../support/client-identifier.js'
import { AuthenticationRefused, TokenError } from '../support/errors.js'
import type { TokenClaims } from './token.js'
import { endMsOf, TokenVerifier, type TokenVerifierOptions } from './token-verifier.js'

/** The Authentication Method under which MQTT 5 clients send their token, and later its successors (AUTH). */
export const AUTHENTICATION_METHOD = 'JWT'

/** The proofs that a client shows when it connects or renews. */
export interface AuthenticationRequest {
  readonly clientId: string
  readonly username?: string | undefined
  readonly password?: Uint8Array | undefined
  readonly authenticationMethod?: string | undefined
  readonly authenticationData?: Uint8Array | undefined
  /** A client certificate that was verified during the handshake. */
  readonly certificate?: { readonly commonName: string; readonly raw?: Uint8Array | undefined } | undefined
  /** The client is connected already and brings a new token. */
  readonly isRenewal?: boolean | undefined
}

/** A client and what it may do until `expiresAtMs` (milliseconds since 1970). */
export interface TokenIdentity {
  readonly username: string
  readonly expiresAtMs: number
  /** The token's `jti`, where it has one. */
  readonly tokenId?: string | undefined
  readonly permissions: Permissions
  /** The clients that `Permissions.actsFor` tells. */
  readonly actsFor: readonly string[]
  /** As `Permissions.relays` tells. */
  readonly relays: readonly string[]
  mayPublish(topic: string): boolean
  maySubscribe(filter: string): boolean
  mayReceive(topic: string): boolean
}

export interface TokenAuthenticatorOptions extends TokenVerifierOptions {
  /**
   * Refuse clients that show no certificate: all, or those of which the function says so. None by default. Of these a
   * token alone is not enough, and so whoever can sign tokens cannot become one.
   */
  readonly requireCertificate?: boolean | ((clientId: string) => boolean) | undefined
}

/** Fits the broker's port of the same name. */
export interface TokenAuthenticator {
  authenticate(request: AuthenticationRequest): Promise<TokenIdentity>
}

/**
 * Lets in clients that bring a token of their own: as password, with their identifier as user name, or as the data of
 * the authentication method 'JWT'. Client identifier, user name, `sub` and the common name of a client certificate
 * must all be the same. Refuses with `AuthenticationRefused`. A token is taken until `exp` plus the clock tolerance,
 * and `expiresAtMs` is that moment: a client whose clock is slow renews as late as that.
 */
export function tokenAuthenticator(options: TokenAuthenticatorOptions): TokenAuthenticator {
  const verifier = new TokenVerifier(options)
  const { requireCertificate = false } = options
  const needsCertificate =
    typeof requireCertificate === 'function' ? requireCertificate : () => requireCertificate
  return {
    async authenticate(request) {
      assertSameName(request, needsCertificate(request.clientId))
      const claims = await verifiedClaims(verifier, request, readToken(request))
      return identityOf(claims, verifier.clockToleranceSeconds)
    },
  }
}

function assertSameName(request: AuthenticationRequest, requireCertificate: boolean): void {
  const { clientId, username, certificate, authenticationMethod } = request
  if (clientId === '') {
    throw refused(
      request,
      ReasonCode.clientIdentifierNotValid,
      'a client identifier is needed, equal to the sub of the token',
    )
  }
  if (authenticationMethod !== undefined && authenticationMethod !== AUTHENTICATION_METHOD) {
    const found = quote(authenticationMethod)
    throw refused(
      request,
      ReasonCode.badAuthenticationMethod,
      `authentication method ${found} is not known; expected "${AUTHENTICATION_METHOD}"`,
    )
  }
  if (certificate === undefined && requireCertificate) {
    throw refused(
      request,
      ReasonCode.notAuthorized,
      `a client certificate is required of ${quote(clientId)} and none was presented`,
    )
  }
  if (certificate !== undefined && certificate.commonName !== clientId) {
    throw refused(
      request,
      ReasonCode.notAuthorized,
      `the client certificate is of ${quote(certificate.commonName)}, the client identifier is ${quote(clientId)}; they must be equal`,
    )
  }
  if (username === undefined ? authenticationMethod === undefined : username !== clientId) {
    const found = username === undefined ? 'missing' : quote(username)
    throw refused(
      request,
      ReasonCode.badUserNameOrPassword,
      `the user name is ${found}; expected the client identifier ${quote(clientId)}`,
    )
  }
}

function readToken(request: AuthenticationRequest): string {
  const isMethod = request.authenticationMethod !== undefined
  const bytes = isMethod ? request.authenticationData : request.password
  if (bytes !== undefined && bytes.byteLength > 0) {
    // Tokens are ASCII; a byte outside it becomes a character that the verifier refuses.
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  }
  const place = isMethod ? 'authentication data' : 'password'
  throw refused(request, ReasonCode.badUserNameOrPassword, `no token was sent; expected one as ${place}`)
}

async function verifiedClaims(
  verifier: TokenVerifier,
  request: AuthenticationRequest,
  token: string,
): Promise<TokenClaims> {
  try {
    return await verifier.verify(token, { expectedSubject: request.clientId })
  } catch (error) {
    if (!(error instanceof TokenError)) throw error
    throw refused(request, reasonCodeOf(error, request), error.message, error)
  }
}

function reasonCodeOf({ code }: TokenError, { isRenewal }: AuthenticationRequest): number {
  if (code === 'token-subject') return ReasonCode.notAuthorized
  if (code === 'token-denied') return ReasonCode.banned
  if (code !== 'token-keys-unavailable') return ReasonCode.badUserNameOrPassword
  // It may try again. A DISCONNECT has another word for that.
  return isRenewal === true ? ReasonCode.serverBusy : ReasonCode.serverUnavailable
}

function identityOf(claims: TokenClaims, clockToleranceSeconds: number): TokenIdentity {
  const permissions = new Permissions(claims.permissions, { clientId: claims.sub })
  return {
    username: claims.sub,
    expiresAtMs: endMsOf(claims.exp) + clockToleranceSeconds * 1000,
    tokenId: claims.jti,
    permissions,
    actsFor: permissions.actsFor(),
    relays: permissions.relays(),
    mayPublish: (topic) => permissions.mayPublish(topic),
    maySubscribe: (filter) => permissions.maySubscribe(filter),
    mayReceive: (topic) => permissions.mayReceive(topic),
  }
}

function refused(
  request: AuthenticationRequest,
  reasonCode: number,
  message: string,
  cause?: TokenError,
): AuthenticationRefused {
  // A renewal is answered by DISCONNECT, which cannot carry 0x85 or 0x86. [MQTT 5.0 table 3-10]
  const isCarried =
    request.isRenewal !== true ||
    reasonCode === ReasonCode.badAuthenticationMethod ||
    reasonCode === ReasonCode.serverBusy
  const carried = isCarried ? reasonCode : ReasonCode.notAuthorized
  return new AuthenticationRefused(message, carried, { cause, retryable: cause?.retryable })
}
