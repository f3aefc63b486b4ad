import * as storeParts from '../publishing/backlog.js'
import { RateLimit } from '../publishing/rate-limit.js'
import { explain } from './explain.js'
import type { OnDemandParts } from './on-demand-parts.js'
import { Trial } from './trial.js'

/** In Node nothing has to be fetched. */
export const nodeParts: OnDemandParts = {
  explain,
  startTrial: async (session) => new Trial(session),
  storeParts: async () => storeParts,
  rateLimit: (use) => use(RateLimit),
}
