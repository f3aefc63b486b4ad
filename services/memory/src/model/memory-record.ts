import {
  type Memory,
  type MemoryLayer,
  type MemoryScope,
  type MemoryStoreInput,
  type MemoryVersion,
  memoryVersionSchema,
  storeSchema,
} from '@jamey/contracts'
import { MemoryInputError, MemoryRefusedError } from './errors.js'
import type { LayerLifetimes } from './memory-layers.js'
import {
  bounded,
  checkId,
  contentHash,
  type MemoryLimits,
  metadataFrom,
  parsed,
  storable,
  tagKey,
  tagsFrom,
} from './record-checks.js'

export {
  checkId,
  contentHash,
  MEMORY_LIMITS,
  type MemoryLimits,
  parsed,
  storable,
  tagKey,
} from './record-checks.js'

/** A memory as a row of the file: times in milliseconds since 1970, lists and objects as JSON, truths as 0 and 1. */
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
  /** The verified sender. */
  readonly stored_by: string
  readonly session_id: string | null
  readonly turn: number | null
  readonly origin: string | null
  readonly trusted: number
  readonly valid_from: number | null
  readonly valid_to: number | null
  readonly supersedes: string | null
  readonly superseded_by: string | null
  readonly idempotency_key: string | null
  readonly version: number
  readonly updated_at: number
  readonly count: number
  readonly last_stored_at: number
  readonly content_hash: string
  /** The hash of what was stored first, where the text was changed since. */
  readonly stored_hash: string | null
  /** Of text, tags and metadata, in UTF-8. */
  readonly bytes: number
}

