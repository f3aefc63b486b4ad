import { z } from 'zod'
import type { RequestContract } from './contract.js'
import { jsonObject } from './fields.js'

/** What may be called through the API; each name is a request contract of this package. */
export const OPERATION_NAMES = [
  'conscience.evaluate',
  'conscience.evaluate-batch',
  'conscience.report',
  'conscience.verdicts',
  'conscience.approvals.list',
  'conscience.approvals.get',
  'conscience.approvals.withdraw',
  'conscience.approvals.answer',
  'conscience.approvals.revoke',
  'memory.store',
  'memory.store-batch',
  'memory.get',
  'memory.history',
  'memory.query',
  'memory.stats',
  'memory.export',
  'memory.import',
  'memory.update',
  'memory.forget',
  'memory.consolidate',
  'memory.others.store',
  'memory.others.store-batch',
  'memory.others.get',
  'memory.others.history',
  'memory.others.query',
  'memory.others.stats',
  'memory.others.update',
  'memory.others.forget',
  'memory.others.consolidate',
  'broker.status',
  'broker.clients',
  'broker.client',
  'broker.retained',
  'broker.topic',
  'broker.outbox',
  'broker.findings',
  'broker.disconnect',
] as const

export const callSchema = z.strictObject({
  operation: z.enum(OPERATION_NAMES),
  /** The data of that operation's contract. */
  input: jsonObject,
})

export const callResultSchema = z.object({ output: jsonObject })

/** A failure inside an answer. `kind` is a stable word to act upon, `message` is for people. */
export const remoteFailureSchema = z.object({
  kind: z.string().min(1),
  message: z.string(),
  retryable: z.boolean(),
  /** How soon it makes sense to try again, where the failure says so. */
  retry_after_ms: z.number().int().min(0).max(60_000).optional(),
  /** Facts of the service's own for programs, such as a limit and what was found. */
  details: jsonObject.optional(),
})

export type OperationName = (typeof OPERATION_NAMES)[number]
export type Call = z.output<typeof callSchema>
export type CallResult = z.output<typeof callResultSchema>
export type RemoteFailure = z.output<typeof remoteFailureSchema>

/** Where a client's answers arrive. Only the client itself may subscribe to it. */
export interface Inbox {
  readonly topic: string
  readonly qos: 1
  readonly retain: false
  readonly description: string
}

export const api = {
  requests: {
    topic: 'jamey/api/requests',
    action: 'call',
    qos: 1,
    retain: false,
    schema: callSchema,
    responseSchema: callResultSchema,
    service: 'api',
    description: 'Calls an operation on behalf of a user of the HTTP API.',
  } satisfies RequestContract,
  responses: {
    topic: 'jamey/api/responses/{client_id}/#',
    qos: 1,
    retain: false,
    description:
      'The reply inbox of a client, in which each service has a level of its own: answers carry the action of their request, and data or error.',
  } satisfies Inbox,
} as const
