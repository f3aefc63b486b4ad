import { z } from 'zod'
import type { Contract, RequestContract } from './contract.js'
import { isoTime, jsonObject } from './fields.js'

/** How long and for what a memory is kept, from the most fleeting to the most lasting. */
export const MEMORY_LAYERS = ['working', 'short_term', 'episodic', 'semantic', 'long_term'] as const

export const memoryLayerSchema = z.enum(MEMORY_LAYERS)

const isGiven = (value: unknown): boolean => value !== undefined

const tag = z.string().min(1).max(200)

/** `private`: its owner's alone. `shared`: everybody's to read, and its owner's to forget. */
export const memoryScopeSchema = z.enum(['private', 'shared'])

/** Of the metadata of one memory, as JSON in UTF-8. */
export const METADATA_BYTES = 65_536
/** Of a request to store, which is more than one within its other bounds takes, and of any other one. */
const STORE_BYTES = 1_048_576
const ASKING_BYTES = 262_144

const metadata = jsonObject.refine((value) => isWithin(value, METADATA_BYTES), {
  error: `must be at most ${METADATA_BYTES} bytes as JSON`,
})

/** Whether a value takes no more bytes than that as JSON; what cannot be JSON is left to whoever writes it. */
function isWithin(value: unknown, bytes: number): boolean {
  let json: string | undefined
  try {
    json = JSON.stringify(value)
  } catch {
    return true
  }
  if (json === undefined || json.length * 3 <= bytes) return true
  return json.length <= bytes && new TextEncoder().encode(json).length <= bytes
}

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
  scope: memoryScopeSchema.default('private'),
  metadata: metadata.optional(),
})

/** The client identifier of whose memories they are. */
const owner = z.string().min(1).max(128)

export const storeForSchema = storeSchema.extend({ owner })

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
  /** The client identifier of whose it is. */
  owner: z.string(),
  scope: memoryScopeSchema,
  /** The client identifier of who stored it. */
  source: z.string(),
  metadata: jsonObject,
})

export const storedSchema = z.object({
  memory: memorySchema,
  /** False where this message had been stored before. */
  created: z.boolean(),
})

const forgetConditions = {
  id: z.string().min(1).optional(),
  tags: z.array(tag).min(1).max(100).optional(),
  layer: memoryLayerSchema.optional(),
  before: isoTime.optional(),
}

function isOneOrSome({ id, ...conditions }: Readonly<Record<string, unknown>>): boolean {
  return isGiven(id) !== Object.values(conditions).some(isGiven)
}

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

const FORGET_NEEDS =
  'needs either id, or at least one of owner, tags, layer and before; without any everything would be forgotten'

/** The same of anybody's. */
export const forgetOthersSchema = z
  .strictObject({ ...forgetConditions, owner: owner.optional() })
  .refine(isOneOrSome, { error: FORGET_NEEDS })

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

/** The same among everybody's, or those of one owner. */
export const queryOthersSchema = querySchema.extend({ owner: owner.optional() })

export const recalledSchema = z.object({
  memories: z.array(memorySchema.extend({ score: z.number() })),
  /** How many fit, of which `memories` is one page. */
  total: z.int().min(0),
  /** Present where the page ends before its `limit`, for it has as many bytes as one may; the next one begins there. */
  truncated: z.literal(true).optional(),
})

export const getSchema = z.strictObject({ id: z.string().min(1) })

export const gotSchema = z.object({
  /** Null where there is no memory with this id, or none any more. */
  memory: memorySchema.nullable(),
})

export const memoryUpdateSchema = z.object({
  change: z.enum(['stored', 'forgotten', 'expired']),
  memory_ids: z.array(z.string()),
  /** What was stored, where it is shared. */
  memory: memorySchema.optional(),
})

export type MemoryLayer = z.output<typeof memoryLayerSchema>
export type Memory = z.output<typeof memorySchema>
export type MemoryScope = z.output<typeof memoryScopeSchema>
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
    maximumBytes: STORE_BYTES,
    description: 'Stores a memory; the message_id of its envelope becomes its id.',
  } satisfies RequestContract,
  forget: {
    topic: 'jamey/memory/forget',
    action: 'forget',
    qos: 1,
    retain: false,
    schema: forgetSchema,
    responseSchema: forgottenSchema,
    service: 'memory',
    isRepeatable: true,
    maximumBytes: ASKING_BYTES,
    description: 'Removes one memory of its own by id, or all that fit the given conditions.',
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
    maximumBytes: ASKING_BYTES,
    description: 'Recalls memories by text, layer, tag and time, best first: its own, and what is shared.',
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
    maximumBytes: ASKING_BYTES,
    description: 'Gives one memory by its id, its own or a shared one.',
  } satisfies RequestContract,
  updates: {
    topic: 'jamey/memory/updates',
    action: 'update',
    qos: 1,
    retain: false,
    schema: memoryUpdateSchema,
    description:
      'Announces memories that were stored, forgotten or have expired; with its content, what is shared.',
  } satisfies Contract,
  /** What is others' is read, changed and forgotten at topics of its own, which take rights of their own. */
  others: {
    store: {
      topic: 'jamey/memory/others/store',
      service: 'memory',
      action: 'store',
      qos: 1,
      retain: false,
      schema: storeForSchema,
      responseSchema: storedSchema,
      isRepeatable: true,
      maximumBytes: STORE_BYTES,
      description: 'Stores a memory for somebody else, whose it is from then on.',
    } satisfies RequestContract,
    query: {
      topic: 'jamey/memory/others/query',
      service: 'memory',
      action: 'query',
      qos: 1,
      retain: false,
      schema: queryOthersSchema,
      responseSchema: recalledSchema,
      isRepeatable: true,
      maximumBytes: ASKING_BYTES,
      description: 'Recalls memories of everybody, or of one owner.',
    } satisfies RequestContract,
    get: {
      topic: 'jamey/memory/others/query',
      service: 'memory',
      action: 'get',
      qos: 1,
      retain: false,
      schema: getSchema,
      responseSchema: gotSchema,
      isRepeatable: true,
      maximumBytes: ASKING_BYTES,
      description: 'Gives one memory by its id, whosever it is.',
    } satisfies RequestContract,
    forget: {
      topic: 'jamey/memory/others/forget',
      service: 'memory',
      action: 'forget',
      qos: 1,
      retain: false,
      schema: forgetOthersSchema,
      responseSchema: forgottenSchema,
      isRepeatable: true,
      maximumBytes: ASKING_BYTES,
      description: 'Removes one memory by id, whosever it is, or all that fit the given conditions.',
    } satisfies RequestContract,
  },
} as const
