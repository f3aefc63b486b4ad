import { z } from 'zod'
import { remoteFailureSchema } from './api.js'
import { isoTime, jsonObject } from './fields.js'

/** `ask`: a person decides; where nobody can be asked it must not be done. */
export const decisionSchema = z.enum(['allow', 'ask', 'deny'])

/** A rule that applied, and what it says by itself: `deny` beats `ask`, and `ask` beats `allow`. */
export const appliedRuleSchema = z.object({
  name: z.string().min(1),
  decision: decisionSchema,
  reason: z.string(),
})

/** The digest of a request or of a call. */
export const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/, {
  error: 'must be sha256: and 64 lower-case hexadecimal digits',
})

/** A fact that counted for or against what was asked. */
export const countedFactSchema = z.object({
  name: z.string(),
  value: z.unknown(),
  /** `asserted`: by the requester, of itself; it may only have spoken against it. */
  status: z.enum(['asserted', 'attested']),
  /** The client identifier of who said it. */
  given_by: z.string(),
})

/**
 * What the optional language-model judge contributed. `not_needed`: the rules deny it. `failed`: it was not heard, or could
 * not be shown all of it, and nothing is allowed then.
 */
export const judgeSchema = z.object({
  status: z.enum(['not_configured', 'not_needed', 'used', 'failed']),
  opinion: z.string().optional(),
  score: z.number().min(-1).max(1).optional(),
  error: z.string().optional(),
})

/** What a verdict has, whatever was asked. `approved` is true for the decision `allow` alone. */
const verdictFields = {
  evaluation_id: z.string().min(1),
  approved: z.boolean(),
  decision: decisionSchema,
  /** For people: why it was decided so, the gravest first. */
  reasons: z.array(z.string()),
  rules: z.array(appliedRuleSchema),
  /** A pending approval where a person is asked, or the one that decided; without an end where it is for always. */
  approval: z.object({ id: z.string().min(1), expires_at: isoTime.optional() }).optional(),
  /** What was said about the circumstances, and by whom. */
  facts: z.array(countedFactSchema).default(() => []),
  judge: judgeSchema.default(() => ({ status: 'not_configured' as const })),
  /** Which policy judged. */
  policy_version: z.string(),
  /** `sha256:` and the SHA-256 of the request's `payload` as canonical JSON (RFC 8785): all that was judged. */
  request_digest: z.string(),
  /** The client identifier of who asked, or for whom was asked. */
  requested_by: z.string(),
  /** That of the request. */
  correlation_id: z.string(),
  evaluated_at: isoTime,
  /** A compact JWS for whoever carries it out, where one was asked for: docs/receipts.md. */
  receipt: z.string().optional(),
} as const

/** The verdict on a call of a tool. */
export const callVerdictSchema = z.object({
  kind: z.literal('call'),
  tool: z.string(),
  /** In the place of the arguments that were asked about, where a rule changes them: the call may be made with these alone. */
  arguments: jsonObject.optional(),
  session_id: z.string().optional(),
  call_id: z.string().optional(),
  /** `sha256:` and the SHA-256 of `{tool, arguments}`, as they were asked about, as canonical JSON (RFC 8785). */
  call_digest: digestSchema,
  /** The same of what may be done, where the arguments were changed. */
  changed_call_digest: digestSchema.optional(),
  ...verdictFields,
})

/** The verdict on an action in words. */
export const textVerdictSchema = z.object({
  kind: z.literal('text'),
  action: z.string(),
  ...verdictFields,
  /** The decision in the words of before; for one version more. */
  outcome: z.enum(['approved', 'forbidden', 'disapproved', 'unrecognised']),
  /** From -1 (harmful) over 0 (unknown) to 1; for one version more. */
  moral_score: z.number().min(-1).max(1),
  /** Whether any rule knew the action; for one version more. */
  recognised: z.boolean(),
  /** The reasons in one text; for one version more. */
  explanation: z.string(),
  /** `policy_version`; for one version more. */
  rules_version: z.string(),
})

/** The outcome of an evaluation. */
export const verdictSchema = z.discriminatedUnion('kind', [callVerdictSchema, textVerdictSchema])

/** The outcome of several evaluations, in the order in which they were asked, each with what it alone would be answered. */
export const verdictBatchSchema = z.object({
  results: z.array(z.union([z.object({ verdict: verdictSchema }), z.object({ error: remoteFailureSchema })])),
  /** Of the request for all of them; `request_digest` of a verdict is that of its own, asked with the action `evaluate`. */
  request_digest: z.string(),
  requested_by: z.string(),
  correlation_id: z.string(),
})

export type VerdictBatch = z.output<typeof verdictBatchSchema>
export type Decision = z.output<typeof decisionSchema>
export type AppliedRule = z.output<typeof appliedRuleSchema>
export type CountedFact = z.output<typeof countedFactSchema>
export type Judge = z.output<typeof judgeSchema>
export type CallVerdict = z.output<typeof callVerdictSchema>
export type TextVerdict = z.output<typeof textVerdictSchema>
export type Verdict = z.output<typeof verdictSchema>
