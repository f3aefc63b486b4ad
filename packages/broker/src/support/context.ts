import type { Clock } from './clock.js'
import type { Counters } from './counters.js'
import type { DroppedTopics } from './drop-counts.js'
import type { Limits } from './limits.js'
import type { Log, RareLog } from './log.js'

/** The parts that every room of one broker is given. */
export interface Context {
  /** The object is never changed, but replaced at a reload. */
  readonly limits: Readonly<Limits>
  readonly clock: Clock
  readonly log: Log
  /** Log for lines about unauthenticated connections, which may not fill the disk. */
  readonly unauthenticatedLog: Log
  /** Log for shortages of the whole process. */
  readonly shortageLog: RareLog
  readonly counters: Counters
  /** What was dropped of late, by topic. */
  readonly droppedTopics: DroppedTopics
}
