import { computed, signal } from '@preact/signals'
import { session as endpoint, type Session } from '../api/endpoints.js'
import { setCsrfToken } from '../api/http.js'
import { type ApiError, failureOf } from '../api/problem.js'
import { Rights } from './permissions.js'

export type SessionState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'unreachable'; readonly error: ApiError }
  | { readonly kind: 'signed-out'; readonly hasEnded: boolean }
  | { readonly kind: 'signed-in'; readonly session: Session; readonly rights: Rights }

const RETRY_MS = 3_000

export const sessionState = signal<SessionState>({ kind: 'loading' })

/** What the viewer seems to be allowed; nothing where nobody is signed in. */
export const rights = computed(() => {
  const state = sessionState.value
  return state.kind === 'signed-in' ? state.rights : new Rights([], '')
})

/** True where this machine vouches for the viewer instead of a token: answers of people need one. */
export const isLocal = computed(() => {
  const state = sessionState.value
  return state.kind === 'signed-in' && state.session.csrf_token === undefined
})

/** Finds out who is signed in; asked again where a call is refused for want of a token. */
export async function findSession(): Promise<void> {
  const before = sessionState.value.kind
  try {
    enter(await endpoint.get())
  } catch (error) {
    const problem = failureOf(error)
    if (problem.kind === 'session-over') {
      // The cookie is taken back with this answer; on this machine the page may go on without one.
      leave(true)
      await goOn()
    } else if (problem.status === 401) {
      leave(before === 'signed-in')
    } else if (before !== 'signed-in') {
      sessionState.value = { kind: 'unreachable', error: problem }
      setTimeout(() => void findSession(), RETRY_MS)
    }
  }
}

async function goOn(): Promise<void> {
  try {
    enter(await endpoint.get())
  } catch {
    // Then the reader is asked for a token.
  }
}

/** Throws an `ApiError` where the token is not taken. */
export async function signIn(token: string): Promise<void> {
  enter(await endpoint.create(token))
}

/** Ends the session; on this machine the page may go on without a token. */
export async function signOut(): Promise<void> {
  await endpoint.end().catch(() => undefined)
  leave(false)
  await findSession()
}

function enter(session: Session): void {
  setCsrfToken(session.csrf_token)
  sessionState.value = {
    kind: 'signed-in',
    session,
    rights: new Rights(session.permissions, session.name),
  }
}

function leave(hasEnded: boolean): void {
  setCsrfToken(undefined)
  sessionState.value = { kind: 'signed-out', hasEnded }
}
