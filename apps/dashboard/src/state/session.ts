import { computed, signal } from '@preact/signals'
import { session as endpoint, type Session } from '../api/endpoints.js'
import { onUnauthorized, setCsrfToken } from '../api/http.js'
import { type ApiError, failureOf } from '../api/problem.js'
import { timeOfDay } from './now.js'
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

/** Whose session ended while the page was open, until somebody signs in: the page goes on as this machine's. */
export const endedSession = signal<string | undefined>(undefined)

let asking: Promise<void> | undefined
/** What was asked before somebody signed in or out says nothing of who it is since. */
let turn = 0

/**
 * Finds out who is signed in; asked again wherever the gateway may have forgotten it: with a call that is refused for
 * want of a token, and with a stream of events that broke. One call at a time.
 */
export function findSession(): Promise<void> {
  asking ??= askWho(turn).finally(() => {
    asking = undefined
  })
  return asking
}

async function askWho(asked: number): Promise<void> {
  try {
    const found = await endpoint.get().catch((error: unknown) => {
      // The cookie is taken back with this answer; on this machine the page may go on without one.
      if (failureOf(error).kind === 'session-over') return endpoint.get()
      throw error
    })
    if (asked === turn) meet(found)
  } catch (error) {
    if (asked !== turn) return
    const problem = failureOf(error)
    if (problem.status === 401) {
      leave(sessionState.value.kind === 'signed-in')
    } else if (sessionState.value.kind !== 'signed-in') {
      sessionState.value = { kind: 'unreachable', error: problem }
      setTimeout(() => void findSession(), RETRY_MS)
    }
  }
}

/** Takes in who it is; whoever was here before has left where it is somebody else. */
function meet(found: Session): void {
  const state = sessionState.value
  if (state.kind === 'signed-in') {
    if (isSame(state.session, found)) return
    if (state.session.csrf_token !== undefined && found.csrf_token === undefined)
      endedSession.value = state.session.name
    leave(true)
  }
  enter(found)
}

function isSame(one: Session, other: Session): boolean {
  return (
    one.csrf_token === other.csrf_token &&
    one.name === other.name &&
    one.permissions.join() === other.permissions.join()
  )
}

/** Throws an `ApiError` where the token is not taken. */
export async function signIn(token: string): Promise<void> {
  const session = await endpoint.create(token)
  turn += 1
  endedSession.value = undefined
  enter(session)
}

/** Ends the session; on this machine the page may go on without a token. */
export async function signOut(): Promise<void> {
  await endpoint.end().catch(() => undefined)
  turn += 1
  leave(false)
  await asking
  await findSession()
}

function enter(session: Session): void {
  setCsrfToken(session.csrf_token)
  askAtEnd(session.expires_at)
  sessionState.value = {
    kind: 'signed-in',
    session,
    rights: new Rights(session.permissions, session.name),
  }
}

function leave(hasEnded: boolean): void {
  setCsrfToken(undefined)
  clearTimeout(endTimer)
  sessionState.value = { kind: 'signed-out', hasEnded }
}

let endTimer: ReturnType<typeof setTimeout> | undefined
/** A little after the end, so that the gateway's clock is past it, too. */
const AFTER_END_MS = 1_000
/** What timers count at most; no page is open for as long. */
const MAXIMUM_TIMER_MS = 2 ** 31 - 1

/** A view that asks for nothing would not be told that its session is over. */
function askAtEnd(expiresAt: string | undefined): void {
  clearTimeout(endTimer)
  if (expiresAt === undefined) return
  const left = Math.max(0, Date.parse(expiresAt) - timeOfDay()) + AFTER_END_MS
  endTimer = setTimeout(() => void findSession(), Math.min(left, MAXIMUM_TIMER_MS))
}

onUnauthorized(() => void findSession())
