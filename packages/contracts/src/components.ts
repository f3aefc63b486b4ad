import { approvals, atConscience, atKeeper } from './approvals.js'
import { type RequestContract, topicOf } from './contract.js'
import { answersFilter, topics } from './topics.js'

/** What a component is called on the wire and what it may do there; whatever is not listed is denied. */
export interface ComponentManifest {
  /** The client identifier of its first instance; further ones need identifiers of their own. */
  readonly clientId: string
  readonly description: string
  /** As `Permissions` of `@jamey/auth` reads them. */
  readonly permissions: readonly string[]
}

export type ComponentName = 'broker' | 'conscience' | 'memory' | 'gateway' | 'operator'

const publish = (topic: string) => `publish:${topic}`
const subscribe = (filter: string) => `subscribe:${filter}`

/** Everybody tells how they are; their own status topic and reply inbox need no permission. */
const PRESENCE = [publish(topics.events.heartbeat.topic), publish(topics.events.errors.topic)]
/**
 * Whoever serves a topic is in a group of its service, which nobody else may be in; below the topic it is told who asks.
 * It is alone where a server has no shared subscriptions, and asks at the topic whether anybody hears it: see `pingOf`.
 */
const served = ({ service, topic }: RequestContract) => [
  subscribe(`$share/${service}/${topic}/#`),
  subscribe(`${topic}/#`),
  publish(topic),
]
/**
 * Members of a group that each get every request say who of them serves, and hear when that one is gone. Memories need no
 * such word, for one of them has the file.
 */
const leases = (served: RequestContract) => [
  publish(leaseTopic(served)),
  subscribe(`${leaseTopic(served)}/#`),
  // Rules of VerneMQ cannot hold a filter that ends with a plus sign.
  subscribe('jamey/events/status/#'),
]
const leaseTopic = ({ service }: RequestContract) => topicOf(topics.events.leases, { group: service })
/** Whoever serves requests answers at its own level of the inboxes of those who ask. */
const answers = ({ service }: RequestContract) => publish(answersFilter(service))

/** The one list of who may do what; tokens, the embedded broker and other brokers' rules are made from it. */
export const COMPONENTS: Readonly<Record<ComponentName, ComponentManifest>> = {
  broker: {
    clientId: 'jamey-broker',
    description: 'The embedded broker, telling how it is.',
    permissions: [
      ...served(topics.broker.status),
      ...served(topics.broker.disconnect),
      answers(topics.broker.status),
      ...PRESENCE,
    ],
  },
  conscience: {
    clientId: 'jamey-conscience',
    description: 'Judges proposed actions.',
    permissions: [
      ...served(topics.conscience.evaluate),
      ...leases(topics.conscience.evaluate),
      ...served(topics.conscience.report),
      publish('jamey/conscience/sessions/%c'),
      subscribe('jamey/conscience/sessions/#'),
      publish(topics.conscience.results.topic),
      publish('jamey/conscience/keys/%c'),
      ...served(approvals.list),
      // What it keeps is asked of itself: for each other one these are topics that it has no right to.
      ...served(atConscience(topics.conscience.verdicts, '%c')),
      ...served(atKeeper(approvals.answer, '%c')),
      ...served(atKeeper(approvals.use, '%c')),
      publish('jamey/conscience/approvals-use/+'),
      publish('jamey/conscience/approvals/+/%c'),
      subscribe('jamey/conscience/approvals/#'),
      subscribe('jamey/conscience/facts/#'),
      answers(topics.conscience.evaluate),
      ...PRESENCE,
    ],
  },
  memory: {
    clientId: 'jamey-memory',
    description: 'Stores and recalls.',
    permissions: [
      ...[topics.memory, topics.memory.others].flatMap(({ store, query, update, forget, consolidate }) =>
        [store, query, update, forget, consolidate].flatMap(served),
      ),
      publish(topics.memory.updates.topic),
      answers(topics.memory.store),
      ...PRESENCE,
    ],
  },
  gateway: {
    clientId: 'jamey-gateway',
    description: 'The HTTP edge: proxies API calls to the services.',
    permissions: [
      ...served(topics.api.requests),
      publish(leaseTopic(topics.api.requests)),
      'act-for:+',
      publish(topics.conscience.evaluate.topic),
      publish(topics.conscience.report.topic),
      publish(topics.memory.store.topic),
      publish(topics.memory.query.topic),
      publish(topics.memory.update.topic),
      publish(topics.memory.forget.topic),
      publish(topics.memory.consolidate.topic),
      publish('jamey/memory/others/+'),
      publish(approvals.list.topic),
      publish('jamey/conscience/approvals-answer/+'),
      publish('jamey/conscience/verdicts-list/+'),
      publish(topics.broker.status.topic),
      publish(topics.broker.disconnect.topic),
      subscribe('jamey/conscience/keys/#'),
      subscribe('jamey/events/#'),
      answers(topics.api.requests),
      ...PRESENCE,
    ],
  },
  operator: {
    clientId: 'jamey-operator',
    description: 'The command line of whoever runs the system.',
    permissions: ['jamey/#'],
  },
}
