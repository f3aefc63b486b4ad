import { createHash } from 'node:crypto'
import type { TokenClaims } from './token.js'

/** Tokens that are remembered at once; beyond, the one that was not shown for longest is forgotten. */
const MAXIMUM_TOKENS = 1_000

/**
 * The claims of tokens whose signature was found good before, by the SHA-256 of the whole token: whoever shows one with
 * each call need not wait for its signature each time. It says nothing about whether the token is taken: its times, its
 * issuer, its audience and who is denied are looked at for every call.
 */
export class SignedTokens {
  readonly #claims = new Map<string, TokenClaims>()

  get size(): number {
    return this.#claims.size
  }

  claimsOf(token: string): TokenClaims | undefined {
    if (this.#claims.size === 0) return undefined
    const digest = digestOf(token)
    const claims = this.#claims.get(digest)
    if (claims === undefined) return undefined
    // The order of a Map is that of use, then.
    this.#claims.delete(digest)
    this.#claims.set(digest, claims)
    return claims
  }

  /** `token` has a good signature, and says this. */
  note(token: string, claims: TokenClaims): void {
    this.#claims.set(digestOf(token), claims)
    if (this.#claims.size > MAXIMUM_TOKENS) this.#claims.delete(this.#claims.keys().next().value ?? '')
  }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64')
}
