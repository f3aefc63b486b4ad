import type { Session } from './database-pool.js'

/** One transaction of whoever writes now. */
export interface Turn {
  readonly session: Session
  readonly nowMs: number
  /** Who publishes announcements; none are recorded where undefined. */
  readonly announcer: string | undefined
}
