import { OPERATIONS, type OperationName } from '@jamey/contracts'
import type { FastifyRequest } from 'fastify'
import { Problem } from '../problems/problem.js'
import { COMMON, type Endpoint } from './endpoint.js'
import { CLIENTS_PARAMETERS, queryOf, RETAINED_PARAMETERS } from './query-parameters.js'

/** A broker of ours is asked; of another one nobody answers. */
const ASKED = {
  ...COMMON,
  method: 'GET',
  unserved:
    "This broker cannot be asked: only Jamey's own can (`jamey up`, `jamey run broker`, `jamey broker`).",
} as const

const ONE_CLIENT = { pathField: 'client_id', fieldNames: { client_id: 'id' } } as const

/** What the broker does, and the end of a connection. */
export const BROKER_ENDPOINTS: readonly Endpoint[] = [
  {
    ...ASKED,
    ...operation('broker.status'),
    path: '/v1/broker',
    summary: 'How the broker is: connections, queues, rates, drops, limits, certificates.',
    input: () => ({}),
  },
  {
    ...ASKED,
    ...operation('broker.clients'),
    path: '/v1/broker/clients',
    summary: 'The clients of the broker, page by page.',
    parameters: CLIENTS_PARAMETERS,
    input: (request) => queryOf(request, CLIENTS_PARAMETERS),
  },
  {
    ...ASKED,
    ...ONE_CLIENT,
    ...operation('broker.client'),
    path: '/v1/broker/clients/:id',
    summary: 'One client with its subscriptions, permissions, queue and drops.',
    input: clientIn,
    statusOf: (output) => {
      if (output['client'] === null)
        throw new Problem('not-found', 'The broker knows no client of this name.')
      return 200
    },
  },
  {
    ...ASKED,
    ...ONE_CLIENT,
    ...operation('broker.disconnect'),
    method: 'DELETE',
    path: '/v1/broker/clients/:id',
    summary: 'End the connection of a client, which may come again.',
    needsToken: true,
    input: clientIn,
    statusOf: (output) => {
      if (output['was_connected'] === false)
        throw new Problem('not-found', 'No client of this name is connected.')
      return 200
    },
  },
  {
    ...ASKED,
    ...operation('broker.retained'),
    path: '/v1/broker/retained',
    summary: 'The retained messages that a filter selects, page by page.',
    parameters: RETAINED_PARAMETERS,
    input: (request) => queryOf(request, RETAINED_PARAMETERS),
  },
  {
    ...ASKED,
    ...operation('broker.topic'),
    path: '/v1/broker/topics/*',
    pathField: 'topic',
    summary: 'A topic: who may publish and subscribe, who has subscribed, what was dropped and why.',
    input: (request) => ({ topic: (request.params as { '*': string })['*'] }),
  },
  {
    ...ASKED,
    ...operation('broker.outbox'),
    path: '/v1/broker/outbox',
    summary: 'What the components beside the broker have not sent, and their dead letters.',
    input: () => ({}),
  },
  {
    ...ASKED,
    ...operation('broker.findings'),
    path: '/v1/broker/findings',
    summary: 'What jamey doctor finds where the broker runs, without connecting anywhere.',
    input: () => ({}),
  },
]

function operation<Name extends OperationName>(name: Name) {
  return { operation: name, contract: OPERATIONS[name] } as const
}

function clientIn(request: FastifyRequest): { client_id: string } {
  return { client_id: (request.params as { id: string }).id }
}
