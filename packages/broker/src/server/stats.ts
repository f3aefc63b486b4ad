import type { BrokerStats } from '../support/counters.js'
import type { Core } from './core.js'

/** Counts connections, sessions and queues; goes once through all sessions. */
export function statsOf(
  { counters, sessions, sharedRedelivery, router, retained, heldBytes, groupCommit, inProcess }: Core,
  uptimeSeconds: number,
): BrokerStats {
  let queuedMessages = 0
  let queuedBytes = 0
  let inFlightMessages = 0
  for (const some of [sessions.values(), sharedRedelivery.remains()]) {
    for (const { outgoing } of some) {
      queuedMessages += outgoing.queued
      queuedBytes += outgoing.bytes
      inFlightMessages += outgoing.inFlight
    }
  }
  return {
    ...counters,
    uptimeSeconds,
    connections: sessions.connected,
    connectionsInProcess: inProcess.size,
    sessions: sessions.size,
    subscriptions: router.tree.size,
    sharedSubscriptions: router.tree.sharedSize,
    retainedMessages: retained.tree.size,
    retainedBytes: retained.tree.bytes,
    queuedMessages,
    queuedBytes,
    inFlightMessages,
    heldBytes: heldBytes.total,
    storeFailingSeconds: groupCommit?.health.failingSeconds ?? 0,
  }
}
