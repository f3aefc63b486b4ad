import { createHash } from 'node:crypto'
import {
  archivedMemorySchema,
  type Memory,
  type MemoryLayer,
  type MemoryScope,
  type MemoryStoreInput,
  storeSchema,
} from '@jamey/contracts'
import type { z } from 'zod'
import { MemoryInputError } from './errors.js'
import type { LayerLifetimes } from './memory-layers.js'

/** A memory as a row of the file: times in milliseconds since 1970, lists and objects as JSON. */
export interface MemoryRow {
  readonly id: string
  readonly content: string
  readonly layer: MemoryLayer
  readonly tags: string
  readonly importance: number
  readonly sent_at: number
  readonly created_at: number
  readonly occurred_at: number
  readonly expires_at: number | null
  readonly source: string
  readonly owner: string
  readonly scope: MemoryScope
  readonly metadata: string
}

/** The client that asked for it, from the envelope. */
export interface Origin {
  /** The envelope's `message_id`, which becomes the id of the memory. */
  readonly id: string
  /** The client identifier of who stores it. */
  readonly source: string
  /** The client identifier of the verified sender, where it stores on behalf of `source`. */
  readonly storedBy?: string | undefined
  /** Names of the groups that the owner is in; a memory can be stored for these alone. Any group where undefined. */
  readonly groups?: readonly string[] | undefined
  /** The client identifier of whose it is to be; `source` by default. */
  readonly owner?: string | undefined
  /** Milliseconds since 1970, from the envelope's `timestamp`; now by default. */
  readonly sentAtMs?: number | undefined
}

export interface MemoryLimits {
  readonly maximumContentCharacters: number
  readonly maximumTags: number
  readonly maximumTagCharacters: number
  /** Bytes of the metadata as JSON in UTF-8. */
  readonly maximumMetadataBytes: number
}

/** The first three are the contract's own; smaller ones may be configured. */
export const MEMORY_LIMITS: MemoryLimits = {
  maximumContentCharacters: 100_000,
  maximumTags: 100,
  maximumTagCharacters: 200,
  maximumMetadataBytes: 65_536,
}

const NOT_KEPT = [
  'session_id',
  'turn',
  'origin',
  'valid_from',
  'valid_to',
  'supersedes',
  'expires_at',
  'ttl_seconds',
  'idempotency_key',
] as const

const MAXIMUM_ID_CHARACTERS = 200

export interface RecordContext {
  readonly nowMs: number
  readonly lifetimes: LayerLifetimes
  readonly limits: MemoryLimits
}

/** Checks a request and makes the row it would become. Throws `MemoryInputError` naming the field at fault. */
export function recordFrom(input: MemoryStoreInput, origin: Origin, context: RecordContext): MemoryRow {
  const data = parsed(storeSchema, input)
  for (const field of NOT_KEPT) {
    if (data[field] !== undefined) throw new MemoryInputError(field, 'is not kept by this service yet')
  }
  if (data.trusted === false) throw new MemoryInputError('trusted', 'is not kept by this service yet')
  checkId('message_id', origin.id)
  const { nowMs, lifetimes, limits } = context
  const lifetime = lifetimes[data.layer]
  return {
    id: origin.id,
    content: bounded('content', data.content, limits.maximumContentCharacters),
    layer: data.layer,
    tags: JSON.stringify(tagsFrom(data.tags, limits)),
    importance: data.importance,
    sent_at: origin.sentAtMs ?? nowMs,
    created_at: nowMs,
    occurred_at: data.occurred_at === undefined ? nowMs : Date.parse(data.occurred_at),
    expires_at: lifetime === null ? null : nowMs + lifetime * 1000,
    source: storable(origin.source),
    owner: storable(origin.owner ?? origin.source),
    scope: data.scope,
    metadata: metadataFrom(data.metadata ?? {}, limits),
  }
}

/**
 * Checks a memory of an archive and makes its row, as it was. Throws `MemoryInputError` naming the field at fault.
 */
export function rowFromArchive(input: unknown, limits: MemoryLimits): MemoryRow {
  const memory = parsed(archivedMemorySchema, input as z.input<typeof archivedMemorySchema>)
  checkId('id', memory.id)
  return {
    id: memory.id,
    content: bounded('content', memory.content, limits.maximumContentCharacters),
    layer: memory.layer,
    tags: JSON.stringify(tagsFrom(memory.tags, limits)),
    importance: memory.importance,
    sent_at: Date.parse(memory.sent_at),
    created_at: Date.parse(memory.created_at),
    occurred_at: Date.parse(memory.occurred_at),
    expires_at: memory.expires_at === null ? null : Date.parse(memory.expires_at),
    source: storable(memory.source),
    owner: storable(memory.owner ?? memory.source),
    scope: memory.scope,
    metadata: metadataFrom(memory.metadata, limits),
  }
}

/** True where two rows hold the same in every column; the order of tags does not matter. */
export function isSameRow(one: MemoryRow, other: MemoryRow): boolean {
  return (
    isSameRequest(one, other) &&
    one.metadata === other.metadata &&
    one.source === other.source &&
    one.scope === other.scope &&
    one.sent_at === other.sent_at &&
    one.created_at === other.created_at &&
    one.occurred_at === other.occurred_at &&
    one.expires_at === other.expires_at
  )
}

