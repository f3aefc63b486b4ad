import type { DeliveryRecord, MessageRecord, SessionRecord, SubscriptionRecord } from '@jamey/broker'
import type { Batch } from './batch.js'
import {
  deliveryKey,
  incomingKey,
  messageKey,
  retainedKey,
  sessionKey,
  subscriptionKey,
} from './broker-keys.js'
import { deliveryValue, messageValue, sessionValue, subscriptionValue } from './broker-records.js'
import type { RecordWriter } from './record-writer.js'

/** The staged changes of one session. In every map undefined removes. */
export class SessionPartChanges {
  record: SessionRecord | undefined
  readonly subscriptions = new Map<string, SubscriptionRecord | undefined>()
  readonly deliveries = new Map<number, DeliveryRecord | undefined>()
  readonly incoming = new Map<number, boolean>()
}

/** What a broker staged since its last commit: of several changes of one thing only the last. */
export class BrokerChanges {
  /** By the session's number; undefined where the session is removed with all that is its own. */
  readonly sessions = new Map<number, SessionPartChanges | undefined>()
  readonly messages = new Map<number, MessageRecord | undefined>()
  readonly retained = new Map<string, MessageRecord | undefined>()

  get isEmpty(): boolean {
    return this.sessions.size + this.messages.size + this.retained.size === 0
  }

  /** The changes of a session that is not removed. */
  ofSession(session: number): SessionPartChanges {
    let changes = this.sessions.get(session)
    if (changes === undefined) {
      changes = new SessionPartChanges()
      this.sessions.set(session, changes)
    }
    return changes
  }

  /** Adds them to a batch. `keysOf` finds what the store has of a session. */
  addTo(batch: Batch, writer: RecordWriter, keysOf: (session: number) => Iterable<Buffer>): void {
    for (const [session, changes] of this.sessions) {
      if (changes === undefined) for (const key of keysOf(session)) batch.remove(key)
      else addSession(batch, writer, session, changes)
    }
    for (const [messageId, message] of this.messages) {
      const key = messageKey(writer, messageId)
      if (message === undefined) batch.remove(key)
      else batch.put(key, messageValue(writer, message))
    }
    for (const [topic, message] of this.retained) {
      const key = retainedKey(writer, topic)
      if (message === undefined) batch.remove(key)
      else batch.put(key, messageValue(writer, message))
    }
  }

  /** Puts these changes, which came later, over those that did not commit. */
  over(failed: BrokerChanges): BrokerChanges {
    for (const [session, later] of this.sessions) {
      const earlier = failed.sessions.get(session)
      if (later === undefined || earlier === undefined) {
        failed.sessions.set(session, later)
        continue
      }
      earlier.record = later.record ?? earlier.record
      overlay(earlier.subscriptions, later.subscriptions)
      overlay(earlier.deliveries, later.deliveries)
      overlay(earlier.incoming, later.incoming)
    }
    overlay(failed.messages, this.messages)
    overlay(failed.retained, this.retained)
    return failed
  }
}

function addSession(batch: Batch, writer: RecordWriter, session: number, changes: SessionPartChanges): void {
  if (changes.record !== undefined) {
    batch.put(sessionKey(writer, session), sessionValue(writer, changes.record))
  }
  for (const [filter, subscription] of changes.subscriptions) {
    const key = subscriptionKey(writer, session, filter)
    if (subscription === undefined) batch.remove(key)
    else batch.put(key, subscriptionValue(writer, subscription))
  }
  for (const [packetIdentifier, isIncoming] of changes.incoming) {
    const key = incomingKey(writer, session, packetIdentifier)
    if (isIncoming) batch.put(key, writer.endValue())
    else batch.remove(key)
  }
  for (const [sequence, delivery] of changes.deliveries) {
    const key = deliveryKey(writer, session, sequence)
    if (delivery === undefined) batch.remove(key)
    else batch.put(key, deliveryValue(writer, delivery))
  }
}

function overlay<Key, Value>(under: Map<Key, Value>, over: ReadonlyMap<Key, Value>): void {
  for (const [key, value] of over) under.set(key, value)
}
