import { z } from 'zod'
import { jsonObject } from './fields.js'

/** What a tool's server says about it, by the names of MCP (2025-06-18, ToolAnnotations). */
export const toolAnnotationsSchema = z.object({
  title: z.string().max(1_000).optional(),
  readOnlyHint: z.boolean().optional(),
  destructiveHint: z.boolean().optional(),
  idempotentHint: z.boolean().optional(),
  openWorldHint: z.boolean().optional(),
})

const identifier = z.string().min(1).max(200)

/** A call of a tool that an agent wants judged before it is made. */
export const callEvaluationSchema = z.strictObject({
  tool: z.string().min(1).max(200),
  arguments: jsonObject.default(() => ({})),
  annotations: toolAnnotationsSchema.optional(),
  /** Why the agent makes it, in its own words: shown to people who are asked, and judged, where it can only speak against it. */
  intent: z.string().max(10_000).optional(),
  /** The folder that it is made in, as whoever makes it says: it is judged there and in the workspace. */
  cwd: z.string().min(1).max(4_096).optional(),
  /** Calls with the same one, of the same requester, belong together. */
  session_id: identifier.optional(),
  /** The requester's own name of this call. */
  call_id: identifier.optional(),
  /** Whether the verdict comes with a receipt, for whoever makes the call. */
  receipt: z.boolean().optional(),
})

/** An action in words that somebody wants judged before it is done. */
export const textEvaluationSchema = z.strictObject({
  action: z.string().min(1).max(10_000),
  context: jsonObject.default(() => ({})),
  user: jsonObject.optional(),
  /** Whether the verdict comes with a receipt, for whoever carries the action out. */
  receipt: z.boolean().optional(),
})

/** What is asked: a call of a tool, or an action in words. */
export const evaluationSchema = z.union([callEvaluationSchema, textEvaluationSchema])

/** Number of calls that may be asked about at once. */
export const BATCH_EVALUATIONS = 64

/** Several of those, each judged for itself: what is wrong with one is its answer alone. */
export const evaluationBatchSchema = z.strictObject({
  calls: z.array(jsonObject).min(1).max(BATCH_EVALUATIONS),
})

export type EvaluationBatch = z.output<typeof evaluationBatchSchema>
export type ToolAnnotations = z.output<typeof toolAnnotationsSchema>
export type CallEvaluation = z.output<typeof callEvaluationSchema>
export type TextEvaluation = z.output<typeof textEvaluationSchema>
export type Evaluation = z.output<typeof evaluationSchema>
export type EvaluationInput = z.input<typeof evaluationSchema>
