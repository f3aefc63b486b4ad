import { z } from 'zod'
import { isoTime, jsonObject } from './fields.js'

/** How long and for what a memory is kept, from the most fleeting to the most lasting. */
export const MEMORY_LAYERS = ['working', 'short_term', 'episodic', 'semantic', 'long_term'] as const

export const memoryLayerSchema = z.enum(MEMORY_LAYERS)

/**
 * `private`: its owner's alone. `group:<name>`: the group's to read, and its owner's to change and forget. `shared`:
 * everybody's to read, and its owner's to change and forget.
 */
export const memoryScopeSchema = z.union(
  [
    z.enum(['private', 'shared']),
    z.templateLiteral(['group:', z.string().regex(/[a-z0-9][a-z0-9._-]{0,63}/)]),
  ],
  { error: "must be 'private', 'shared' or 'group:<name>', the name of small letters, digits and ._-" },
)

/** Of the text of one memory. */
export const CONTENT_CHARACTERS = 100_000
/** Of the metadata of one memory, as JSON in UTF-8. */
export const METADATA_BYTES = 65_536

export const memoryTag = z.string().min(1).max(200)
const tags = z.array(memoryTag).max(100)
const content = z.string().min(1).max(CONTENT_CHARACTERS)
const importance = z.number().min(0).max(1)
const metadata = jsonObject.refine((value) => isWithin(value, METADATA_BYTES), {
  error: `must be at most ${METADATA_BYTES} bytes as JSON`,
})
/** No memory has an id with U+0000, at which a database may end a text. */
export const memoryId = z
  .string()
  .min(1)
  .max(200)
  .refine((id) => !id.includes('\0'), { error: 'must not contain the character U+0000' })
/** The client identifier of whose memories they are. */
export const memoryOwner = z.string().min(1).max(128)
const idempotencyKey = z.string().min(1).max(200)
export const sessionId = z.string().min(1).max(200)
/** Where the text came from, as the storer says. */
export const memoryOrigin = z.string().min(1).max(2000)

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

const storeFields = {
  content,
  layer: memoryLayerSchema.default('short_term'),
  tags: tags.default(() => []),
  importance: importance.default(0.5),
  /** When it happened, where that is not now. */
  occurred_at: isoTime.optional(),
  scope: memoryScopeSchema.default('private'),
  metadata: metadata.optional(),
  /** The conversation, run or document that it is from, and its place there. */
  session_id: sessionId.optional(),
  turn: z.int().min(0).optional(),
  /** Where the text came from (an address, a file, a tool), as the storer says. */
  origin: memoryOrigin.optional(),
  /** False where the text came from somebody who is not believed; true by default. */
  trusted: z.boolean().optional(),
  /** When it holds in the world. */
  valid_from: isoTime.optional(),
  valid_to: isoTime.optional(),
  /** The older memory of the same owner that holds no longer when this one does. */
  supersedes: memoryId.optional(),
  /** Instead of the lifetime of its layer, one of the two. */
  expires_at: isoTime.optional(),
  ttl_seconds: z.number().positive().max(1e11).optional(),
  /** Any string: what one owner stores under the same one is stored once. */
  idempotency_key: idempotencyKey.optional(),
  /** `merge`, the default: identical text of the same owner, scope, session and turn is one memory, whose `count` grows. */
  duplicates: z.enum(['merge', 'keep']).optional(),
}

interface Dated {
  readonly valid_from?: string | undefined
  readonly valid_to?: string | undefined
}

interface Stored extends Dated {
  readonly session_id?: string | undefined
  readonly turn?: number | undefined
  readonly expires_at?: string | undefined
  readonly ttl_seconds?: number | undefined
}

const isInSession = ({ session_id, turn }: Stored) => turn === undefined || session_id !== undefined
const expiresOnce = (one: Stored) => one.expires_at === undefined || one.ttl_seconds === undefined
const isInOrder = ({ valid_from, valid_to }: Dated) =>
  valid_from === undefined || valid_to === undefined || Date.parse(valid_from) < Date.parse(valid_to)

const IN_SESSION = { error: 'needs session_id beside it', path: ['turn'] }
const ONCE = { error: 'must not stand beside expires_at', path: ['ttl_seconds'] }
const IN_ORDER = { error: 'must be later than valid_from', path: ['valid_to'] }

export const storeSchema = z
  .strictObject(storeFields)
  .refine(isInSession, IN_SESSION)
  .refine(expiresOnce, ONCE)
  .refine(isInOrder, IN_ORDER)

export const storeForSchema = z
  .strictObject({ ...storeFields, owner: memoryOwner })
  .refine(isInSession, IN_SESSION)
  .refine(expiresOnce, ONCE)
  .refine(isInOrder, IN_ORDER)

