import { z } from 'zod'
import { isoTime, jsonObject } from './fields.js'
import {
  archivedMemorySchema,
  memoryId,
  memoryLayerSchema,
  memoryOrigin,
  memoryOwner,
  memorySchema,
  memoryScopeSchema,
  memoryTag,
  memoryVersionSchema,
  sessionId,
  storeForSchema,
  storeSchema,
} from './memory-record.js'

const isGiven = (value: unknown): boolean => value !== undefined

/** Number of memories in one batch, and in one page of an export. */
export const BATCH_MEMORIES = 500
/** Number of memories that are forgotten without being asked how many they are. */
export const UNCONFIRMED_MEMORIES = 100

/** Of a cursor, which names what the pages before it had. */
export const CURSOR_CHARACTERS = 8000

const count = z.int().min(0)
const cursor = z.string().min(1).max(CURSOR_CHARACTERS)

export const storedSchema = z.object({
  memory: memorySchema,
  /** False where this message, or one with its idempotency key or its text, had been stored before. */
  created: z.boolean(),
  /** Present where the same text was here already, and its `count` has grown. */
  merged: z.literal(true).optional(),
})

/** Why one of a batch was not stored: the `kind` and message that it alone would have been refused with. */
const batchError = z.object({ code: z.string(), message: z.string(), field: z.string().optional() })

const batch = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ memories: z.array(item).min(1).max(BATCH_MEMORIES) })

export const storeBatchSchema = batch(storeSchema)
export const storeBatchForSchema = batch(storeForSchema)

export const batchStoredSchema = z.object({
  /** In the order of the request; each one stands for itself. */
  results: z.array(z.union([storedSchema, z.object({ error: batchError })])),
})

const scalar = z.union([z.string().max(1000), z.number(), z.boolean(), z.null()])
const comparable = z.union([z.string().max(1000), z.number()])

/** What a member of the metadata must be: equal, one of several, or between two bounds of the same type. */
const whereSchema = z
  .record(
    z.string().min(1).max(200),
    z.union([
      scalar,
      z.strictObject({ in: z.array(scalar).min(1).max(100) }),
      z
        .strictObject({
          gt: comparable.optional(),
          gte: comparable.optional(),
          lt: comparable.optional(),
          lte: comparable.optional(),
        })
        .refine((bounds) => Object.values(bounds).some(isGiven), { error: 'needs gt, gte, lt or lte' }),
    ]),
  )
  .refine((where) => Object.keys(where).length <= 20, { error: 'must have at most 20 members' })

/** Conditions on what came with a memory, of a query and of forgetting alike. */
const circumstances = {
  session_id: sessionId.optional(),
  scope: memoryScopeSchema.optional(),
  origin: memoryOrigin.optional(),
  /** The client identifier of who stored it. */
  source: memoryOwner.optional(),
  trusted: z.boolean().optional(),
  /** Of the metadata, by path: `project.name` is the member `name` of `project`. */
  where: whereSchema.optional(),
}

const forgetFields = {
  id: memoryId.optional(),
  ids: z.array(memoryId).min(1).max(1000).optional(),
  tags: z.array(memoryTag).min(1).max(100).optional(),
  layer: memoryLayerSchema.optional(),
  before: isoTime.optional(),
  ...circumstances,
  /** Nothing is forgotten, and `would_forget` tells how many would be. */
  dry_run: z.boolean().optional(),
  /** At least as many as fit, where these are more than 100. */
  confirm: z.int().min(0).optional(),
}

function isOneOrSome(request: Readonly<Record<string, unknown>>): boolean {
  const { id, ids, dry_run, confirm, ...conditions } = request
  return [isGiven(id), isGiven(ids), Object.values(conditions).some(isGiven)].filter(Boolean).length === 1
}

const needs = (conditions: string) =>
  `needs either id, or ids, or at least one of ${conditions}; without any everything would be forgotten`
const CONDITIONS = 'tags, layer, before, session_id, scope, origin, source, trusted and where'

/** Some memories by their ids, or all that fit every given condition. */
export const forgetSchema = z.strictObject(forgetFields).refine(isOneOrSome, { error: needs(CONDITIONS) })

/** The same of anybody's. */
export const forgetOthersSchema = z
  .strictObject({ ...forgetFields, owner: memoryOwner.optional() })
  .refine(isOneOrSome, { error: needs(`owner, ${CONDITIONS}`) })

export const forgottenSchema = z.object({ forgotten: count, would_forget: count.optional() })

/** Of the words of one question. */
export const QUERY_CHARACTERS = 10_000

export const querySchema = z.strictObject({
  query: z.string().max(QUERY_CHARACTERS).optional(),
  layers: z.array(memoryLayerSchema).optional(),
  tags: z.array(memoryTag).max(100).optional(),
  from: isoTime.optional(),
  to: isoTime.optional(),
  limit: z.int().min(1).max(100).default(10),
  offset: z.int().min(0).optional(),
  ...circumstances,
  /** What was known and held at that time, as far as versions are kept. */
  as_of: isoTime.optional(),
  /** With what another one has taken the place of, and what holds no longer. */
  include_superseded: z.boolean().optional(),
  /** `next_cursor` of the page before, instead of an offset; the rest of the request is the same. */
  cursor: cursor.optional(),
  /** With each memory why it was found. */
  explain: z.boolean().optional(),
  /** False where what is found is not to count as recalled. */
  count_recall: z.boolean().optional(),
})

/** The same among everybody's, or those of one owner. */
export const queryOthersSchema = querySchema.extend({ owner: memoryOwner.optional() })

