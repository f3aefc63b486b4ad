import type { RateLimitSource } from '../publishing/rate-adapter.js'
import type { explain } from './explain.js'
import type { PoisonSearch, SearchedSession } from './poison-search.js'

/** What a client seldom needs: in Node it is there, and pages fetch it when they need it. */
export interface LazyParts extends RateLimitSource {
  /** See `Client.explain`. A page that has not fetched it yet says less. */
  readonly explain: typeof explain
  /** What finds the packet under which connections end. */
  startPoisonSearch(session: SearchedSession): Promise<PoisonSearch>
  /** What a store that commits takes. */
  storeParts(): Promise<typeof import('../publishing/backlog.js')>
}
