import { z } from 'zod'
import { approvals } from './approvals.js'
import type { Contract, RequestContract } from './contract.js'
import { evaluationBatchSchema, evaluationSchema } from './evaluation.js'
import { isoTime } from './fields.js'
import { reportedSchema, sessionNoticeSchema, sessionReportSchema } from './session-report.js'
import { digestSchema, verdictBatchSchema, verdictSchema } from './verdict.js'
import { listVerdictsSchema, verdictListSchema } from './verdict-list.js'

/** The digest of a request: see `request_digest`. */
export const requestDigestSchema = digestSchema

/**
 * What somebody else than the requester says about one request. What a requester says of itself can only speak against
 * its action; what is attested counts either way. In the topic, the digest is of the request, the client identifier of
 * whoever attests. What is said later of the same request takes the place of what was said before.
 */
export const attestationSchema = z.strictObject({
  /** Whose request it is, as its verdict tells it: for the same request of another nothing is said. */
  requested_by: z.string().min(1).max(128),
  facts: z
    .record(z.string().min(1).max(100), z.union([z.boolean(), z.number(), z.string().max(1000)]))
    .refine((facts) => Object.keys(facts).length <= 50, { error: 'must have at most 50 facts' }),
  /** At most a day ahead; from then on nothing of it counts. */
  expires_at: isoTime,
})

/** Public keys that verify receipts, as a JWK Set (RFC 7517). */
export const receiptKeysSchema = z.object({
  keys: z
    .array(
      z.looseObject({
        kty: z.literal('OKP'),
        crv: z.literal('Ed25519'),
        x: z.string(),
        kid: z.string().min(1),
      }),
    )
    .max(10),
})

export type Attestation = z.output<typeof attestationSchema>
export type ReceiptKeys = z.output<typeof receiptKeysSchema>

export const conscience = {
  evaluate: {
    topic: 'jamey/conscience/evaluate',
    action: 'evaluate',
    qos: 1,
    retain: false,
    schema: evaluationSchema,
    responseSchema: verdictSchema,
    service: 'conscience',
    isBound: true,
    isRepeatable: true,
    description:
      'Asks whether a call of a tool, or an action in words, may be done; answered with the verdict.',
  } satisfies RequestContract,
  evaluateBatch: {
    topic: 'jamey/conscience/evaluate',
    action: 'evaluate_batch',
    qos: 1,
    retain: false,
    schema: evaluationBatchSchema,
    responseSchema: verdictBatchSchema,
    service: 'conscience',
    isBound: true,
    isRepeatable: true,
    description:
      'Asks about up to 64 calls or actions at once; answered with a verdict, or a failure, for each.',
  } satisfies RequestContract,
  report: {
    topic: 'jamey/conscience/reports',
    action: 'report',
    qos: 1,
    retain: false,
    schema: sessionReportSchema,
    responseSchema: reportedSchema,
    service: 'conscience',
    isRepeatable: true,
    description: 'Tells what happened in a session: what the user said, or what a call answered.',
  } satisfies RequestContract,
  sessions: {
    topic: 'jamey/conscience/sessions/{client_id}',
    action: 'remember',
    qos: 1,
    retain: false,
    schema: sessionNoticeSchema,
    description: 'What one conscience remembers of a session, for the others; among consciences alone.',
  } satisfies Contract,
  results: {
    topic: 'jamey/conscience/results',
    action: 'result',
    qos: 1,
    retain: false,
    schema: verdictSchema,
    description: 'Every verdict, as it is given.',
  } satisfies Contract,
  verdicts: {
    topic: 'jamey/conscience/verdicts-list/{conscience}',
    action: 'list_verdicts',
    qos: 1,
    retain: false,
    schema: listVerdictsSchema,
    responseSchema: verdictListSchema,
    service: 'conscience',
    isRepeatable: true,
    description: 'Lists the verdicts that stand in the audit of one conscience, page by page.',
  } satisfies RequestContract,
  facts: {
    topic: 'jamey/conscience/facts/{request_digest}/{client_id}',
    action: 'attest',
    qos: 1,
    retain: true,
    schema: attestationSchema,
    description:
      'What another than the requester says about a request; retained until it expires or is taken back.',
  } satisfies Contract,
  keys: {
    topic: 'jamey/conscience/keys/{client_id}',
    action: 'keys',
    qos: 1,
    retain: true,
    schema: receiptKeysSchema,
    description: 'The keys that verify the receipts of one conscience; retained.',
  } satisfies Contract,
  approvals,
} as const
