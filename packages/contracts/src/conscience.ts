import { z } from 'zod'
import type { Contract, RequestContract } from './contract.js'
import { isoTime, jsonObject } from './fields.js'

/** An action that somebody proposes and wants judged before it is done. */
export const evaluationSchema = z.strictObject({
  action: z.string().min(1).max(10_000),
  context: jsonObject.default(() => ({})),
  user: jsonObject.optional(),
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
  /** Which set of rules judged. */
  rules_version: z.string(),
  /** `sha256:` and the SHA-256 of the request's `payload` as canonical JSON (RFC 8785): all that was judged. */
  request_digest: z.string(),
  /** The client identifier of who asked, or for whom was asked. */
  requested_by: z.string(),
  /** That of the request. */
  correlation_id: z.string(),
  evaluated_at: isoTime,
})

export type Evaluation = z.output<typeof evaluationSchema>
export type EvaluationInput = z.input<typeof evaluationSchema>
export type AppliedRule = z.output<typeof appliedRuleSchema>
export type Judge = z.output<typeof judgeSchema>
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
} as const
