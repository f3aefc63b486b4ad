import {
  brokerStatusSchema,
  clientListSchema,
  clientResultSchema,
  disconnectClientSchema,
  disconnectedSchema,
  explainTopicSchema,
  findingListSchema,
  getClientSchema,
  listClientsSchema,
  listRetainedSchema,
  noInputSchema,
  outboxListSchema,
  retainedListSchema,
  topicExplanationSchema,
} from './broker-facts.js'
import type { RequestContract } from './contract.js'

export * from './broker-facts.js'

/** To ask what a broker of ours does; whoever may publish there sees every client, topic and permission of it. */
const ASKED = {
  topic: 'jamey/broker/query',
  qos: 1,
  retain: false,
  service: 'broker',
  isRepeatable: true,
} as const

/** Requests to the broker itself, answered in the process that has a broker of ours, and nowhere else. */
export const broker = {
  status: {
    ...ASKED,
    action: 'status',
    schema: noInputSchema,
    responseSchema: brokerStatusSchema,
    description: 'How the broker is: connections, queues, rates, drops, limits, listeners and certificates.',
  } satisfies RequestContract,
  clients: {
    ...ASKED,
    action: 'clients',
    schema: listClientsSchema,
    responseSchema: clientListSchema,
    description: 'The clients that are connected or have a session, page by page.',
  } satisfies RequestContract,
  client: {
    ...ASKED,
    action: 'client',
    schema: getClientSchema,
    responseSchema: clientResultSchema,
    description: 'One client with its subscriptions, permissions, queue and drops.',
  } satisfies RequestContract,
  retained: {
    ...ASKED,
    action: 'retained',
    schema: listRetainedSchema,
    responseSchema: retainedListSchema,
    description: 'The retained messages that a filter selects, in the order of their topics, page by page.',
  } satisfies RequestContract,
  topic: {
    ...ASKED,
    action: 'topic',
    schema: explainTopicSchema,
    responseSchema: topicExplanationSchema,
    description:
      'A topic: who may publish and subscribe, who has subscribed, what is retained and was dropped.',
  } satisfies RequestContract,
  outbox: {
    ...ASKED,
    action: 'outbox',
    schema: noInputSchema,
    responseSchema: outboxListSchema,
    description: "What the components of the broker's process have not sent yet, and their dead letters.",
  } satisfies RequestContract,
  findings: {
    ...ASKED,
    action: 'findings',
    schema: noInputSchema,
    responseSchema: findingListSchema,
    description: 'What `jamey doctor` finds where the broker runs, without connecting anywhere.',
  } satisfies RequestContract,
  disconnect: {
    ...ASKED,
    topic: 'jamey/broker/disconnect',
    action: 'disconnect',
    schema: disconnectClientSchema,
    responseSchema: disconnectedSchema,
    description: 'Ends the connection of a client, which may come again.',
  } satisfies RequestContract,
} as const