/** A memory as it was before a change. */
export interface VersionRow extends MemoryRow {
  readonly replaced_at: number
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

export interface RecordContext {
  readonly nowMs: number
  readonly lifetimes: LayerLifetimes
  readonly limits: MemoryLimits
}

/** Checks a request and makes the row it would become. Throws `MemoryInputError` naming the field at fault. */
export function recordFrom(input: MemoryStoreInput, origin: Origin, context: RecordContext): MemoryRow {
  const data = parsed(storeSchema, input)
  checkId('message_id', origin.id)
  const { nowMs, limits } = context
  const content = bounded('content', data.content, limits.maximumContentCharacters)
  mustBeIn(data.scope, origin.groups)
  return {
    id: origin.id,
    layer: data.layer,
    importance: data.importance,
    sent_at: origin.sentAtMs ?? nowMs,
    created_at: nowMs,
    occurred_at: timeOf(data.occurred_at) ?? nowMs,
    expires_at: expiryOf(data, context),
    source: storable(origin.source),
    owner: storable(origin.owner ?? origin.source),
    scope: data.scope,
    stored_by: storable(origin.storedBy ?? origin.source),
    session_id: textOf('session_id', data.session_id),
    turn: data.turn ?? null,
    origin: textOf('origin', data.origin),
    trusted: data.trusted === false ? 0 : 1,
    valid_from: timeOf(data.valid_from),
    valid_to: timeOf(data.valid_to),
    supersedes: textOf('supersedes', data.supersedes),
    superseded_by: null,
    idempotency_key: textOf('idempotency_key', data.idempotency_key),
    version: 1,
    updated_at: nowMs,
    count: 1,
    last_stored_at: nowMs,
    ...textsOf(content, tagsFrom(data.tags, limits), metadataFrom(data.metadata ?? {}, limits)),
    stored_hash: null,
  }
}

/** A memory is given to a group by those who are in it; by anybody where `groups` is undefined. */
export function mustBeIn(scope: MemoryScope, groups: readonly string[] | undefined): void {
  if (!scope.startsWith('group:') || groups === undefined || groups.includes(scope.slice(6))) return
  throw new MemoryRefusedError('memory-forbidden', `scope: its owner is not in ${scope}`)
}

/** What of a row follows from its texts. */
export function textsOf(content: string, tagList: readonly string[], metadata: string) {
  const tags = JSON.stringify(tagList)
  const bytes = Buffer.byteLength(content) + Buffer.byteLength(tags) + Buffer.byteLength(metadata)
  return { content, tags, metadata, bytes, content_hash: contentHash(content) }
}

interface Expiring {
  readonly layer: MemoryLayer
  readonly expires_at?: string | undefined
  readonly ttl_seconds?: number | undefined
}

function expiryOf({ layer, expires_at, ttl_seconds }: Expiring, { nowMs, lifetimes }: RecordContext) {
  if (expires_at !== undefined) {
    const atMs = Date.parse(expires_at)
    if (atMs > nowMs) return atMs
    throw new MemoryInputError('expires_at', `must lie ahead; found ${expires_at}`)
  }
  const seconds = ttl_seconds ?? lifetimes[layer]
  return seconds === null ? null : Math.ceil(nowMs + seconds * 1000)
}

export function timeOf(text: string | null | undefined): number | null {
  return text === undefined || text === null ? null : Date.parse(text)
}

/** A text that the contract has bounded already, as the file can hold it. */
export function textOf(field: string, text: string | null | undefined): string | null {
  return text === undefined || text === null ? null : bounded(field, text, text.length)
}

const NOT_SET = {
  session_id: null,
  turn: null,
  origin: null,
  valid_from: null,
  valid_to: null,
  supersedes: null,
  superseded_by: null,
  idempotency_key: null,
  stored_hash: null,
} as const

/** A row of a storage that has not all columns, as one that its service has not brought to the newest version yet. */
export function completed<Row extends MemoryRow>(row: Row): Row {
  if (row.version !== undefined) return row
  const { source, created_at } = row
  return {
    ...row,
    ...NOT_SET,
    owner: row.owner ?? source,
    scope: row.scope ?? 'private',
    stored_by: source,
    trusted: 1,
    version: 1,
    updated_at: created_at,
    count: 1,
    last_stored_at: created_at,
    content_hash: contentHash(row.content),
  }
}

export function memoryFromRow(row: MemoryRow): Memory {
  return {
    id: row.id,
    content: row.content,
    layer: row.layer,
    tags: JSON.parse(row.tags) as string[],
    importance: row.importance,
    created_at: isoOf(row.created_at),
    occurred_at: isoOf(row.occurred_at),
    expires_at: row.expires_at === null ? null : isoOf(row.expires_at),
    owner: row.owner,
    scope: row.scope,
    source: row.source,
    metadata: JSON.parse(row.metadata) as Record<string, unknown>,
    ...given('session_id', row.session_id),
    ...given('turn', row.turn),
    ...given('origin', row.origin),
    trusted: row.trusted === 1,
    ...given('valid_from', row.valid_from === null ? null : isoOf(row.valid_from)),
    ...given('valid_to', row.valid_to === null ? null : isoOf(row.valid_to)),
    ...given('supersedes', row.supersedes),
    ...given('superseded_by', row.superseded_by),
    ...given('idempotency_key', row.idempotency_key),
    version: row.version,
    updated_at: isoOf(row.updated_at),
    count: row.count,
    last_stored_at: isoOf(row.last_stored_at),
    content_hash: row.content_hash,
    provenance: {
      stored_by: row.stored_by,
      ...given('on_behalf_of', row.stored_by === row.source ? null : row.source),
    },
  }
}

export function versionFromRow(row: VersionRow): MemoryVersion {
  return memoryVersionSchema.parse({ ...memoryFromRow(row), replaced_at: isoOf(row.replaced_at) })
}

function given<Name extends string, T>(name: Name, value: T | null): { [N in Name]?: T } {
  return value === null ? {} : ({ [name]: value } as { [N in Name]: T })
}

/** Most times of one memory are the same, so the last one is kept. */
let last = { timeMs: Number.NaN, text: '' }

export function isoOf(timeMs: number): string {
  if (timeMs !== last.timeMs) last = { timeMs, text: new Date(timeMs).toISOString() }
  return last.text
}

/**
 * Whether `repeat` asks for what `stored` holds: the same text, kept in the same way; the order of tags does not
 * matter. What tells of one occasion belongs to the first arrival, and is not compared: the times, unless the sender
 * gave `occurred_at`, and the metadata. An id that follows from a text is the same wherever that text is met again,
 * such as in another file, or further down in the same one. Once it was changed or merged, the first text alone tells.
 */
export function isSameRequest(stored: MemoryRow, repeat: MemoryRow): boolean {
  const isSameText = (stored.stored_hash ?? stored.content_hash) === repeat.content_hash
  if (!isSameText || stored.owner !== repeat.owner) return false
  if (stored.version > 1 || stored.count > 1) return true
  return (
    stored.layer === repeat.layer &&
    tagKeys(stored) === tagKeys(repeat) &&
    stored.importance === repeat.importance &&
    (repeat.occurred_at === repeat.created_at || stored.occurred_at === repeat.occurred_at)
  )
}

export function tagKeys(row: MemoryRow): string {
  const tags = JSON.parse(row.tags) as string[]
  return JSON.stringify(tags.map(tagKey).toSorted())
}
