import { type ArchivedMemory, archivedMemorySchema } from '@jamey/contracts'
import type { z } from 'zod'
import {
  isoOf,
  type MemoryRow,
  memoryFromRow,
  tagKeys,
  textOf,
  textsOf,
  timeOf,
  type VersionRow,
} from './memory-record.js'
import {
  bounded,
  checkId,
  type MemoryLimits,
  metadataFrom,
  parsed,
  storable,
  tagsFrom,
} from './record-checks.js'

/** An idempotency key that leads to a memory, with the hash of the text that came with it. */
export interface LeadingKey {
  readonly key: string
  readonly content_hash: string
}

/** A message whose text became part of a memory. */
export interface MergedMessage {
  readonly id: string
  readonly sent_at: number
}

/** A request that changed a memory, and the version that it made. */
export interface AppliedUpdate {
  readonly id: string
  readonly version: number
}

/** What leads to a memory beside its own id. */
export interface Leading {
  readonly keys: readonly LeadingKey[]
  readonly messages: readonly MergedMessage[]
  readonly updates: readonly AppliedUpdate[]
}

export interface ArchivedRows {
  readonly row: MemoryRow
  readonly history: VersionRow[]
  /** Of one key that is there twice the last counts. */
  readonly keys: readonly LeadingKey[]
  readonly messages: readonly MergedMessage[]
  readonly updates: readonly AppliedUpdate[]
}

/**
 * Checks a memory of an archive and makes its row, as it was, and those of its history. Throws `MemoryInputError`
 * naming the field at fault.
 */
export function rowsFromArchive(input: unknown, limits: MemoryLimits): ArchivedRows {
  const memory = parsed(archivedMemorySchema, input as z.input<typeof archivedMemorySchema>)
  checkId('id', memory.id)
  const sentAtMs = Date.parse(memory.sent_at)
  const row = rowOf(memory, sentAtMs, limits)
  const history = (memory.history ?? []).map((version) => ({
    ...rowOf(version, sentAtMs, limits),
    id: row.id,
    owner: row.owner,
    replaced_at: timeOf(version.replaced_at) ?? row.updated_at,
  }))
  const [first] = history.toSorted((one, other) => one.version - other.version)
  // An archive from before hashes were told has what the oldest version tells.
  const storedHash =
    memory.stored_hash ??
    (first === undefined || first.content_hash === row.content_hash ? null : first.content_hash)
  const kept = { ...row, stored_hash: storedHash }
  const told = (memory.keys ?? []).map(({ key, content_hash }, i) => ({
    key: bounded(`keys[${i}].key`, key, key.length),
    content_hash,
  }))
  const messages = (memory.messages ?? []).map(({ id, sent_at }, i) => {
    checkId(`messages[${i}].id`, id)
    return { id, sent_at: Date.parse(sent_at) }
  })
  for (const [i, { id }] of (memory.updates ?? []).entries()) checkId(`updates[${i}].id`, id)
  return {
    row: kept,
    history,
    keys: [...followingKeys(kept), ...told],
    messages,
    updates: memory.updates ?? [],
  }
}

/** The key that a row has itself, which nearly always came with its first text. */
function followingKeys({ idempotency_key: key, content_hash, stored_hash }: MemoryRow): LeadingKey[] {
  return key === null ? [] : [{ key, content_hash: stored_hash ?? content_hash }]
}

/** A memory with all that is known of it, for an archive. */
export function archivedFrom(row: MemoryRow, { keys, messages, updates }: Leading): ArchivedMemory {
  const following = followingKeys(row)
  const told = keys
    .filter(({ key, content_hash }) =>
      following.every((one) => one.key !== key || one.content_hash !== content_hash),
    )
    .map(({ key, content_hash }) => ({ key, content_hash }))
  return {
    ...memoryFromRow(row),
    sent_at: isoOf(row.sent_at),
    ...(row.stored_hash === null ? {} : { stored_hash: row.stored_hash }),
    ...(told.length === 0 ? {} : { keys: told }),
    ...(messages.length === 0
      ? {}
      : { messages: messages.map(({ id, sent_at }) => ({ id, sent_at: isoOf(sent_at) })) }),
    ...(updates.length === 0 ? {} : { updates: updates.map(({ id, version }) => ({ id, version })) }),
  }
}

type Archived = Omit<z.output<typeof archivedMemorySchema>, 'sent_at' | 'history'>

function rowOf(memory: Archived, sentAtMs: number, limits: MemoryLimits): MemoryRow {
  const content = bounded('content', memory.content, limits.maximumContentCharacters)
  const createdAtMs = Date.parse(memory.created_at)
  return {
    id: memory.id,
    layer: memory.layer,
    importance: memory.importance,
    sent_at: sentAtMs,
    created_at: createdAtMs,
    occurred_at: Date.parse(memory.occurred_at),
    expires_at: timeOf(memory.expires_at),
    source: storable(memory.source),
    owner: storable(memory.owner ?? memory.source),
    scope: memory.scope,
    stored_by: storable(memory.provenance?.stored_by ?? memory.source),
    session_id: textOf('session_id', memory.session_id),
    turn: memory.turn ?? null,
    origin: textOf('origin', memory.origin),
    trusted: memory.trusted ? 1 : 0,
    valid_from: timeOf(memory.valid_from),
    valid_to: timeOf(memory.valid_to),
    supersedes: textOf('supersedes', memory.supersedes),
    superseded_by: textOf('superseded_by', memory.superseded_by),
    idempotency_key: textOf('idempotency_key', memory.idempotency_key),
    version: memory.version,
    updated_at: timeOf(memory.updated_at) ?? createdAtMs,
    count: memory.count,
    last_stored_at: timeOf(memory.last_stored_at) ?? createdAtMs,
    ...textsOf(content, tagsFrom(memory.tags, limits), metadataFrom(memory.metadata, limits)),
    stored_hash: null,
  }
}

/** Columns that an archive has, or that follow from those. */
const OF_THE_FILE: ReadonlySet<string> = new Set(['tags', 'bytes', 'stored_by', 'stored_hash', 'replaced_at'])

/** True where two rows hold the same in every column of an archive; the order of tags does not matter. */
export function isSameRow(one: MemoryRow, other: MemoryRow): boolean {
  const columns = Object.keys(other).filter((name) => !OF_THE_FILE.has(name)) as (keyof MemoryRow)[]
  return tagKeys(one) === tagKeys(other) && columns.every((name) => one[name] === other[name])
}
