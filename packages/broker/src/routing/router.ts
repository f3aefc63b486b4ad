import { type QoS, ReasonCode } from '@jamey/protocol'
import type { Delivery, ShareGroup } from '../messages/delivery.js'
import type { Message } from '../messages/message.js'
import type { Persistence } from '../storage/persistence.js'
import type { Context } from '../support/context.js'
import { TopicFilters } from '../support/topic-filters.js'
import type { Receiver, SharedRoute } from './route.js'
import { RouteCache } from './route-cache.js'
import { chooseMember } from './shared-choice.js'
import type { SharedGroup, Subscriber, Subscription } from './subscription.js'
import { SubscriptionTree } from './subscription-tree.js'

/** More distinct lists of subscription identifiers than this get no shared frames: there is nothing to share. */
const MAXIMUM_FRAME_LISTS = 16

/** The member of a shared subscription that gets a message: the next one, or the one that got the publisher's last. */
export type SharedSubscriptions = 'in-turn' | 'by-publisher'

export interface RouterOptions {
  readonly sharedSubscriptions?: SharedSubscriptions | undefined
  readonly refuseWhenFull?: readonly string[] | undefined
}

/** The queues that what is being published has to wait in. */
interface Clearable {
  clear(): void
}

/** Brings messages to the sessions that subscribed. */
export class Router {
  readonly tree = new SubscriptionTree()
  readonly routes: RouteCache
  readonly #context: Context
  readonly #persistence: Persistence
  readonly #backpressure: Clearable
  readonly #isSticky: boolean

  /** Throws `BrokerError` for what cannot be in `refuseWhenFull`. */
  constructor(context: Context, persistence: Persistence, backpressure: Clearable, options: RouterOptions) {
    const { sharedSubscriptions = 'in-turn', refuseWhenFull = [] } = options
    this.#context = context
    this.#persistence = persistence
    this.#backpressure = backpressure
    this.#isSticky = sharedSubscriptions === 'by-publisher'
    const refused = new TopicFilters(refuseWhenFull, 'refuseWhenFull', 'refuse-when-full-invalid')
    this.routes = new RouteCache(this.tree, context.limits.routedTopics, refused)
  }

  /**
   * The reason code for who published: whether anybody subscribed, where a session that is not there or is full counts;
   * or `quotaExceeded`, where that is so of all and the topic is one of `refuseWhenFull`. `publisher` is for No Local.
   */
  publish(message: Message, publisher: Subscriber | undefined): number {
    this.#backpressure.clear()
    const { receivers, shared, isRefusedWhenFull } = this.routes.get(message.topic)
    // A receiver that has no room misses the message, whatever the others do: one of several must not keep it from all.
    const mayMiss = isRefusedWhenFull && message.qos > 0
    const isFanOut = receivers.length > 1
    let matched = shared.length
    let missed = 0
    for (let i = 0; i < receivers.length; i++) {
      let receiver = receivers[i]
      if (receiver?.hasNoLocal && receiver.session === publisher) receiver = receiver.whenOwn
      if (receiver === undefined) continue
      matched++
      if (mayMiss && !canTake(receiver, message)) {
        missed++
        receiver.session.outgoing.capacity.onMissed(message)
      } else deliver(receiver, message, isFanOut && receiver.identifiersIndex < MAXIMUM_FRAME_LISTS)
    }
    if (isFanOut) message.dropFrames()
    for (let i = 0; i < shared.length; i++) {
      if (!this.#publishShared(shared[i] as SharedRoute, message, mayMiss)) missed++
    }
    // The acknowledgement of a message that may be missed waits for no queue.
    if (mayMiss) this.#backpressure.clear()
    if (matched === 0) return ReasonCode.noMatchingSubscribers
    return mayMiss && missed === matched ? ReasonCode.quotaExceeded : ReasonCode.success
  }

  /** False: `mayMiss`, and the member whose turn it is misses it. */
  #publishShared(route: SharedRoute, message: Message, mayMiss: boolean): boolean {
    const { group } = route
    if (group.redeliveredFrom !== undefined && queueBehind(group.redeliveredFrom, route, message)) return true
    const chosen = this.#choose(route, message, undefined)
    if (chosen === undefined) return true
    const isTaken = (!mayMiss || canTake(chosen, message)) && deliverShared(chosen, message, group)
    if (isTaken || !mayMiss) return true
    chosen.session.outgoing.capacity.onMissed(message)
    return false
  }

  /** True where all who are to get the message can keep it. */
  canBeKept(message: Message, publisher: Subscriber | undefined): boolean {
    const { receivers, shared, isRefusedWhenFull } = this.routes.get(message.topic)
    // Each receiver is looked at by itself for that.
    if (isRefusedWhenFull) return true
    const isKept = receivers.every((receiver) => {
      const actual = receiver.hasNoLocal && receiver.session === publisher ? receiver.whenOwn : receiver
      return actual === undefined || canKeep(actual, message)
    })
    return isKept && shared.every(({ members }) => members.some((member) => canKeep(member, message)))
  }

  /** Adds or replaces a subscription. Whether it is new. */
  subscribe(subscription: Subscription): boolean {
    const { session, filter, path } = subscription
    const isNew = !session.subscriptions.has(filter)
    session.subscriptions.set(filter, subscription)
    session.leftGroups.delete(filter)
    this.tree.add(subscription)
    this.routes.forgetPath(path)
    this.#persistence.putSubscription(subscription)
    return isNew
  }

