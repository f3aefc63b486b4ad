import type { Explanation } from '../model/explanation.js'
import type { LazyParts } from './lazy-parts.js'

/** Fetched when it is needed first. */
export const browserParts: LazyParts = {
  explain,
  startPoisonSearch: (session) =>
    import('./poison-search.js').then(({ PoisonSearch }) => new PoisonSearch(session)),
  storeParts: () => import('../publishing/backlog.js'),
  rateLimit: (use) => {
    // A page that cannot fetch it goes on as it did.
    import('../publishing/rate-limit.js').then(({ RateLimit }) => use(RateLimit)).catch(() => {})
  },
}

let explaining: typeof import('./explain.js') | undefined

/**
 * Explanations are asked for seldom, so they are fetched with the first question, which learns the state and its cause
 * alone.
 */
function explain(...parts: Parameters<LazyParts['explain']>): Explanation {
  if (explaining !== undefined) return explaining.explain(...parts)
  import('./explain.js').then(
    (found) => {
      explaining = found
    },
    () => {},
  )
  const { state, cause } = parts[1].status
  const because = cause?.message ?? state
  const none = {}
  return {
    state,
    because,
    breaker: none,
    sending: none,
    queue: none,
    socket: none,
    receiving: none,
    lastFailures: none,
  } as unknown as Explanation
}
