import { addressed, type OperationName, type RequestContract } from '@jamey/contracts'
import type { FastifyRequest } from 'fastify'
import type { FieldNames } from '../problems/invalid-input.js'
import type { QueryParameters } from './query-parameters.js'

/** One HTTP endpoint that stands for one operation of the API. Routes, index and OpenAPI come from these. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** The path as fastify writes it: `/v1/memories/:id`; `*` stands for all that follows, slashes included. */
  readonly path: string
  readonly operation: OperationName
  readonly contract: RequestContract
  /** Its name in OpenAPI, where several endpoints stand for one operation. */
  readonly operationId?: string
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
  /** The version of what is answered, which becomes its ETag; undefined where it has none. */
  versionOf(output: Readonly<Record<string, unknown>>): number | undefined
  /** Whether If-Match says which version the caller means. */
  readonly takesIfMatch: boolean
  /** Why nobody serves it, where that has a reason of its own. */
  readonly unserved: string | undefined
  /** The statuses that mean success, the usual one first. */
  readonly successes: readonly number[]
  input(request: FastifyRequest): unknown
  /** The status of an answer; throws a `Problem` where the answer means failure over HTTP. */
  statusOf(output: Readonly<Record<string, unknown>>): number
}

/** What most endpoints have in common. */
export const COMMON = {
  readsBody: false,
  takesIdempotencyKey: false,
  needsToken: false,
  parameters: {},
  pathField: 'id',
  fieldNames: {},
  successes: [200],
  takesIfMatch: false,
  unserved: undefined,
  versionOf: () => undefined,
  statusOf: () => 200,
} as const

/** The topic that the caller has to be allowed to publish to. */
export function topicOf({ contract, pathField }: Endpoint, request: FastifyRequest): string {
  const { id } = request.params as { id?: string }
  return addressed(contract, { ...(request.query as object), [pathField]: id }).topic
}
