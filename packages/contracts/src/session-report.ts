import { z } from 'zod'
import { jsonObject } from './fields.js'

const identifier = z.string().min(1).max(200)

/** Of what a user said at once. */
export const REQUEST_CHARACTERS = 100_000

/** The user's own words, as they came to the agent. */
export const requestReportSchema = z.strictObject({
  /** As in the evaluations of its calls. */
  session_id: identifier,
  kind: z.literal('request'),
  text: z.string().min(1).max(REQUEST_CHARACTERS),
})

/** What became of a call that was evaluated, and what it answered. */
export const resultReportSchema = z.strictObject({
  session_id: identifier,
  kind: z.literal('result'),
  tool: identifier,
  /** As in its evaluation; without one it is the last call of that tool of which nothing was told. */
  call_id: identifier.optional(),
  arguments: jsonObject.optional(),
  /** As the agent sees it. */
  result: z.unknown(),
  is_error: z.boolean().optional(),
  /** `skipped`: it was not made, though it was allowed. */
  outcome: z.enum(['succeeded', 'failed', 'skipped']),
  evaluation_id: z.string().min(1).max(200).optional(),
})

/** What happened in a session beside the evaluations of its calls. */
export const sessionReportSchema = z.discriminatedUnion('kind', [requestReportSchema, resultReportSchema])

/** It is remembered, also after a restart. */
export const reportedSchema = z.object({ recorded: z.literal(true) })

/** What one conscience remembers of a session, for the others that serve beside it. */
export const sessionNoticeSchema = z.strictObject({
  /** The client identifier of whose session it is. */
  principal: z.string().min(1).max(128),
  session_id: identifier,
  /** As consciences of one version write it for each other. */
  entry: jsonObject,
  /** How many there ever were in this session, this one with them: whoever has fewer has missed some. */
  total: z.number().int().min(1),
})

export type SessionReport = z.output<typeof sessionReportSchema>
export type SessionNotice = z.output<typeof sessionNoticeSchema>
