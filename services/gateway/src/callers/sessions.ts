import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { TokenClaims, TokenVerifier } from '@jamey/auth'
import { Problem, retryAfter } from '../problems/problem.js'

/** Sessions that one name has at a time: the oldest makes room for one more. */
export const MAXIMUM_SESSIONS_OF_NAME = 16
/** Some 2 KB each. */
export const MAXIMUM_SESSIONS = 2_000
const ID_BYTES = 32

/** A browser that showed a token once, and has a cookie in its place. */
export interface Session {
  readonly claims: TokenClaims
  /** Shown to the page alone, which sends it back with what changes something. */
  readonly csrfToken: string
}

/**
 * The sessions of browsers, in memory: those of a gateway that is started anew are over. Of a session's identifier only
 * a digest is kept, and of its token only what it says.
 */
export class Sessions {
  readonly #verifier: Pick<TokenVerifier, 'endOf'>
  readonly #byDigest = new Map<string, Session>()
  readonly #open = new Set<Session>()

  constructor(verifier: Pick<TokenVerifier, 'endOf'>) {
    this.#verifier = verifier
  }

  get size(): number {
    return this.#byDigest.size
  }

  /** Begins a session; `id` is the value of its cookie. Throws a `Problem` 429 where there are too many. */
  begin(claims: TokenClaims): { id: string; session: Session } {
    this.#makeRoom(claims.sub)
    const id = randomBytes(ID_BYTES).toString('base64url')
    const session = { claims, csrfToken: randomBytes(ID_BYTES).toString('base64url') }
    this.#byDigest.set(digestOf(id), session)
    this.#open.add(session)
    return { id, session }
  }

  /** The session of a cookie; undefined where there is none, or its token holds no longer. */
  find(id: string): Session | undefined {
    const session = this.#byDigest.get(digestOf(id))
    if (session === undefined || this.#verifier.endOf(session.claims) === undefined) return session
    this.end(session)
    return undefined
  }

  end(session: Session): void {
    this.#open.delete(session)
    for (const [digest, each] of this.#byDigest) if (each === session) this.#byDigest.delete(digest)
  }

  isOpen(session: Session): boolean {
    return this.#open.has(session)
  }

  #makeRoom(name: string): void {
    const ofName = [...this.#byDigest.values()].filter(({ claims }) => claims.sub === name)
    const [oldest] = ofName
    if (oldest !== undefined && ofName.length >= MAXIMUM_SESSIONS_OF_NAME) this.end(oldest)
    if (this.#byDigest.size < MAXIMUM_SESSIONS) return
    for (const session of this.#open)
      if (this.#verifier.endOf(session.claims) !== undefined) this.end(session)
    if (this.#byDigest.size < MAXIMUM_SESSIONS) return
    throw new Problem('rate-limited', `There are ${MAXIMUM_SESSIONS} sessions; no more can begin.`, {
      headers: retryAfter(60_000),
    })
  }
}

/** Compares what a caller sent with a secret, in a time that tells nothing of where they differ. */
export function isSameToken(given: string | readonly string[] | undefined, expected: string): boolean {
  if (typeof given !== 'string') return false
  return timingSafeEqual(
    createHash('sha256').update(given).digest(),
    createHash('sha256').update(expected).digest(),
  )
}

function digestOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}
