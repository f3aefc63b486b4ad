import { decisionSchema } from '@jamey/contracts'
import { z } from 'zod'
import type { ApprovalAnswer, CallVerdict } from '../model/call-judge.js'
import { JudgeError } from '../model/errors.js'

const jsonObject = z.record(z.string(), z.unknown())

/** Of a verdict on a call, what whoever makes it needs; more is passed over. */
export const callVerdictSchema = z
  .object({
    decision: decisionSchema,
    approved: z.boolean(),
    reasons: z.array(z.string()),
    rules: z.array(z.object({ name: z.string(), decision: z.string(), reason: z.string().optional() })),
    arguments: jsonObject.optional(),
    approval: z.object({ id: z.string().min(1), expires_at: z.string().optional() }).optional(),
    evaluation_id: z.string().optional(),
  })
  .refine(({ decision, approved }) => approved === (decision === 'allow'), {
    path: ['approved'],
    error: 'must be true for the decision allow alone',
  }) satisfies z.ZodType<CallVerdict>

/** The results of several calls; each is looked at for itself, so that one costs no other. */
export const batchSchemaOf = (calls: number) => z.object({ results: z.array(z.unknown()).length(calls) })

const failureSchema = z.object({ message: z.string(), retryable: z.boolean() })

/** Of one of several, the verdict, or why there is none. */
export function batchAnswerOf(result: unknown): CallVerdict | JudgeError {
  const { verdict, error } = (result ?? {}) as { readonly verdict?: unknown; readonly error?: unknown }
  if (error !== undefined) {
    const failure = failureSchema.safeParse(error).data
    return refusedAlone(failure ?? { message: 'without a reason', retryable: false })
  }
  const { data, error: fault } = callVerdictSchema.safeParse(verdict)
  if (data !== undefined) return data
  const [issue] = fault?.issues ?? []
  const message = `The verdict's ${issue?.path.join('.')} is not valid: ${issue?.message}`
  return new JudgeError('judge-answer-invalid', message, { cause: fault })
}

export function refusedAlone({ message, retryable }: { message: string; retryable: boolean }): JudgeError {
  return new JudgeError('judge-refused', `evaluate was refused: ${message}`, { retryable })
}

export const approvalResultSchema = z.object({ approval: z.object({ status: z.string() }) })

export const withdrawnSchema = z.object({
  approval: z.object({ status: z.string(), requested_by: z.string(), revoked_by: z.string().optional() }),
})

/** Undefined while nobody has answered. What is used up or unknown here is good for nothing any more. */
export function answerOf(status: string): ApprovalAnswer | undefined {
  if (status === 'pending') return undefined
  if (status === 'approved') return 'approved'
  return status === 'denied' || status === 'revoked' ? 'denied' : 'expired'
}

/** The end of a question that its requester withdrew; nothing but its own withdrawal is one. */
export function withdrawalOf(approval: {
  readonly status: string
  readonly requested_by: string
  readonly revoked_by?: string | undefined
}): 'withdrawn' | ApprovalAnswer {
  const { status, requested_by, revoked_by } = approval
  if (status === 'revoked' && revoked_by === requested_by) return 'withdrawn'
  return answerOf(status) ?? 'expired'
}
