import type { QoS } from '@jamey/protocol'
import type { SharedGroup, Subscriber, Subscription } from './subscription.js'
import type { SubscriptionTree } from './subscription-tree.js'

/** The way in which one session receives one topic, all its matching subscriptions taken together. */
export interface Receiver {
  readonly session: Subscriber
  /** The highest QoS among them. [MQTT-3.3.4-2] */
  readonly qos: QoS
  readonly retainAsPublished: boolean
  readonly subscriptionIdentifiers: readonly number[] | undefined
  /** Number of this list of identifiers within the route, so that equal ones share a frame; 0 where there are none. */
  readonly identifiersIndex: number
  readonly hasNoLocal: boolean
  /** Takes its place for the session's own messages; undefined: those do not come. Only looked at with `hasNoLocal`. */
  readonly whenOwn: Receiver | undefined
}

export interface SharedRoute {
  readonly group: SharedGroup
  /** The members that may receive this topic. */
  readonly members: readonly Receiver[]
}

/** All receivers of a topic. */
export interface Route {
  readonly receivers: readonly Receiver[]
  readonly shared: readonly SharedRoute[]
  /** Nobody is slowed down for it: see `BrokerOptions.refuseWhenFull`. */
  readonly isRefusedWhenFull: boolean
}

/** Asks the tree for `topic`, merges by session and leaves out whoever may not receive it. */
export function computeRoute(tree: SubscriptionTree, topic: string, isRefusedWhenFull: boolean): Route {
  const bySession = new Map<Subscriber, Subscription[]>()
  const groups: SharedGroup[] = []
  tree.match(topic, (leaf) => {
    for (const [session, subscription] of leaf.subscriptions) {
      const others = bySession.get(session)
      if (others !== undefined) others.push(subscription)
      else if (session.mayReceive(topic)) bySession.set(session, [subscription])
    }
    groups.push(...leaf.groups.values())
  })
  const lists = new Map([['', 0]])
  const receivers: Receiver[] = []
  for (const subscriptions of bySession.values()) receivers.push(merge(subscriptions, lists))
  const shared = groups.map((group) => ({
    group,
    members: group.members
      .filter(({ session }) => session.mayReceive(topic))
      .map((member) => merge([member], lists)),
  }))
  return { receivers, shared: shared.filter(({ members }) => members.length > 0), isRefusedWhenFull }
}

/** `subscriptions` are one session's and at least one; `lists` collects the distinct lists of identifiers. */
function merge(subscriptions: readonly Subscription[], lists: Map<string, number>): Receiver {
  const { session } = subscriptions[0] as Subscription
  const identifiers: number[] = []
  let qos: QoS = 0
  let retainAsPublished = false
  for (const subscription of subscriptions) {
    if (subscription.qos > qos) qos = subscription.qos
    retainAsPublished ||= subscription.retainAsPublished
    if (subscription.subscriptionIdentifier !== undefined)
      identifiers.push(subscription.subscriptionIdentifier)
  }
  const others = subscriptions.filter(({ noLocal }) => !noLocal)
  const hasNoLocal = others.length < subscriptions.length
  const whenOwn = hasNoLocal && others.length > 0 ? merge(others, lists) : undefined
  const key = identifiers.join()
  const identifiersIndex = lists.get(key) ?? lists.size
  lists.set(key, identifiersIndex)
  const subscriptionIdentifiers = identifiers.length > 0 ? identifiers : undefined
  return { session, qos, retainAsPublished, subscriptionIdentifiers, identifiersIndex, hasNoLocal, whenOwn }
}