/** What is given replaces what was; null takes it away. */
export const updateSchema = z
  .strictObject({
    id: memoryId,
    content: content.optional(),
    tags: tags.optional(),
    /** Instead of all metadata that were. */
    metadata: metadata.optional(),
    importance: importance.optional(),
    layer: memoryLayerSchema.optional(),
    scope: memoryScopeSchema.optional(),
    session_id: sessionId.nullable().optional(),
    valid_from: isoTime.nullable().optional(),
    valid_to: isoTime.nullable().optional(),
    expires_at: isoTime.nullable().optional(),
    /** It is not believed any more; nothing makes it believed again. */
    trusted: z.literal(false).optional(),
    /** The version that is to be replaced; another one is refused with `memory-version`. */
    if_version: z.int().min(1).optional(),
  })
  .refine(({ id, if_version, ...changes }) => Object.values(changes).some((value) => value !== undefined), {
    error: 'needs at least one field that is to change',
  })
  .refine(
    ({ valid_from, valid_to }) =>
      isInOrder({ valid_from: valid_from ?? undefined, valid_to: valid_to ?? undefined }),
    IN_ORDER,
  )

export const memorySchema = z.object({
  /** The `message_id` of the envelope that stored it, so that storing twice stores once. */
  id: z.string().min(1),
  content: z.string(),
  layer: memoryLayerSchema,
  tags: z.array(z.string()),
  importance: z.number().min(0).max(1),
  created_at: isoTime,
  occurred_at: isoTime,
  /** Null where it is kept for good. */
  expires_at: isoTime.nullable(),
  /** The client identifier of whose it is. */
  owner: z.string(),
  scope: memoryScopeSchema,
  /** The client identifier of who stored it. */
  source: z.string(),
  metadata: jsonObject,
  session_id: z.string().optional(),
  turn: z.int().min(0).optional(),
  origin: z.string().optional(),
  trusted: z.boolean(),
  valid_from: isoTime.optional(),
  valid_to: isoTime.optional(),
  supersedes: z.string().optional(),
  superseded_by: z.string().optional(),
  idempotency_key: z.string().optional(),
  /** 1 as it was stored, and one more with each change. */
  version: z.int().min(1),
  /** When this version began. */
  updated_at: isoTime,
  /** How often the same text was stored, and when last. */
  count: z.int().min(1),
  last_stored_at: isoTime,
  /** SHA-256 of the text (NFC, UTF-8) in lower-case hex. */
  content_hash: z.string(),
  /** The client identifiers of the verified sender, and of on whose behalf it sent it where that is another. */
  provenance: z.object({ stored_by: z.string(), on_behalf_of: z.string().optional() }),
})

/** A memory as it was until `replaced_at`. */
export const memoryVersionSchema = memorySchema.extend({ replaced_at: isoTime.optional() })

/** SHA-256 in lower-case hex. */
const textHash = z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be a SHA-256 in lower-case hex' })

/** A memory with all that is known of it. Nothing else is taken: what is not known would be lost. */
export const archivedMemorySchema = memorySchema.strict().extend({
  /** Time in the envelope that stored it; it tells a repeat of that message from a new one. */
  sent_at: isoTime,
  /** An archive from before there were owners: whoever stored it. */
  owner: memorySchema.shape.owner.optional(),
  scope: memoryScopeSchema.default('private'),
  // What archives from before there were versions do not have follows from the rest.
  trusted: z.boolean().default(true),
  version: memorySchema.shape.version.default(1),
  updated_at: isoTime.optional(),
  count: memorySchema.shape.count.default(1),
  last_stored_at: isoTime.optional(),
  content_hash: z.string().optional(),
  provenance: memorySchema.shape.provenance.optional(),
  /** The hash of the text that was stored first, where another one took its place since. */
  stored_hash: textHash.optional(),
  /** Idempotency keys that lead to it, with the hash of the text that came with each, as far as these do not follow from the rest. */
  keys: z
    .array(z.object({ key: idempotencyKey, content_hash: textHash }).strict())
    .max(1000)
    .optional(),
  /** Messages whose text became part of it, with the times in their envelopes. */
  messages: z
    .array(z.object({ id: memoryId, sent_at: isoTime }).strict())
    .max(1000)
    .optional(),
  /** Requests that changed it, each with the version that it made. */
  updates: z
    .array(z.object({ id: memoryId, version: z.int().min(2) }).strict())
    .max(1000)
    .optional(),
  /** The versions before this one, newest first. */
  history: z.array(memoryVersionSchema.strict()).max(1000).optional(),
})

export type MemoryLayer = z.output<typeof memoryLayerSchema>
export type MemoryScope = z.output<typeof memoryScopeSchema>
export type Memory = z.output<typeof memorySchema>
export type MemoryVersion = z.output<typeof memoryVersionSchema>
export type ArchivedMemory = z.output<typeof archivedMemorySchema>
export type MemoryStore = z.output<typeof storeSchema>
export type MemoryStoreInput = z.input<typeof storeSchema>
export type MemoryUpdateInput = z.input<typeof updateSchema>
