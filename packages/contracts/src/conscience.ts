import { z } from 'zod'
import { approvals } from './approvals.js'
import type { Contract, RequestContract } from './contract.js'
import { isoTime, jsonObject } from './fields.js'

/** An action that somebody proposes and wants judged before it is done. */
export const evaluationSchema = z.strictObject({
  action: z.string().min(1).max(10_000),
  context: jsonObject.default(() => ({})),
  user: jsonObject.optional(),
  /** Whether the verdict comes with a receipt, for whoever carries the action out. */
  receipt: z.boolean().optional(),
})

/** The digest of a request: see `request_digest`. */
export const requestDigestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/, {
  error: 'must be sha256: and 64 lower-case hexadecimal digits',
})

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

/** A fact that counted for or against an action. */
export const countedFactSchema = z.object({
  name: z.string(),
  value: z.unknown(),
  /** `asserted`: by the requester, of itself; it may only have spoken against the action. */
  status: z.enum(['asserted', 'attested']),
  /** The client identifier of who said it. */
  given_by: z.string(),
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

/** A rule that applied to the action. `weight` says how much it counts, from 0 up. */
export const appliedRuleSchema = z.object({
  name: z.string().min(1),
  description: z.string(),
  effect: z.enum(['forbid', 'discourage', 'encourage']),
  weight: z.number(),
  reason: z.string().optional(),
})

/** What the optional language-model judge contributed; the rules alone decide when it failed. */
export const judgeSchema = z.object({
  status: z.enum(['not_configured', 'used', 'failed']),
  opinion: z.string().optional(),
  score: z.number().min(-1).max(1).optional(),
  error: z.string().optional(),
})

/** The outcome of an evaluation. `approved` is true only for the decision `approved` or a configured default. */
export const verdictSchema = z.object({
  evaluation_id: z.string().min(1),
  action: z.string(),
  approved: z.boolean(),
  decision: z.enum(['approved', 'forbidden', 'disapproved', 'unrecognised']),
  /** From -1 (harmful) over 0 (neutral or unknown) to 1 (good). */
  moral_score: z.number().min(-1).max(1),
  /** Whether any rule knew the action. */
  recognised: z.boolean(),
  rules: z.array(appliedRuleSchema),
  explanation: z.string(),
  judge: judgeSchema,
  /** What was said about the circumstances, and by whom. */
  facts: z.array(countedFactSchema).default(() => []),
  /** Which set of rules judged. */
  rules_version: z.string(),
  /** `sha256:` and the SHA-256 of the request's `payload` as canonical JSON (RFC 8785): all that was judged. */
  request_digest: z.string(),
  /** The client identifier of who asked, or for whom was asked. */
  requested_by: z.string(),
  /** That of the request. */
  correlation_id: z.string(),
  evaluated_at: isoTime,
  /** A compact JWS for whoever carries the action out, where one was asked for: docs/receipts.md. */
  receipt: z.string().optional(),
})

export type Evaluation = z.output<typeof evaluationSchema>
export type EvaluationInput = z.input<typeof evaluationSchema>
export type AppliedRule = z.output<typeof appliedRuleSchema>
export type Judge = z.output<typeof judgeSchema>
export type Attestation = z.output<typeof attestationSchema>
export type CountedFact = z.output<typeof countedFactSchema>
export type ReceiptKeys = z.output<typeof receiptKeysSchema>
export type Verdict = z.output<typeof verdictSchema>

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
    description: 'Asks whether a proposed action is right; answered with the verdict.',
  } satisfies RequestContract,
  results: {
    topic: 'jamey/conscience/results',
    action: 'result',
    qos: 1,
    retain: false,
    schema: verdictSchema,
    description: 'Every verdict, as it is given.',
  } satisfies Contract,
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
