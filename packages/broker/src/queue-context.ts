import type { Crowding } from './crowding.js'
import type { ExpirySweep } from './expiry-sweep.js'
import type { Persistence } from './persistence.js'
import type { RoomContext } from './queue-room.js'
import type { Router } from './router.js'

/** What the queues of sessions share. */
export interface QueueContext extends RoomContext {
  readonly persistence: Persistence
  readonly router: Router
  readonly crowding: Crowding
  readonly expirySweep: ExpirySweep
}