export function memoryFromRow(row: MemoryRow): Memory {
  return {
    id: row.id,
    content: row.content,
    layer: row.layer,
    tags: JSON.parse(row.tags) as string[],
    importance: row.importance,
    created_at: new Date(row.created_at).toISOString(),
    occurred_at: new Date(row.occurred_at).toISOString(),
    expires_at: row.expires_at === null ? null : new Date(row.expires_at).toISOString(),
    owner: row.owner,
    scope: row.scope,
    source: row.source,
    metadata: JSON.parse(row.metadata) as Record<string, unknown>,
    trusted: true,
    version: 1,
    updated_at: new Date(row.created_at).toISOString(),
    count: 1,
    last_stored_at: new Date(row.created_at).toISOString(),
    content_hash: contentHash(row.content),
    provenance: { stored_by: row.source },
  }
}

/** SHA-256 in hex of a text, however its letters are composed. */
export function contentHash(content: string): string {
  return createHash('sha256').update(content.normalize('NFC')).digest('hex')
}

/**
 * Whether `repeat` asks for what `stored` holds: the same text, kept in the same way; the order of tags does not
 * matter. What tells of one occasion belongs to the first arrival, and is not compared: the times, unless the sender
 * gave `occurred_at`, and the metadata. An id that follows from a text is the same wherever that text is met again,
 * such as in another file, or further down in the same one.
 */
export function isSameRequest(stored: MemoryRow, repeat: MemoryRow): boolean {
  return (
    stored.owner === repeat.owner &&
    stored.content === repeat.content &&
    stored.layer === repeat.layer &&
    tagKeys(stored) === tagKeys(repeat) &&
    stored.importance === repeat.importance &&
    (repeat.occurred_at === repeat.created_at || stored.occurred_at === repeat.occurred_at)
  )
}

/** A client identifier as the file can hold it. */
export function storable(clientId: string): string {
  return clientId.toWellFormed().replaceAll('\0', '\ufffd')
}

function tagKeys(row: MemoryRow): string {
  const tags = JSON.parse(row.tags) as string[]
  return JSON.stringify(tags.map(tagKey).toSorted())
}

/** Tags are compared without regard to case; the form the sender gave is what is shown. */
export function tagKey(tag: string): string {
  return tag.trim().normalize('NFC').toLowerCase()
}

/** Checks `input` against a contract's schema; the first fault becomes a `MemoryInputError`. */
export function parsed<Schema extends z.ZodType>(schema: Schema, input: z.input<Schema>): z.output<Schema> {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new MemoryInputError(pathOf(issue?.path ?? []), issue?.message ?? 'is not valid')
}

export function checkId(field: string, id: string): void {
  if (id.length >= 1 && id.length <= MAXIMUM_ID_CHARACTERS && id.isWellFormed() && !id.includes('\0')) return
  throw new MemoryInputError(
    field,
    `must be 1 to ${MAXIMUM_ID_CHARACTERS} characters of well-formed text; found ${id.length} characters`,
  )
}

function pathOf(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  return text === '' ? 'request' : text.replace(/^\./, '')
}

function bounded(field: string, text: string, maximum: number): string {
  // The database library ends a text at the first U+0000, which would lose the rest without a word.
  if (text.includes('\0')) throw new MemoryInputError(field, 'must not contain the character U+0000')
  // Half a surrogate pair cannot be written as UTF-8; replacing it here keeps a repeat equal to its original.
  if (text.length <= maximum) return text.toWellFormed()
  throw new MemoryInputError(
    field,
    `must be at most ${maximum} characters; found ${text.length}. Store it in parts`,
  )
}

function tagsFrom(tags: readonly string[], limits: MemoryLimits): string[] {
  if (tags.length > limits.maximumTags) {
    throw new MemoryInputError('tags', `must be at most ${limits.maximumTags}; found ${tags.length}`)
  }
  const byKey = new Map<string, string>()
  for (const [i, tag] of tags.entries()) {
    const shown = bounded(`tags[${i}]`, tag, limits.maximumTagCharacters).trim().normalize('NFC')
    if (shown === '') throw new MemoryInputError(`tags[${i}]`, 'must hold more than blanks')
    if (!byKey.has(tagKey(shown))) byKey.set(tagKey(shown), shown)
  }
  return [...byKey.values()]
}

function metadataFrom(metadata: Record<string, unknown>, limits: MemoryLimits): string {
  let json: string
  try {
    json = JSON.stringify(metadata)
  } catch (error) {
    throw new MemoryInputError('metadata', `must be a JSON object: ${(error as Error).message}`)
  }
  const bytes = Buffer.byteLength(json)
  if (bytes <= limits.maximumMetadataBytes) return json
  throw new MemoryInputError(
    'metadata',
    `must be at most ${limits.maximumMetadataBytes} bytes as JSON; found ${bytes}`,
  )
}
