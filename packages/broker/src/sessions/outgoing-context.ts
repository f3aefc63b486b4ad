import type { Router } from '../routing/router.js'
import type { ExpirySweep } from '../storage/expiry-sweep.js'
import type { Persistence } from '../storage/persistence.js'
import type { PublishBackpressure } from './publish-backpressure.js'
import type { CapacityContext } from './queue-capacity.js'

/** The parts of the broker that the queues of all sessions share. */
export interface OutgoingContext extends CapacityContext {
  readonly persistence: Persistence
  readonly router: Router
  readonly backpressure: PublishBackpressure
  readonly expirySweep: ExpirySweep
}
