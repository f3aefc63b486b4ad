import { splitShared } from '@jamey/protocol'
import type {
  DeliveryRecord,
  MessageRecord,
  SessionRecord,
  StoredState,
  SubscriptionRecord,
} from './broker-store.js'
import type { Core } from './core.js'
import { Delivery } from './delivery.js'
import { Message } from './message.js'
import { Session } from './session.js'

/** Builds the broker's state from what a store held. Nothing is written; nothing is sent yet. */
export function restore(core: Core, state: StoredState): void {
  const now = core.clock.now()
  for (const record of state.retained) {
    const message = messageOf(record)
    if (message.expiresAtMs > now) core.retained.set(message)
  }
  const messages = new Map<number, Message>()
  let lastMessageId = 0
  for (const [messageId, record] of state.messages) {
    const message = messageOf(record)
    message.storeId = messageId
    messages.set(messageId, message)
    if (messageId > lastMessageId) lastMessageId = messageId
  }
  core.persistence.startMessagesAfter(lastMessageId)
  for (const record of state.sessions) restoreSession(core, record)
  for (const { clientId, subscription } of state.subscriptions) {
    const session = core.sessions.get(clientId)
    if (session !== undefined) restoreSubscription(core, session, subscription)
  }
  for (const { clientId, packetIdentifier } of state.incoming) {
    core.sessions.get(clientId)?.incoming.add(packetIdentifier)
  }
  const places = new Map<string, number>()
  for (const { clientId, sequence, delivery } of state.deliveries) {
    const session = core.sessions.get(clientId)
    const message = messages.get(delivery.messageId)
    if (session === undefined || message === undefined) continue
    const place = places.get(clientId) ?? 0
    places.set(clientId, place + 1)
    restoreDelivery(session, sequence, delivery, message, place)
  }
}

function restoreSession(core: Core, record: SessionRecord): void {
  const { clientId, username, protocolVersion, expirySeconds, disconnectedAtMs, will, inFlightWindow } =
    record
  const session = new Session(core, clientId, username, protocolVersion)
  session.isStored = true
  session.expirySeconds = expirySeconds
  session.disconnectedAtMs = disconnectedAtMs
  session.will = will
  session.outgoing.quota = inFlightWindow
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

function restoreDelivery(
  session: Session,
  sequence: number,
  record: DeliveryRecord,
  message: Message,
  place: number,
): void {
  const { qos, retain, subscriptionIdentifiers, sharedFilter, packetIdentifier, isReleased } = record
  const group = sharedFilter === undefined ? undefined : session.subscriptions.get(sharedFilter)?.group
  const delivery = new Delivery(message, qos, retain, subscriptionIdentifiers, group, sequence)
  delivery.isStored = true
  message.storeReferences++
  // Only the oldest, as many as the window held, can have been on the wire; they keep their identifiers.
  if (place < session.outgoing.quota || isReleased || packetIdentifier !== undefined) {
    delivery.mayHaveBeenSent = true
    delivery.packetIdentifier = packetIdentifier ?? 1 + (sequence % 65_535)
  }
  if (isReleased) delivery.state = 'released'
  session.outgoing.restore(delivery)
}

function messageOf(record: MessageRecord): Message {
  const { topic, payload, qos, retain, properties, expiresAtMs, publishedBy } = record
  const expiry = expiresAtMs ?? Number.POSITIVE_INFINITY
  return new Message(topic, payload, qos, retain, properties, expiry, publishedBy).keep()
}
