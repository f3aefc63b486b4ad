import { z } from 'zod'
import type { Contract, RequestContract } from './contract.js'
import { isoTime, jsonObject } from './fields.js'

/** How long and for what a memory is kept, from the most fleeting to the most lasting. */
export const MEMORY_LAYERS = ['working', 'short_term', 'episodic', 'semantic', 'long_term'] as const

export const memoryLayerSchema = z.enum(MEMORY_LAYERS)

const isGiven = (value: unknown): boolean => value !== undefined

const tag = z.string().min(1).max(200)

export const storeSchema = z.strictObject({
  content: z.string().min(1).max(100_000),
  layer: memoryLayerSchema.default('short_term'),
  tags: z
    .array(tag)
    .max(100)
    .default(() => []),
  importance: z.number().min(0).max(1).default(0.5),
  /** When it happened, where that is not now. */
  occurred_at: isoTime.optional(),
  metadata: jsonObject.optional(),
})

export const memorySchema = z.object({
  /** The `message_id` of the envelope that stored it, so that storing twice stores once. */
  id: z.string().min(1),
  content: z.string(),
  layer: memoryLayerSchema,
  tags: z.array(z.string()),
  importance: z.number().min(0).max(1),
  created_at: isoTime,
  occurred_at: isoTime,
  /** Null where the layer keeps memories for good. */
  expires_at: isoTime.nullable(),
  /** The client identifier of who stored it. */
  source: z.string(),
  metadata: jsonObject,
})

export const storedSchema = z.object({
  memory: memorySchema,
  /** False where this message had been stored before. */
  created: z.boolean(),
})

/** Either one memory by its `id`, or all that fit every given condition; at least one of the four is needed. */
export const forgetSchema = z
  .strictObject({
    id: z.string().min(1).optional(),
    tags: z.array(tag).min(1).max(100).optional(),
    layer: memoryLayerSchema.optional(),
    before: isoTime.optional(),
  })
  .refine(({ id, ...conditions }) => (id !== undefined) !== Object.values(conditions).some(isGiven), {
    error:
      'needs either id, or at least one of tags, layer and before; without any everything would be forgotten',
  })

export const forgottenSchema = z.object({ forgotten: z.int().min(0) })

export const querySchema = z.strictObject({
  query: z.string().max(10_000).optional(),
  layers: z.array(memoryLayerSchema).optional(),
  tags: z.array(tag).max(100).optional(),
  from: isoTime.optional(),
  to: isoTime.optional(),
  limit: z.int().min(1).max(100).default(10),
  offset: z.int().min(0).optional(),
})

export const recalledSchema = z.object({
  memories: z.array(memorySchema.extend({ score: z.number() })),
  /** How many fit, of which `memories` is one page. */
  total: z.int().min(0),
})

export const getSchema = z.strictObject({ id: z.string().min(1) })

export const gotSchema = z.object({
  /** Null where there is no memory with this id, or none any more. */
  memory: memorySchema.nullable(),
})

export const memoryUpdateSchema = z.object({
  change: z.enum(['stored', 'forgotten', 'expired']),
  memory_ids: z.array(z.string()),
  memory: memorySchema.optional(),
})

export type MemoryLayer = z.output<typeof memoryLayerSchema>
export type Memory = z.output<typeof memorySchema>
export type MemoryStore = z.output<typeof storeSchema>
export type MemoryStoreInput = z.input<typeof storeSchema>
export type MemoryStored = z.output<typeof storedSchema>
export type MemoryForget = z.output<typeof forgetSchema>
export type MemoryForgotten = z.output<typeof forgottenSchema>
export type MemoryQuery = z.output<typeof querySchema>
export type MemoryQueryInput = z.input<typeof querySchema>
export type MemoryRecalled = z.output<typeof recalledSchema>
export type MemoryGet = z.output<typeof getSchema>
export type MemoryGot = z.output<typeof gotSchema>
export type MemoryUpdate = z.output<typeof memoryUpdateSchema>

export const memory = {
  store: {
    topic: 'jamey/memory/store',
    action: 'store',
    qos: 1,
    retain: false,
    schema: storeSchema,
    responseSchema: storedSchema,
    service: 'memory',
    isRepeatable: true,
    description: 'Stores a memory; the message_id of its envelope becomes its id.',
  } satisfies RequestContract,
  forget: {
    topic: 'jamey/memory/store',
    action: 'forget',
    qos: 1,
    retain: false,
    schema: forgetSchema,
    responseSchema: forgottenSchema,
    service: 'memory',
    isRepeatable: true,
    description: 'Removes one memory by id, or all that fit the given conditions.',
  } satisfies RequestContract,
  query: {
    topic: 'jamey/memory/query',
    action: 'query',
    qos: 1,
    retain: false,
    schema: querySchema,
    responseSchema: recalledSchema,
    service: 'memory',
    isRepeatable: true,
    description: 'Recalls memories by text, layer, tag and time, best first.',
  } satisfies RequestContract,
  get: {
    topic: 'jamey/memory/query',
    action: 'get',
    qos: 1,
    retain: false,
    schema: getSchema,
    responseSchema: gotSchema,
    service: 'memory',
    isRepeatable: true,
    description: 'Gives one memory by its id.',
  } satisfies RequestContract,
  updates: {
    topic: 'jamey/memory/updates',
    action: 'update',
    qos: 1,
    retain: false,
    schema: memoryUpdateSchema,
    description: 'Announces memories that were stored, forgotten or have expired.',
  } satisfies Contract,
} as const
