import { addressed, OPERATIONS, type OperationName, type RequestContract } from '@jamey/contracts'
import type { FastifyRequest } from 'fastify'
import type { FieldNames } from '../problems/invalid-input.js'
import { Problem } from '../problems/problem.js'
import {
  APPROVAL_PARAMETERS,
  OTHERS_RECALL_PARAMETERS,
  type QueryParameters,
  queryOf,
  RECALL_FIELD_NAMES,
  RECALL_PARAMETERS,
  WAIT_PARAMETERS,
} from './query-parameters.js'

/** One HTTP endpoint that stands for one operation of the API. Routes, index and OpenAPI come from these. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** The path as fastify writes it: `/v1/memories/:id`. */
  readonly path: string
  readonly operation: OperationName
  readonly contract: RequestContract
  readonly summary: string
  readonly readsBody: boolean
  /** Whether repeating the call under one Idempotency-Key has its effect once. */
  readonly takesIdempotencyKey: boolean
  /** Whether a caller that this machine vouches for needs a token all the same. */
  readonly needsToken: boolean
  /** The query parameters that it takes. */
  readonly parameters: QueryParameters
  /** Of the contract's fields, the one that stands in the path. */
  readonly pathField: string
  /** What the caller calls the contract's fields, where the names differ. */
  readonly fieldNames: FieldNames
  /** The statuses that mean success, the usual one first. */
  readonly successes: readonly number[]
  input(request: FastifyRequest): unknown
  /** The status of an answer; throws a `Problem` where the answer means failure over HTTP. */
  statusOf(output: Readonly<Record<string, unknown>>): number
}

const COMMON = {
  readsBody: false,
  takesIdempotencyKey: false,
  needsToken: false,
  parameters: {},
  pathField: 'id',
  fieldNames: {},
  successes: [200],
  statusOf: () => 200,
} as const

const ONE_APPROVAL = { pathField: 'approval_id', fieldNames: { approval_id: 'id' } } as const

export const ENDPOINTS: readonly Endpoint[] = [
  {
    ...COMMON,
    method: 'POST',
    path: '/v1/conscience/evaluate',
    operation: 'conscience.evaluate',
    contract: OPERATIONS['conscience.evaluate'],
    summary: 'Judge a call of a tool, or an action in words.',
    readsBody: true,
    input: (request) => request.body,
  },
  {
    ...COMMON,
    method: 'POST',
    path: '/v1/conscience/reports',
    operation: 'conscience.report',
    contract: OPERATIONS['conscience.report'],
    summary: 'Tell what happened in a session: what the user said, or what a call answered.',
    readsBody: true,
    input: (request) => request.body,
  },
  {
    ...COMMON,
    method: 'GET',
    path: '/v1/approvals',
    operation: 'conscience.approvals.list',
    contract: OPERATIONS['conscience.approvals.list'],
    summary: 'The calls that people are asked about, the newest first.',
    parameters: APPROVAL_PARAMETERS,
    input: (request) => queryOf(request, APPROVAL_PARAMETERS),
  },
  {
    ...COMMON,
    ...ONE_APPROVAL,
    method: 'GET',
    path: '/v1/approvals/:id',
    operation: 'conscience.approvals.get',
    contract: OPERATIONS['conscience.approvals.get'],
    summary: 'One approval that the caller asked for, or may read; with wait_ms once it is answered.',
    parameters: WAIT_PARAMETERS,
    input: (request) => ({ ...queryOf(request, WAIT_PARAMETERS), ...approvalOf(request) }),
  },
  {
    ...COMMON,
    ...ONE_APPROVAL,
    method: 'POST',
    path: '/v1/approvals/:id/answer',
    operation: 'conscience.approvals.answer',
    contract: OPERATIONS['conscience.approvals.answer'],
    summary: 'Approve or deny a call that somebody else wants to make.',
    readsBody: true,
    needsToken: true,
    input: (request) => ({ ...(request.body as object), ...approvalOf(request) }),
  },
  {
    ...COMMON,
    ...ONE_APPROVAL,
    method: 'DELETE',
    path: '/v1/approvals/:id',
    operation: 'conscience.approvals.revoke',
    contract: OPERATIONS['conscience.approvals.revoke'],
    summary: 'Take back an approval.',
    needsToken: true,
    input: approvalOf,
  },
  {
    ...COMMON,
    method: 'POST',
    path: '/v1/memories',
    operation: 'memory.store',
    contract: OPERATIONS['memory.store'],
    summary: 'Store a memory; 200 instead of 201 where the same Idempotency-Key had stored it before.',
    readsBody: true,
    takesIdempotencyKey: true,
    successes: [201, 200],
    input: (request) => request.body,
    statusOf: storedStatus,
  },
  {
    ...COMMON,
    method: 'GET',
    path: '/v1/memories',
    operation: 'memory.query',
    contract: OPERATIONS['memory.query'],
    summary: 'Recall memories, best first.',
    fieldNames: RECALL_FIELD_NAMES,
    parameters: RECALL_PARAMETERS,
    input: (request) => queryOf(request, RECALL_PARAMETERS),
  },
  {
    ...COMMON,
    method: 'GET',
    path: '/v1/memories/:id',
    operation: 'memory.get',
    contract: OPERATIONS['memory.get'],
    summary: 'One memory.',
    input: idOf,
    statusOf: gotStatus,
  },
  {
    ...COMMON,
    method: 'DELETE',
    path: '/v1/memories/:id',
    operation: 'memory.forget',
    contract: OPERATIONS['memory.forget'],
    summary: 'Forget one memory.',
    input: idOf,
    statusOf: forgottenStatus,
  },
  {
    ...COMMON,
    method: 'POST',
    path: '/v1/others/memories',
    operation: 'memory.others.store',
    contract: OPERATIONS['memory.others.store'],
    summary: 'Store a memory for the owner that it names.',
    readsBody: true,
    takesIdempotencyKey: true,
    successes: [201, 200],
    input: (request) => request.body,
    statusOf: storedStatus,
  },
  {
    ...COMMON,
    method: 'GET',
    path: '/v1/others/memories',
    operation: 'memory.others.query',
    contract: OPERATIONS['memory.others.query'],
    summary: 'Recall memories of everybody, or of one owner.',
    fieldNames: RECALL_FIELD_NAMES,
    parameters: OTHERS_RECALL_PARAMETERS,
    input: (request) => queryOf(request, OTHERS_RECALL_PARAMETERS),
  },
  {
    ...COMMON,
    method: 'GET',
    path: '/v1/others/memories/:id',
    operation: 'memory.others.get',
    contract: OPERATIONS['memory.others.get'],
    summary: 'One memory, whosever it is.',
    input: idOf,
    statusOf: gotStatus,
  },
  {
    ...COMMON,
    method: 'DELETE',
    path: '/v1/others/memories/:id',
    operation: 'memory.others.forget',
    contract: OPERATIONS['memory.others.forget'],
    summary: 'Forget one memory, whosever it is.',
    input: idOf,
    statusOf: forgottenStatus,
  },
]

