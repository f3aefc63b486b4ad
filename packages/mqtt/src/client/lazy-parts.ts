import type { RateLimitSource } from '../publishing/rate-adapter.js'
import type { explain } from './explain.js'
import type { PoisonSearch, SearchedSession } from './poison-search.js'

/** The parts that a client seldom needs: in Node they are there, and pages fetch them when they need them. */
export interface LazyParts extends RateLimitSource {
  /** See `Client.explain`. A page that has not fetched it yet says less. */
  readonly explain: typeof explain
  /** Makes the search for the packet under which connections end. */
  startPoisonSearch(session: SearchedSession): Promise<PoisonSearch>
  /** Makes the parts that a store which commits needs. */
  storeParts(): Promise<typeof import('../publishing/backlog.js')>
}
