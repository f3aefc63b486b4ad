import { OPERATIONS, type OperationName, type RequestContract } from '@jamey/contracts'
import type { FastifyRequest } from 'fastify'
import type { FieldNames } from '../problems/invalid-input.js'
import { Problem } from '../problems/problem.js'
import { OTHERS_RECALL_PARAMETERS, RECALL_FIELD_NAMES, recallQueryOf } from './recall-query.js'

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
  fieldNames: {},
  successes: [200],
  statusOf: () => 200,
} as const

export const ENDPOINTS: readonly Endpoint[] = [
  {
    ...COMMON,
    method: 'POST',
    path: '/v1/conscience/evaluate',
    operation: 'conscience.evaluate',
    contract: OPERATIONS['conscience.evaluate'],
    summary: 'Judge a proposed action.',
    readsBody: true,
    input: (request) => request.body,
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
    input: (request) => recallQueryOf(request.query as Record<string, unknown>),
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
    input: (request) => recallQueryOf(request.query as Record<string, unknown>, OTHERS_RECALL_PARAMETERS),
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
