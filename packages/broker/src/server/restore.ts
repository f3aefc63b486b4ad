import { splitShared } from '@jamey/protocol'
import type { QueueRecord, SessionRecord, StoredState, SubscriptionRecord } from '../ports/broker-store.js'
import { Session } from '../sessions/session.js'
import type { Core } from './core.js'

/**
 * Builds the broker's state from what a store held. Queues stay where they are until their turn comes. Nothing is
 * sent yet; what expired meanwhile goes with the first commit.
 */
export function restore(core: Core, state: StoredState): void {
  for (const record of state.retained) {
    core.retained.restore(core.persistence.restoreRetained(record))
  }
  core.retained.dropExpired(Number.POSITIVE_INFINITY)
  core.persistence.startMessagesAfter(state.lastMessageId)
  const queues = new Map<string, QueueRecord>()
  for (const { clientId, queue } of state.queues) queues.set(clientId, queue)
  for (const record of state.sessions) restoreSession(core, record, queues.get(record.clientId))
  for (const { clientId, subscription } of state.subscriptions) {
    const session = core.sessions.get(clientId)
    if (session !== undefined) restoreSubscription(core, session, subscription)
  }
  for (const { clientId, packetIdentifier } of state.incoming) {
    core.sessions.get(clientId)?.incoming.add(packetIdentifier)
  }
}

function restoreSession(core: Core, record: SessionRecord, queue: QueueRecord | undefined): void {
  const { clientId, username, protocolVersion, expirySeconds, will, inFlightWindow } = record
  const session = new Session(core, clientId, username, protocolVersion)
  session.isStored = true
  session.expirySeconds = expirySeconds
  session.disconnectedAtMs = core.persistence.restoreDisconnected(record)
  session.will = will
  session.outgoing.restore(queue, inFlightWindow)
  core.sessions.restore(session)
}

function restoreSubscription(core: Core, session: Session, record: SubscriptionRecord): void {
  const { group, filter: path } = splitShared(record.filter)
  const subscription = {
    ...record,
    session,
    path,
    group: group === undefined ? undefined : core.router.tree.group(path, record.filter),
  }
  session.subscriptions.set(record.filter, subscription)
  core.router.tree.add(subscription)
}