  /** True where there was a subscription. */
  unsubscribe(session: Subscriber, filter: string): boolean {
    const subscription = session.subscriptions.get(filter)
    if (subscription === undefined) return false
    this.tree.remove(subscription)
    this.routes.forgetPath(subscription.path)
    this.#persistence.removeSubscription(subscription)
    session.subscriptions.delete(filter)
    const { group } = subscription
    if (group !== undefined) {
      if (group.redeliveredFrom === session) group.redeliveredFrom = undefined
      // Nobody would look for it here later. What was sent is completed. [MQTT-3.10.4-3]
      session.leftGroups.set(filter, group)
      session.redeliverShared()
    }
    return true
  }

  /** The session ends, and gets nothing more. */
  removeAll(session: Subscriber): void {
    for (const subscription of session.subscriptions.values()) {
      this.tree.remove(subscription)
      this.routes.forgetPath(subscription.path)
    }
  }

  /** The session has a connection again: it takes what waits in members of its groups that have none. */
  enterGroups(session: Subscriber): void {
    for (const group of session.sharedGroups()) this.enterGroup(group, session)
  }

  enterGroup(group: SharedGroup, session: Subscriber): void {
    for (const { session: from } of group.members) {
      if (from !== session && from.connection === undefined) from.redeliverShared()
    }
  }

  /**
   * Gives another member of the group a message that `from` was to get. False: there is none that may, has room, and is
   * connected or `mayBeAway`; then the message stays where it is.
   */
  handOn({ group, message }: Delivery, from: Subscriber, mayBeAway: boolean): boolean {
    if (group === undefined || (!mayBeAway && !group.hasConnectedBeside(from))) return false
    const route = this.routes.get(message.topic).shared.find((shared) => shared.group === group)
    const chosen = route && this.#choose(route, message, from)
    if (chosen === undefined || (!mayBeAway && chosen.session.connection === undefined)) return false
    if (chosen.qos > 0 && !chosen.session.outgoing.capacity.hasRoomFor(message)) return false
    if (!deliverShared(chosen, message, group)) return false
    this.#context.counters.redelivered++
    return true
  }

  #choose({ group, members }: SharedRoute, message: Message, without: Subscriber | undefined) {
    if (!this.#isSticky) return chooseMember(group, members, message, without)
    const former = group.memberOf(message.publishedBy)
    const same = members.find(({ session }) => session === former)
    if (same !== undefined && former !== without && canGoOnTaking(same, message)) return same
    const chosen = chooseMember(group, members, message, without)
    if (chosen !== undefined) group.remember(message.publishedBy, chosen.session)
    return chosen
  }
}

function deliver(receiver: Receiver, message: Message, isFramed: boolean): void {
  const { session, retainAsPublished, subscriptionIdentifiers } = receiver
  const qos: QoS = receiver.qos < message.qos ? receiver.qos : message.qos
  const retain = retainAsPublished && message.retain
  const frameIndex = isFramed ? receiver.identifiersIndex : -1
  if (qos === 0) session.connection?.sendAtMostOnce(message, retain, subscriptionIdentifiers, frameIndex)
  else session.outgoing.offer(message, qos, retain, subscriptionIdentifiers, undefined, frameIndex)
}

/** The end of a queue that is being handed on; it is read from there. False: the message cannot wait there. */
function queueBehind(from: Subscriber, { group, members }: SharedRoute, message: Message): boolean {
  if (message.qos === 0 || !from.outgoing.capacity.hasRoomFor(message)) return false
  const receiver = from.isOver ? members[0] : members.find(({ session }) => session === from)
  if (receiver === undefined || receiver.qos === 0) return false
  return deliverShared({ ...receiver, session: from }, message, group)
}

/** False: the member neither took the message nor keeps it. */
function deliverShared(chosen: Receiver, message: Message, group: ShareGroup): boolean {
  const { session, retainAsPublished, subscriptionIdentifiers } = chosen
  const qos: QoS = chosen.qos < message.qos ? chosen.qos : message.qos
  const retain = retainAsPublished && message.retain
  if (qos > 0)
    return session.outgoing.offer(message, qos as 1 | 2, retain, subscriptionIdentifiers, group, -1)
  session.connection?.sendAtMostOnce(message, retain, subscriptionIdentifiers, -1)
  return session.connection !== undefined
}

/** True where it is worth waiting here for one receiver, so that a publisher's messages keep their order. */
function canGoOnTaking({ session, qos }: Receiver, message: Message): boolean {
  if (session.connection === undefined) return false
  return qos === 0 || message.qos === 0 || session.outgoing.capacity.hasRoomFor(message)
}

/** True where the receiver can keep the message; at QoS 0 none waits anywhere. */
function canKeep({ session, qos }: Receiver, message: Message): boolean {
  return qos === 0 || message.qos === 0 || session.outgoing.capacity.mayTake(message)
}

/** True where the receiver gets the message and nobody has to wait for that. */
function canTake({ session, qos }: Receiver, message: Message): boolean {
  return qos === 0 || session.outgoing.isReady || session.outgoing.capacity.findsRoomFor(message)
}
