import { OPERATIONS, type OperationName } from '@jamey/contracts'
import type { FastifyRequest } from 'fastify'
import { ifMatchOf } from '../callers/call-headers.js'
import { Problem } from '../problems/problem.js'
import { COMMON, type Endpoint } from './endpoint.js'
import {
  EXPORT_PARAMETERS,
  HISTORY_PARAMETERS,
  OTHERS_RECALL_PARAMETERS,
  type QueryParameters,
  queryOf,
  RECALL_FIELD_NAMES,
  RECALL_PARAMETERS,
  STATS_PARAMETERS,
} from './query-parameters.js'

type Output = Readonly<Record<string, unknown>>

/** Whose memories are meant: the caller's own, or anybody's, which take rights of their own. */
interface Whose {
  readonly root: '/v1/memories' | '/v1/others/memories'
  readonly of: 'memory' | 'memory.others'
  readonly recall: QueryParameters
  readonly stats: QueryParameters
  /** Ends a summary. */
  readonly words: string
}

const OWN: Whose = {
  root: '/v1/memories',
  of: 'memory',
  recall: RECALL_PARAMETERS,
  stats: {},
  words: '',
}
const OTHERS: Whose = {
  root: '/v1/others/memories',
  of: 'memory.others',
  recall: OTHERS_RECALL_PARAMETERS,
  stats: STATS_PARAMETERS,
  words: ' of anybody',
}

/** The memories of the caller, and those of others. */
export const MEMORY_ENDPOINTS: readonly Endpoint[] = [...endpointsOf(OWN), ...endpointsOf(OTHERS)]

/** Answered by lines of JSON, one memory each, page after page. */
export const EXPORT_ENDPOINT: Endpoint = {
  ...COMMON,
  ...operation('memory.export'),
  method: 'GET',
  path: '/v1/memories/export',
  summary: 'All memories of the caller as lines of JSON, in the order of storing.',
  parameters: EXPORT_PARAMETERS,
  input: (request) => queryOf(request, EXPORT_PARAMETERS),
}

/** Its body is such lines, taken batch after batch. */
export const IMPORT_ENDPOINT: Endpoint = {
  ...COMMON,
  ...operation('memory.import'),
  method: 'POST',
  path: '/v1/memories/import',
  summary: 'Take the lines of an export as memories of the caller, each with its id and times.',
  readsBody: true,
  input: (request) => request.body,
}

export const ARCHIVE_ENDPOINTS: readonly Endpoint[] = [EXPORT_ENDPOINT, IMPORT_ENDPOINT]

function operation<Name extends OperationName>(name: Name) {
  return { operation: name, contract: OPERATIONS[name] } as const
}

function endpointsOf(whose: Whose): Endpoint[] {
  return [...storing(whose), ...asking(whose), ...changing(whose)]
}

function storing({ root, of, words }: Whose): Endpoint[] {
  const body = { ...COMMON, method: 'POST', readsBody: true, takesIdempotencyKey: true } as const
  return [
    {
      ...body,
      ...operation(`${of}.store`),
      path: root,
      summary: `Store a memory${words}; 200 instead of 201 where it was stored before.`,
      successes: [201, 200],
      input: bodyOf,
      statusOf: (output) => (output['created'] === false ? 200 : 201),
    },
    {
      ...body,
      ...operation(`${of}.store-batch`),
      path: `${root}/batch`,
      summary: `Store up to 500 memories${words}, each of which stands for itself.`,
      input: bodyOf,
    },
  ]
}

function asking({ root, of, words, recall, stats }: Whose): Endpoint[] {
  return [
    {
      ...COMMON,
      ...operation(`${of}.query`),
      method: 'GET',
      path: root,
      summary: `Recall memories${words}, best first.`,
      fieldNames: RECALL_FIELD_NAMES,
      parameters: recall,
      input: (request) => queryOf(request, recall),
    },
    {
      ...COMMON,
      ...operation(`${of}.query`),
      method: 'POST',
      operationId: `${of}.search`,
      path: `${root}/query`,
      summary: `Recall memories${words} by all that they can be asked for, their metadata among it.`,
      readsBody: true,
      input: bodyOf,
    },
    {
      ...COMMON,
      ...operation(`${of}.stats`),
      method: 'GET',
      path: `${root}/stats`,
      summary: `How many memories${words} there are, and of what kind.`,
      parameters: stats,
      input: (request) => queryOf(request, stats),
    },
    {
      ...COMMON,
      ...operation(`${of}.get`),
      method: 'GET',
      path: `${root}/:id`,
      summary: `One memory${words}.`,
      input: idOf,
      statusOf: mustBeThere('memory', null),
      versionOf,
    },
    {
      ...COMMON,
      ...operation(`${of}.history`),
      method: 'GET',
      path: `${root}/:id/history`,
      summary: `One memory${words} as it is and as it was before each change.`,
      parameters: HISTORY_PARAMETERS,
      input: (request) => ({ ...queryOf(request, HISTORY_PARAMETERS), ...idOf(request) }),
      statusOf: (output) => {
        if ((output['versions'] as unknown[]).length === 0) throw noSuchMemory()
        return 200
      },
    },
  ]
}

function changing({ root, of, words }: Whose): Endpoint[] {
  return [
    {
      ...COMMON,
      ...operation(`${of}.update`),
      method: 'PATCH',
      path: `${root}/:id`,
      summary: `Change one memory${words}; what it was stays in its history.`,
      readsBody: true,
      takesIdempotencyKey: true,
      takesIfMatch: true,
      input: (request) => ({ ...objectOf(request), ...idOf(request), ...ifMatchOf(request.headers) }),
      versionOf,
    },
    {
      ...COMMON,
      ...operation(`${of}.forget`),
      method: 'DELETE',
      path: `${root}/:id`,
      summary: `Forget one memory${words}.`,
      input: idOf,
      statusOf: mustBeThere('forgotten', 0),
    },
    {
      ...COMMON,
      ...operation(`${of}.forget`),
      method: 'POST',
      operationId: `${of}.forget-many`,
      path: `${root}/forget`,
      summary: `Forget memories${words} by ids, or all that fit every condition.`,
      readsBody: true,
      input: bodyOf,
    },
    {
      ...COMMON,
      ...operation(`${of}.consolidate`),
      method: 'POST',
      path: `${root}/consolidate`,
      summary: `Merge what is nearly the same${words}, keep what is recalled often, make room.`,
      readsBody: true,
      input: (request) => request.body ?? {},
    },
  ]
}

function bodyOf(request: FastifyRequest): unknown {
  return request.body
}

/** What is no object is left to the contract, which says so. */
function objectOf({ body }: FastifyRequest): object {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body
  throw new Problem('invalid-input', 'The body must be a JSON object.', { field: 'body' })
}

function idOf(request: FastifyRequest): { id: string } {
  return { id: (request.params as { id: string }).id }
}

function versionOf({ memory }: Output): number | undefined {
  return (memory as { version?: number } | undefined)?.version
}

/** 200, but for the one value of a field that says that nothing is there. */
function mustBeThere(field: string, absent: unknown): (output: Output) => number {
  return (output) => {
    if (output[field] === absent) throw noSuchMemory()
    return 200
  }
}

function noSuchMemory(): Problem {
  return new Problem('not-found', 'There is no memory with this id.')
}
