import { z } from 'zod'
import { isoTime, jsonObject } from './fields.js'

/**
 * `pending`: people are asked. `approved`: the call may be made. `used`: it was, of one that was approved for once. From
 * `denied`, `expired`, `used` and `revoked` nothing leads on.
 */
export const approvalStatusSchema = z.enum(['pending', 'approved', 'denied', 'expired', 'used', 'revoked'])

/** `once`: for the next time; `session`: for as often as it is asked in this session; `always`: until it is revoked. */
export const approvalScopeSchema = z.enum(['once', 'session', 'always'])

/** What no client identifier has: it is one level of a topic. */
const KEEPER = '[^/+#\\u0000-\\u001f\\u007f]{1,128}'

/** A UUID and, behind a dot, the client identifier of the conscience that keeps the approval and alone decides about it. */
export const approvalIdSchema = z
  .string()
  .regex(new RegExp(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\.${KEEPER}$`), {
    error: 'must be the id of an approval: a UUID, a dot, and the client identifier of its conscience',
  })

/** The client identifier of a conscience: one level of a topic. */
export const conscienceIdSchema = z.string().regex(new RegExp(`^${KEEPER}$`), {
  error: 'must be the client identifier of a conscience',
})

const noteSchema = z.string().min(1).max(1_000)

/** What one person said. */
export const approvalAnswerSchema = z.object({
  /** The client identifier. */
  answered_by: z.string(),
  decision: z.enum(['approve', 'deny']),
  /** What it is approved for. */
  scope: approvalScopeSchema.optional(),
  note: z.string().optional(),
  answered_at: isoTime,
})

/** A call that people are asked about, and what became of it. */
export const approvalSchema = z.object({
  approval_id: approvalIdSchema,
  status: approvalStatusSchema,
  tool: z.string(),
  /** All of them, as they were asked about. */
  arguments: jsonObject,
  /** What the call would be made with, where a rule changes the arguments. */
  changed_arguments: jsonObject.optional(),
  /** Why the requester wants it, in its own words. */
  intent: z.string().optional(),
  /** The folder that it is made in, as the requester says. */
  cwd: z.string().optional(),
  /** `sha256:` and the SHA-256 of `{tool, arguments}`, and of `cwd` where there is one, as canonical JSON (RFC 8785). */
  call_digest: z.string(),
  /** The same of what the call would be made with, where a rule changes the arguments. */
  changed_call_digest: z.string().optional(),
  /** Why a person is asked. */
  reasons: z.array(z.string()),
  /** The names of the rules that ask; where another one asks, too, it is no longer what was approved. */
  rules: z.array(z.string()),
  policy_version: z.string(),
  requested_by: z.string(),
  /** Who passed the request on, where that was another. */
  sent_by: z.string().optional(),
  session_id: z.string().optional(),
  created_at: isoTime,
  /** From then on it is good for nothing; absent where it is approved for always. */
  expires_at: isoTime.optional(),
  /** How many different people have to approve. */
  approvers: z.number().int().min(1).max(2),
  answers: z.array(approvalAnswerSchema).max(2),
  /** The narrowest of those that were approved, once enough have. */
  scope: approvalScopeSchema.optional(),
  /** The evaluation that it was used for. */
  evaluation_id: z.string().optional(),
  /** Who took back what was approved, or what people were asked. */
  revoked_by: z.string().optional(),
  /** Why, where whoever did said so. */
  revoked_because: z.string().optional(),
  /** When its status last changed. */
  changed_at: isoTime,
})

/** Which approvals are listed; each condition narrows. */
export const listApprovalsSchema = z.strictObject({
  approval_id: approvalIdSchema.optional(),
  status: z.array(approvalStatusSchema).min(1).max(6).optional(),
  requested_by: z.string().min(1).max(128).optional(),
  /** The newest first, by when they were asked or when their status last changed; or the next to expire first. */
  order: z.enum(['created_at', 'changed_at', 'expires_at']).default('created_at'),
  limit: z.number().int().min(1).max(100).default(20),
  offset: z.number().int().min(0).max(100_000).default(0),
  /** `next_cursor` of the page before, instead of an offset; the rest of the request is the same. */
  cursor: z.string().min(1).max(1000).optional(),
})

export const approvalListSchema = z.object({
  approvals: z.array(approvalSchema),
  /** How many there are, listed or not. */
  total: z.number().int().min(0),
  /** Present where there is a next page. */
  next_cursor: z.string().optional(),
})

/** With `wait_ms` the answer comes once it is pending no more, or when that time is over. */
export const getApprovalSchema = z.strictObject({
  approval_id: approvalIdSchema,
  wait_ms: z.number().int().min(0).max(60_000).default(0),
})

export const approvalResultSchema = z.object({ approval: approvalSchema })

/** What a person says of a pending approval. */
export const answerApprovalSchema = z.strictObject({
  approval_id: approvalIdSchema,
  decision: z.enum(['approve', 'deny']),
  scope: approvalScopeSchema.default('once'),
  note: noteSchema.optional(),
})

/** Takes back what is approved and not used up. */
export const revokeApprovalSchema = z.strictObject({ approval_id: approvalIdSchema })

/** What a requester no longer asks people, such as where somebody has answered it elsewhere. */
export const withdrawApprovalSchema = z.strictObject({
  approval_id: approvalIdSchema,
  because: noteSchema.optional(),
})

/** The same, as one conscience tells it to the one that keeps the approval. */
export const forwardedWithdrawalSchema = withdrawApprovalSchema.extend({ requested_by: z.string() })

/** What one conscience asks of the one that keeps an approval: to use it for a call. */
export const useApprovalSchema = z.strictObject({
  approval_id: approvalIdSchema,
  call_digest: z.string(),
  changed_call_digest: z.string().optional(),
  rules: z.array(z.string()).max(1_000),
  requested_by: z.string(),
  session_id: z.string().optional(),
  /** How many people have to approve such a call by now. */
  approvers: z.number().int().min(1).max(2),
  evaluation_id: z.string(),
})

export const returnedApprovalSchema = z.strictObject({
  approval_id: approvalIdSchema,
  /** The one that used it, and that nobody was answered. */
  evaluation_id: z.string(),
})

/** The approval as it was used; null where it does not do for that call. */
export const usedApprovalSchema = z.object({ approval: approvalSchema.nullable() })

export type ApprovalStatus = z.output<typeof approvalStatusSchema>
export type ApprovalScope = z.output<typeof approvalScopeSchema>
export type ApprovalAnswer = z.output<typeof approvalAnswerSchema>
export type Approval = z.output<typeof approvalSchema>
export type ApprovalList = z.output<typeof approvalListSchema>
export type ListApprovals = z.output<typeof listApprovalsSchema>
export type ListApprovalsInput = z.input<typeof listApprovalsSchema>
export type AnswerApproval = z.output<typeof answerApprovalSchema>
export type WithdrawApproval = z.output<typeof withdrawApprovalSchema>
export type ForwardedWithdrawal = z.output<typeof forwardedWithdrawalSchema>
export type UseApproval = z.output<typeof useApprovalSchema>
export type ReturnedApproval = z.output<typeof returnedApprovalSchema>
