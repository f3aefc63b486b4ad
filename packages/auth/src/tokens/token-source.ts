import type { KeyObject } from 'node:crypto'
import { keyOf, type Secret } from './secret.js'
import { claimsOf, DEFAULT_LIFETIME_SECONDS, signClaims, type TokenContent } from './token.js'

/** Seconds before its end at which a token is replaced. */
const REFRESH_SECONDS = 30

export interface TokenSourceOptions {
  readonly secret: Secret
  /** The client identifier the tokens are for. */
  readonly subject: string
  readonly permissions: readonly string[]
  /** 300 by default. */
  readonly lifetimeSeconds?: number | undefined
  /** The servers that are to take the tokens; none is named by default. */
  readonly audience?: string | readonly string[] | undefined
  /** Name of the signer (`iss`); none by default. */
  readonly issuer?: string | undefined
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: (() => number) | undefined
}

export interface IssuedToken {
  readonly token: string
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
}

/**
 * Tokens for one client, always with time left: one is reused until 30 seconds before its end (half of its life where
 * that is shorter than a minute), then replaced. Throws like `signToken`, for faulty options already on construction.
 */
export class TokenSource {
  readonly subject: string
  readonly permissions: readonly string[]
  readonly lifetimeSeconds: number
  readonly #key: KeyObject
  readonly #named: Pick<TokenContent, 'aud' | 'iss'>
  readonly #now: () => number
  #issuedAtMs = 0
  #refreshAtMs = 0
  #token: Promise<IssuedToken> | undefined

  constructor(options: TokenSourceOptions) {
    this.subject = options.subject
    this.permissions = Object.freeze([...options.permissions])
    this.lifetimeSeconds = options.lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS
    this.#key = keyOf(options.secret)
    this.#named = { aud: options.audience, iss: options.issuer }
    this.#now = options.now ?? Date.now
    this.#claims()
  }

  /** Moment at which `current()` will make a new token, in milliseconds since 1970; 0 before the first. */
  get refreshAtMs(): number {
    return this.#refreshAtMs
  }

  /** The token to use now. Callers that ask at once share one. */
  async current(): Promise<IssuedToken> {
    const now = this.#now()
    // A clock that was set back would otherwise keep a token whose issue lies in the future.
    const isCurrent = now >= this.#issuedAtMs && now < this.#refreshAtMs
    return this.#token !== undefined && isCurrent ? this.#token : this.renew()
  }

  /** A new token whatever time the last one has left, for a server that refused it. */
  async renew(): Promise<IssuedToken> {
    const claims = this.#claims()
    this.#issuedAtMs = claims.iat * 1000
    this.#refreshAtMs = (claims.exp - Math.min(REFRESH_SECONDS, this.lifetimeSeconds / 2)) * 1000
    this.#token = signClaims(claims, this.#key).then((token) => ({ token, expiresAtMs: claims.exp * 1000 }))
    return this.#token
  }

  #claims() {
    const { subject: sub, permissions, lifetimeSeconds } = this
    return claimsOf({ sub, permissions, lifetimeSeconds, ...this.#named, now: this.#now })
  }
}
