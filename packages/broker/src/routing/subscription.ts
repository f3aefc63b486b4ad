import type { QoS } from '@jamey/protocol'
import type { ShareGroup } from '../messages/delivery.js'
import type { Message } from '../messages/message.js'

/** A session, as far as messages are brought to it. */
export interface Subscriber {
  readonly clientId: string
  readonly isStored: boolean
  /** It ended; what came through its shared subscriptions is on its way to others. */
  readonly isOver: boolean
  /** Undefined while its client is away. */
  readonly connection: SubscriberLink | undefined
  readonly outgoing: SubscriberQueue
  readonly subscriptions: Map<string, Subscription>
  /** Groups by filter that it unsubscribed from, while what it was not sent goes to their members. */
  readonly leftGroups: Map<string, SharedGroup>
  sharedGroups(): Iterable<SharedGroup>
  mayReceive(topic: string): boolean
  /** Gives messages that wait for it and came through shared subscriptions to other members that may take them. */
  redeliverShared(): void
}

/** The way of a subscriber's messages of QoS 0, which wait nowhere. */
export interface SubscriberLink {
  sendAtMostOnce(
    message: Message,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    frameIndex: number,
  ): void
}

/** The way of a subscriber's messages of QoS 1 and 2. */
export interface SubscriberQueue {
  /** True where a message offered now would be sent at once. */
  readonly isReady: boolean
  readonly queued: number
  readonly capacity: SubscriberCapacity
  /** Sends the message, or queues it. False: the queue was full and the message is lost for this session. */
  offer(
    message: Message,
    qos: 1 | 2,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | undefined,
    group: ShareGroup | undefined,
    frameIndex: number,
  ): boolean
}

interface SubscriberCapacity {
  /** True where one more message may wait without anything being dropped for it. */
  hasRoomFor(message: Message): boolean
  /** As `hasRoomFor`, after dropping what has expired where that makes the room. */
  findsRoomFor(message: Message): boolean
  /** As `findsRoomFor`; also true where the publisher will be stopped for the message. */
  mayTake(message: Message): boolean
  /** There was no room for a message, and the session misses it. */
  onMissed(message: Message): void
}

/** The wishes of one session for one filter. */
export interface Subscription {
  readonly session: Subscriber
  /** The filter as sent, `$share/<group>/` included: the key within its session. */
  readonly filter: string
  /** The filter without `$share/<group>/`. */
  readonly path: string
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
  readonly subscriptionIdentifier: number | undefined
  readonly group: SharedGroup | undefined
}

/** Publishers remembered for one group; one more, and all are spread anew. */
const MAXIMUM_PUBLISHERS = 10_000

/** The members of one `$share/<name>/<filter>`: each message goes to one of them. Section 4.8.2. */
export class SharedGroup implements ShareGroup {
  /** `$share/<name>/<filter>`. */
  readonly filter: string
  readonly members: Subscription[] = []
  /** Index of the member whose turn it is. */
  turn = 0

  /**
   * What waits in this session is being handed to the members, and what is published goes to the end of its queue: so
   * it does not overtake.
   */
  redeliveredFrom: Subscriber | undefined

  /** Members by the publisher whose last message they got; used where a publisher's messages are to stay together. */
  readonly #byPublisher = new Map<string, Subscriber>()

  constructor(filter: string) {
    this.filter = filter
  }

  add(member: Subscription): void {
    const at = this.members.findIndex(({ session }) => session === member.session)
    if (at >= 0) this.members[at] = member
    else this.members.push(member)
  }

  remove(member: Subscription): void {
    const at = this.members.findIndex(({ session }) => session === member.session)
    if (at >= 0) this.members.splice(at, 1)
    for (const [publisher, session] of this.#byPublisher) {
      if (session === member.session) this.#byPublisher.delete(publisher)
    }
  }

  memberOf(publisher: string): Subscriber | undefined {
    return this.#byPublisher.get(publisher)
  }

  remember(publisher: string, session: Subscriber): void {
    if (this.#byPublisher.size >= MAXIMUM_PUBLISHERS) this.#byPublisher.clear()
    this.#byPublisher.set(publisher, session)
  }

  hasOtherThan(one: object): boolean {
    return this.members.some(({ session }) => session !== one)
  }

  /** True where a session other than `one` could take what that one does not. */
  hasConnectedBeside(one: object): boolean {
    return this.members.some(({ session }) => session !== one && session.connection !== undefined)
  }
}
