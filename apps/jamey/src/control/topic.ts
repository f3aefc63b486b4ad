import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Action, Permissions } from '@jamey/auth'
import type { Broker, PermittedFacts, SubscriberFacts } from '@jamey/broker'
import {
  COMPONENTS,
  CONTRACTS,
  isRequestContract,
  PAGE_ENTRIES,
  type PermittedClient,
  parametersOf,
  type TopicExplanation,
} from '@jamey/contracts'
import { countsOf, subscriptionOf } from './clients.js'
import { givenPermissions } from './given-permissions.js'
import { asRequest, retainedMessageOf } from './retained.js'

/** A client that the manifest, or a list of clients, names, and what it may do. */
export interface NamedClient {
  readonly clientId: string
  readonly permissions: readonly string[]
}

/** Named clients whose permissions are read in one turn of the event loop. */
const PER_TURN = 50
const MAXIMUM_NAMED = 10_000

/** Everything about one topic. Throws `RequestError` where it is none. */
export async function explanationOf(
  broker: Pick<Broker, 'topic' | 'session'>,
  named: readonly NamedClient[],
  topic: string,
): Promise<TopicExplanation> {
  const facts = await asRequest(() => broker.topic(topic, PAGE_ENTRIES))
  const strangers = await permittedAmong(
    named.slice(0, MAXIMUM_NAMED).filter(({ clientId }) => broker.session(clientId) === undefined),
    topic,
  )
  const publishers = [
    ...facts.publishers.map((one) => permittedOf(one, 'publish', topic)),
    ...strangers.publish,
  ]
  const receivers = [
    ...facts.receivers.map((one) => permittedOf(one, 'receive', topic)),
    ...strangers.receive,
  ]
  const contract = contractAt(topic)
  return {
    topic,
    may_publish: publishers.slice(0, PAGE_ENTRIES),
    may_subscribe: receivers.slice(0, PAGE_ENTRIES),
    subscribers: [...facts.ownFilters.map(ownSubscriber), ...facts.subscribers.map(subscriberOf)].slice(
      0,
      PAGE_ENTRIES,
    ),
    ...(facts.retained === undefined ? {} : { retained: retainedMessageOf(facts.retained) }),
    dropped: countsOf(facts.drops),
    ...(contract === undefined ? {} : { contract }),
    is_complete:
      facts.isComplete &&
      publishers.length <= PAGE_ENTRIES &&
      receivers.length <= PAGE_ENTRIES &&
      named.length <= MAXIMUM_NAMED,
  }
}

interface Permitted {
  readonly publish: PermittedClient[]
  readonly receive: PermittedClient[]
}

/** Of those that have no session here, who may. */
async function permittedAmong(named: readonly NamedClient[], topic: string): Promise<Permitted> {
  const found: Permitted = { publish: [], receive: [] }
  for (const [i, { clientId, permissions }] of named.entries()) {
    if (i % PER_TURN === PER_TURN - 1) await nextTurn()
    // A right to be in a share group is one to receive, and none to subscribe to the topic alone.
    for (const action of ['publish', 'receive'] as const) {
      const { isAllowed, permission } = decisionOf(clientId, permissions, action, topic)
      if (!isAllowed) continue
      found[action].push({
        client_id: clientId,
        is_connected: false,
        known_by: 'manifest',
        ...(permission === undefined ? {} : { permission }),
      })
    }
  }
  return found
}

/** The broker has decided that it may; the permission is looked for in what its identity has. */
function permittedOf(facts: PermittedFacts, action: Action, topic: string): PermittedClient {
  const { clientId, isConnected, permissions } = facts
  const { isAllowed, permission } =
    permissions === undefined
      ? { isAllowed: true, permission: undefined }
      : decisionOf(clientId, givenPermissions(permissions), action, topic)
  return {
    client_id: clientId,
    is_connected: isConnected,
    known_by: 'session',
    ...(isAllowed && permission !== undefined ? { permission } : {}),
  }
}

/** A list that cannot be read grants nothing. */
function decisionOf(clientId: string, list: readonly string[], action: Action, topic: string) {
  try {
    return new Permissions(list, { clientId }).decide(action, topic)
  } catch {
    return { isAllowed: false, permission: undefined }
  }
}

/** What the process of the broker listens to itself. */
function ownSubscriber(filter: string): TopicExplanation['subscribers'][number] {
  const { clientId } = COMPONENTS.broker
  return { client_id: clientId, filter, qos: 0, is_connected: true, may_receive: true, queued: 0, drops: {} }
}

function subscriberOf(facts: SubscriberFacts): TopicExplanation['subscribers'][number] {
  const { clientId, isConnected, mayReceive, queued, drops } = facts
  return {
    client_id: clientId,
    ...subscriptionOf(facts),
    is_connected: isConnected,
    may_receive: mayReceive,
    queued,
    drops: countsOf(drops),
  }
}

/** The contract of ours that a topic has, also one level below, where it names who publishes. */
function contractAt(topic: string): TopicExplanation['contract'] {
  const above = topic.slice(0, Math.max(0, topic.lastIndexOf('/')))
  for (const candidate of [topic, above]) {
    const fitting = CONTRACTS.filter((contract) => parametersOf(contract, candidate) !== undefined)
    const [first] = fitting
    if (first === undefined) continue
    const actions = fitting.map(({ action }) => action)
    return {
      topic: first.topic,
      actions,
      ...(isRequestContract(first) ? { service: first.service } : {}),
    }
  }
  return undefined
}
