import { setImmediate as nextTurn } from 'node:timers/promises'
import { assertTopicName, type QoS } from '@jamey/protocol'
import { hasExpired } from '../messages/message-expiry.js'
import type { Subscription } from '../routing/subscription.js'
import type { Session } from '../sessions/session.js'
import type { DropCounts } from '../support/drop-counts.js'
import { BrokerError } from '../support/errors.js'
import type { Core } from './core.js'
import { type RetainedFacts, retainedFactsOf } from './retained-page.js'

/** Identities that are asked in one turn of the event loop: each takes a look at all permissions of one. */
const PER_TURN = 100

/** A session whose client may do something. */
export interface PermittedFacts {
  readonly clientId: string
  readonly isConnected: boolean
  /** What its identity decides by; undefined where it does not tell. */
  readonly permissions: readonly string[] | undefined
}

export interface SubscriberFacts {
  readonly clientId: string
  /** As it was sent, `$share/<group>/` included. */
  readonly filter: string
  readonly qos: QoS
  readonly isConnected: boolean
  /** False where its permissions keep messages of the topic from it. */
  readonly mayReceive: boolean
  /** All that waits for the session, of whatever topic. */
  readonly queued: number
  readonly drops: DropCounts
}

/** A topic, as things stand. */
export interface TopicFacts {
  /** Sessions whose client may publish there. */
  readonly publishers: readonly PermittedFacts[]
  /** Sessions whose client may be sent its messages, those that it may have only as one of a share group among them. */
  readonly receivers: readonly PermittedFacts[]
  /** The subscriptions of clients that select it. */
  readonly subscribers: readonly SubscriberFacts[]
  /** Filters of the program's own that do. */
  readonly ownFilters: readonly string[]
  readonly retained: RetainedFacts | undefined
  /** Messages of it that a session was to get and did not; of the thousand topics that last had the first such. */
  readonly drops: DropCounts
  /** False where one of the lists is longer than `limit`. */
  readonly isComplete: boolean
}

/**
 * Who may, and who does. Each identity that is known is asked, some in each turn; sessions of before a restart have none
 * until their client is back. Throws `BrokerError`.
 */
export async function topicFactsOf(core: Core, topic: string, limit: number): Promise<TopicFacts> {
  try {
    assertTopicName(topic)
  } catch (cause) {
    const message = `topic ${JSON.stringify(topic)}: ${(cause as Error).message}`
    throw new BrokerError('publish-invalid', message, { cause })
  }
  const publishers = new Bounded<PermittedFacts>(limit)
  const receivers = new Bounded<PermittedFacts>(limit)
  let asked = 0
  for (const session of core.sessions.values()) {
    if (++asked % PER_TURN === 0) await nextTurn()
    const { identity, clientId } = session
    if (identity === undefined) continue
    const isConnected = session.connection !== undefined
    const facts = { clientId, isConnected, permissions: identity.permissions?.list }
    if (identity.mayPublish(topic)) publishers.add(facts)
    if (identity.mayReceive(topic)) receivers.add(facts)
  }
  const ownFilters: string[] = []
  const subscribers = subscribersOf(core, topic, limit, ownFilters)
  const retained = core.retained.tree.get(topic)
  const isThere = retained !== undefined && !hasExpired(retained.expiresAtMs, core.clock)
  return {
    publishers: publishers.list,
    receivers: receivers.list,
    subscribers: subscribers.list,
    ownFilters,
    retained: isThere ? retainedFactsOf(core, retained) : undefined,
    drops: core.droppedTopics.of(topic),
    isComplete: publishers.isComplete && receivers.isComplete && subscribers.isComplete,
  }
}

/** Those of clients; the filters of the program go to `ownFilters`. */
function subscribersOf(
  { router, sessions }: Core,
  topic: string,
  limit: number,
  ownFilters: string[],
): Bounded<SubscriberFacts> {
  const found = new Bounded<SubscriberFacts>(limit)
  const add = ({ session: { clientId }, filter, qos }: Subscription): void => {
    const session = sessions.get(clientId)
    if (session !== undefined) found.add(subscriberFactsOf(session, filter, qos, topic))
    // The program has no session, and no client an empty identifier.
    else if (clientId === '' && ownFilters.length < limit) ownFilters.push(filter)
  }
  router.tree.match(topic, ({ subscriptions, groups }) => {
    for (const subscription of subscriptions.values()) {
      if (!found.isComplete) return
      add(subscription)
    }
    for (const { members } of groups.values()) for (const member of members) add(member)
  })
  return found
}

function subscriberFactsOf(session: Session, filter: string, qos: QoS, topic: string): SubscriberFacts {
  const { clientId, connection, outgoing, drops } = session
  return {
    clientId,
    filter,
    qos,
    isConnected: connection !== undefined,
    mayReceive: session.mayReceive(topic),
    queued: outgoing.queued,
    drops: { ...drops },
  }
}

/** A list that takes no more than so many. */
class Bounded<T> {
  readonly list: T[] = []
  isComplete = true
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  add(one: T): void {
    if (this.list.length < this.#most) this.list.push(one)
    else this.isComplete = false
  }
}
