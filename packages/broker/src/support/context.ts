import type { Clock } from './clock.js'
import type { Counters } from './counters.js'
import type { Limits } from './limits.js'
import type { Log, RareLog } from './log.js'

/** What every part of one broker is given. */
export interface Context {
  /** Never changed, but replaced at a reload. */
  readonly limits: Readonly<Limits>
  readonly clock: Clock
  readonly log: Log
  /** For what happens with those who were not let in: they may not fill the disk. */
  readonly unauthenticatedLog: Log
  /** Of what the whole process has too little of. */
  readonly shortageLog: RareLog
  readonly counters: Counters
}