function storedStatus(output: Readonly<Record<string, unknown>>): number {
  return output['created'] === false ? 200 : 201
}

function gotStatus(output: Readonly<Record<string, unknown>>): number {
  if (output['memory'] === null) throw noSuchMemory()
  return 200
}

function forgottenStatus(output: Readonly<Record<string, unknown>>): number {
  if (output['forgotten'] === 0) throw noSuchMemory()
  return 200
}

function idOf(request: FastifyRequest): unknown {
  return { id: (request.params as { id: string }).id }
}

function approvalOf(request: FastifyRequest): { approval_id: string } {
  return { approval_id: (request.params as { id: string }).id }
}

/** The topic that the caller has to be allowed to publish to. */
export function topicOf({ contract, pathField }: Endpoint, request: FastifyRequest): string {
  const { id } = request.params as { id?: string }
  return addressed(contract, { [pathField]: id }).topic
}

function noSuchMemory(): Problem {
  return new Problem('not-found', 'There is no memory with this id.')
}

/** Where clients get their tokens. [RFC 6749, section 3.2] */
export const TOKEN_ENDPOINT = {
  method: 'POST',
  path: '/v1/token',
  summary: "A token for a client's secret or certificate (OAuth 2.0, client credentials).",
} as const

/** The endpoints that say something about the gateway itself and ask nobody. */
export const OWN_ENDPOINTS = [
  { method: 'GET', path: '/healthz', summary: 'Whether the process is alive.' },
  {
    method: 'GET',
    path: '/readyz',
    summary: 'Whether calls can be answered; 503 with the reason otherwise.',
  },
  { method: 'GET', path: '/v1/jwks', summary: 'The keys that verify receipts, as a JWK Set.' },
  { method: 'GET', path: '/v1/openapi.json', summary: 'This API as an OpenAPI 3.1 document.' },
  { method: 'GET', path: '/', summary: 'This list.' },
] as const

/** The methods that exist at a path, for the Allow header; empty where nothing exists. */
export function methodsAt(path: string): readonly string[] {
  const methods = [...ENDPOINTS, TOKEN_ENDPOINT, ...OWN_ENDPOINTS]
    .filter((endpoint) => fits(endpoint.path, path))
    .flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return [...new Set(methods)]
}

/** `GET /`: every endpoint on a line of its own. */
export function endpointIndex(): string {
  const lines = [...ENDPOINTS, TOKEN_ENDPOINT, ...OWN_ENDPOINTS].map(
    ({ method, path, summary }) => `${method.padEnd(7)} ${path.padEnd(26)} ${summary}`,
  )
  return `Jamey's HTTP API\n\n${lines.join('\n')}\n`
}

function fits(pattern: string, path: string): boolean {
  const expected = pattern.split('/')
  const found = path.split('/')
  return (
    expected.length === found.length &&
    expected.every((level, i) => (level.startsWith(':') ? found[i] !== '' : level === found[i]))
  )
}
