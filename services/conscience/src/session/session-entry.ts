import { decisionSchema } from '@jamey/contracts'
import { z } from 'zod'

/** Milliseconds since 1970, for what is remembered longer than a process lasts. */
const at = z.number().min(0)
const name = z.string().max(200)
/** `trusted`: it vouches for what stands in it. `untrusted`: others wrote it, who may mean the agent. */
const source = z.enum(['trusted', 'neutral', 'untrusted'])

/** The user's own words. */
const requestSchema = z.strictObject({
  kind: z.literal('request'),
  text: z.string(),
  /** Effects that they speak of. */
  asked: z.array(name),
  at,
})

/** A call that was judged. */
const callSchema = z.strictObject({
  kind: z.literal('call'),
  id: name.optional(),
  tool: name,
  effects: z.array(name),
  decision: decisionSchema,
  /** The kind of its result. */
  source,
  /** All sums in it. */
  amount: z.number(),
  recipients: z.array(z.string()),
  /** Where its shell may be afterwards, null where nobody knows; undefined where it goes on from where it was. */
  folders: z.array(z.string().max(4_096).nullable()).max(8).optional(),
  /** Everything in its arguments; undefined where that was too much to keep. */
  text: z.string().optional(),
  /** After how many requests. */
  turn: z.number(),
  at,
})

/** The answer of a call. */
const resultSchema = z.strictObject({
  kind: z.literal('result'),
  tool: name,
  /** Of its call. */
  id: name.optional(),
  outcome: z.enum(['succeeded', 'failed', 'skipped']).optional(),
  source,
  text: z.string(),
  at,
})

export const entrySchema = z.discriminatedUnion('kind', [requestSchema, callSchema, resultSchema])

/** The state of a session beside its entries. */
export const headSchema = z.strictObject({
  /** How many requests there were. */
  turn: z.number(),
  isTainted: z.boolean(),
  isFull: z.boolean(),
  /** The number of the next entry: how many there ever were. */
  next: z.number().int().min(0),
})

/** A session as it is kept: entries by their numbers, which go up. */
export const sessionSchema = z.strictObject({
  version: z.literal(1),
  head: headSchema,
  entries: z.array(z.tuple([z.number().int().min(0), entrySchema])),
})

export type CallEntry = z.output<typeof callSchema>
export type ResultEntry = z.output<typeof resultSchema>
export type Entry = z.output<typeof entrySchema>
export type SessionHead = z.output<typeof headSchema>
export type WholeSession = z.output<typeof sessionSchema>
export type Source = z.output<typeof source>
