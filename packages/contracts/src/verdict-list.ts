import { z } from 'zod'
import { conscienceIdSchema } from './approval.js'
import { isoTime } from './fields.js'
import { decisionSchema, verdictSchema } from './verdict.js'

/** Which verdicts of one audit are listed; each condition narrows. The newest come first. */
export const listVerdictsSchema = z.strictObject({
  /** Whose audit: each conscience has its own. */
  conscience: conscienceIdSchema.default('jamey-conscience'),
  decision: decisionSchema.optional(),
  requested_by: z.string().min(1).max(128).optional(),
  tool: z.string().min(1).max(1000).optional(),
  limit: z.number().int().min(1).max(100).default(20),
  /** `next_cursor` of the page before; the rest of the request is the same. */
  cursor: z.string().min(1).max(1000).optional(),
})

export const verdictListSchema = z.object({
  /** As they were given, without what a call may be made with instead: that is for whoever asked. */
  verdicts: z.array(z.object({ recorded_at: isoTime, verdict: verdictSchema })),
  /** Present where older records are left, of which perhaps none fits: a page ends after some megabytes, too. */
  next_cursor: z.string().optional(),
})

export type ListVerdicts = z.output<typeof listVerdictsSchema>
export type VerdictList = z.output<typeof verdictListSchema>