/** What the score of a memory consists of; `recency` and `importance` are factors, and all else is added up. */
export const memoryWhySchema = z.object({
  /** The words of the question that it has, in any of their forms. */
  terms: z.array(z.object({ word: z.string(), weight: z.number() })),
  /** Words that it has in common with what fits best. */
  widened: z.number().optional(),
  /** Words of the question that stand near each other in it. */
  near: z.number().optional(),
  /** It happened when the question says, or says a time where the question is for one. */
  time: z.number().optional(),
  /** Words in the turns before and after it. */
  neighbours: z.number().optional(),
  /** The cosine of its meaning and the question's, where there is an endpoint of embeddings; or why it is not known. */
  meaning: z.object({ similarity: z.number().optional(), missing: z.string().optional() }).optional(),
  recency: z.number(),
  importance: z.number(),
})

export const recalledSchema = z.object({
  memories: z.array(
    memorySchema.extend({
      score: z.number(),
      /** What it was found by, where that was asked for. */
      why: memoryWhySchema.optional(),
    }),
  ),
  /** How many fit, of which `memories` is one page. */
  total: count,
  /** Present where more may fit than were counted. */
  total_is_at_least: z.literal(true).optional(),
  /** Present where the page ends before its `limit`, for it has as many bytes as one may; the next one begins there. */
  truncated: z.literal(true).optional(),
  /** Present where there is a next page. */
  next_cursor: z.string().optional(),
})

export const getSchema = z.strictObject({ id: memoryId })

export const gotSchema = z.object({
  /** Null where there is no memory with this id, or none any more. */
  memory: memorySchema.nullable(),
})

const page = { limit: z.int().min(1).max(100).default(20), cursor: cursor.optional() }

export const historySchema = z.strictObject({ id: memoryId, ...page })

export const memoryHistorySchema = z.object({
  /** The newest first, which has no `replaced_at`; none where there is no such memory. */
  versions: z.array(memoryVersionSchema),
  next_cursor: z.string().optional(),
})

export const updatedSchema = z.object({ memory: memorySchema, previous_version: z.int().min(1) })

export const consolidateSchema = z.strictObject({
  layer: memoryLayerSchema.optional(),
  dry_run: z.boolean().optional(),
})

export const consolidateOthersSchema = consolidateSchema.extend({ owner: memoryOwner.optional() })

export const consolidatedSchema = z.object({
  /** Memories that went into an older one with nearly the same text. */
  merged: count,
  /** Memories that became long_term. */
  promoted: count,
  /** Memories that went for want of room. */
  evicted: count,
})

export const statsSchema = z.strictObject({})
export const statsOthersSchema = z.strictObject({ owner: memoryOwner.optional() })

export const memoryStatsSchema = z.object({
  memories: count,
  by_layer: z.record(z.string(), count),
  by_scope: z.record(z.string(), count),
  /** Of texts, tags and metadata. */
  bytes: count,
  oldest: isoTime.optional(),
  newest: isoTime.optional(),
  /** What the search tells of its index. */
  index: jsonObject,
})

export const exportSchema = z.strictObject({
  cursor: cursor.optional(),
  limit: z.int().min(1).max(BATCH_MEMORIES).default(100),
  with_history: z.boolean().optional(),
})

export const exportedSchema = z.object({
  /** In the order in which they were stored. */
  memories: z.array(archivedMemorySchema),
  next_cursor: z.string().optional(),
})

export const importSchema = batch(archivedMemorySchema)

export const importedSchema = z.object({
  /** `known`: it was here already. `expired`: its time has passed, so it was left out. */
  results: z.array(
    z.union([
      z.object({ id: z.string(), outcome: z.enum(['restored', 'known', 'expired']) }),
      z.object({ id: z.string(), error: batchError }),
    ]),
  ),
})

export const memoryUpdateSchema = z.object({
  change: z.enum(['stored', 'updated', 'forgotten', 'expired']),
  memory_ids: z.array(z.string()),
  /** What was stored or updated, where it is shared. */
  memory: memorySchema.optional(),
})

export type MemoryBatchStored = z.output<typeof batchStoredSchema>
export type MemoryBatchError = z.output<typeof batchError>
export type MemoryWhere = z.output<typeof whereSchema>
export type MemoryStored = z.output<typeof storedSchema>
export type MemoryForget = z.output<typeof forgetSchema>
export type MemoryForgetOthers = z.output<typeof forgetOthersSchema>
export type MemoryForgotten = z.output<typeof forgottenSchema>
export type MemoryQuery = z.output<typeof querySchema>
export type MemoryQueryInput = z.input<typeof querySchema>
export type MemoryWhy = z.output<typeof memoryWhySchema>
export type MemoryRecalled = z.output<typeof recalledSchema>
export type MemoryGet = z.output<typeof getSchema>
export type MemoryGot = z.output<typeof gotSchema>
export type MemoryHistoryInput = z.input<typeof historySchema>
export type MemoryHistory = z.output<typeof memoryHistorySchema>
export type MemoryUpdated = z.output<typeof updatedSchema>
export type MemoryConsolidate = z.output<typeof consolidateOthersSchema>
export type MemoryConsolidated = z.output<typeof consolidatedSchema>
export type MemoryStats = z.output<typeof memoryStatsSchema>
export type MemoryExportInput = z.input<typeof exportSchema>
export type MemoryExported = z.output<typeof exportedSchema>
export type MemoryImported = z.output<typeof importedSchema>
export type MemoryUpdate = z.output<typeof memoryUpdateSchema>
