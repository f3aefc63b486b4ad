import { OPERATIONS } from '@jamey/contracts'
import type { FastifyRequest } from 'fastify'
import { COMMON, type Endpoint } from './endpoint.js'
import { APPROVAL_PARAMETERS, queryOf, VERDICT_PARAMETERS, WAIT_PARAMETERS } from './query-parameters.js'

const ONE_APPROVAL = { pathField: 'approval_id', fieldNames: { approval_id: 'id' } } as const

/** Having calls judged, and the approvals of people. */
export const CONSCIENCE_ENDPOINTS: readonly Endpoint[] = [
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
    path: '/v1/conscience/evaluate/batch',
    operation: 'conscience.evaluate-batch',
    contract: OPERATIONS['conscience.evaluate-batch'],
    summary: 'Judge up to 64 calls at once, each for itself.',
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
    path: '/v1/verdicts',
    operation: 'conscience.verdicts',
    contract: OPERATIONS['conscience.verdicts'],
    summary: 'The verdicts in the audit of one conscience, the newest first.',
    unserved: 'A conscience of that name is not there, or keeps no audit (JAMEY_AUDIT_DIR=none).',
    parameters: VERDICT_PARAMETERS,
    input: (request) => queryOf(request, VERDICT_PARAMETERS),
  },
  {
    ...COMMON,
    method: 'GET',
    path: '/v1/approvals',
    operation: 'conscience.approvals.list',
    contract: OPERATIONS['conscience.approvals.list'],
    summary: 'The calls that people are asked about, the newest first.',
    // It may stand there several times, and nobody counts them.
    fieldNames: { status: 'status' },
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
    path: '/v1/approvals/:id/withdraw',
    operation: 'conscience.approvals.withdraw',
    contract: OPERATIONS['conscience.approvals.withdraw'],
    summary: 'Ask people no longer about a call that the caller asked for; what they have answered stays.',
    readsBody: true,
    input: (request) => ({ ...(request.body as object), ...approvalOf(request) }),
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
]

function approvalOf(request: FastifyRequest): { approval_id: string } {
  return { approval_id: (request.params as { id: string }).id }
}
