import * as storeParts from '../publishing/backlog.js'
import { RateLimit } from '../publishing/rate-limit.js'
import { explain } from './explain.js'
import type { LazyParts } from './lazy-parts.js'
import { PoisonSearch } from './poison-search.js'

/** In Node nothing has to be fetched. */
export const nodeParts: LazyParts = {
  explain,
  startPoisonSearch: async (session) => new PoisonSearch(session),
  storeParts: async () => storeParts,
  rateLimit: (use) => use(RateLimit),
}
