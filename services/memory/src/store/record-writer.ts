import { MEMORY_LAYERS, type MemoryStored, type MemoryStoreInput } from '@jamey/contracts'
import type { MemoryChange } from '../model/announcement.js'
import { type ArchivedRows, isSameRow } from '../model/archived-memory.js'
import { MemoryConflictError, MemoryInputError, MemoryRefusedError } from '../model/errors.js'
import {
  isSameRequest,
  type MemoryLimits,
  type MemoryRow,
  memoryFromRow,
  textsOf,
} from '../model/memory-record.js'
import { tagsFrom } from '../model/record-checks.js'
import type { Removal } from './removal.js'
import type { GoneRow, KeyRow, RecordStatements, StoredRow } from './store-statements.js'

/** `isShared`: told with the content of the one that was stored. */
export type Announce = (
  change: MemoryChange,
  ids: readonly string[],
  nowMs: number,
  isShared?: boolean,
) => void

export interface WriterParts {
  readonly statements: RecordStatements
  readonly removal: Pick<Removal, 'sweepOne' | 'absorb'>
  readonly announce: Announce
  readonly limits: MemoryLimits
  /** Of one owner, versions counted. */
  readonly ownerBytes: number | undefined
}

/** `known`: it was here already. `expired`: its time has passed, so it was left out. */
export type Restored = 'restored' | 'known' | 'expired'

/** Versions of one memory that are kept; beyond them the oldest goes. */
const KEPT_VERSIONS = 100

/**
 * Writes memories; every method is called inside a transaction, and throws a `MemoryConflictError`, `MemoryInputError`
 * or `MemoryRefusedError` before it has written anything.
 */
export class RecordWriter {
  readonly #parts: WriterParts
  readonly statements: RecordStatements
  /** What the present transaction is to store, as far as nothing was known of it when that began. */
  readonly #new = new Set<MemoryRow>()
  /** Ids and texts that it has written. */
  readonly #written = new Set<string>()

  constructor(parts: WriterParts) {
    this.#parts = parts
    this.statements = parts.statements
  }

  /** What was stored under this id, idempotency key or text already is answered, and merged where it is another's text. */
  store(record: MemoryRow, duplicates: MemoryStoreInput['duplicates'] = 'merge'): MemoryStored {
    const there = this.#isKnown(record) ? this.#takenUp(record, duplicates) : undefined
    if (there !== undefined) return there
    const older = this.#superseded(record)
    this.mustFit(record.owner, record.bytes + (older?.bytes ?? 0))
    if (older !== undefined) this.#supersede(older, record)
    const seq = this.statements.insert(record)
    this.#wrote(record)
    this.#keep(record, seq)
    this.#parts.announce('stored', [record.id], record.created_at, record.scope === 'shared')
    return { memory: memoryFromRow(record), created: true }
  }

  /** Takes a memory of an archive as it was; where `owner` imports it, whoever stored it before him does not matter. */
  take(archived: ArchivedRows, nowMs: number, owner?: string): Restored {
    const { row } = archived
    if (isGone(row, nowMs)) return 'expired'
    this.#parts.removal.sweepOne(row.id, nowMs)
    const [stored] = this.statements.byId.all(row.id)
    if (stored === undefined) {
      this.restore(archived, nowMs)
      return 'restored'
    }
    if (isSameRow(stored, owner === undefined ? row : { ...row, source: stored.source })) return 'known'
    throw conflictError('id', row.id, 'that one stays')
  }

  /** Puts a memory of an archive in its place, also where one under its id was forgotten. */
  restore({ row, history, keys, messages, updates }: ArchivedRows, nowMs: number): void {
    this.mustFit(
      row.owner,
      [row, ...history].reduce((bytes, one) => bytes + one.bytes, 0),
    )
    this.statements.dropGone.run(row.id)
    const seq = this.statements.insert(row)
    this.#wrote(row)
    for (const version of history.slice(0, KEPT_VERSIONS)) {
      this.statements.insertVersion(version, seq, version.replaced_at)
    }
    for (const { key, content_hash } of keys) {
      this.statements.insertKey.run(row.owner, key, seq, content_hash, row.sent_at)
    }
    for (const { id, sent_at } of messages) {
      const { byId, merged, insertMerged } = this.statements
      const isKnown = byId.all(id).length > 0 || merged.all(id).length > 0
      if (!isKnown) insertMerged.run(id, seq, sent_at, nowMs)
    }
    for (const { id, version } of updates) {
      const { updateRequest, insertUpdateRequest } = this.statements
      if (updateRequest.all(id).length === 0) insertUpdateRequest.run(id, seq, version, nowMs)
    }
  }

  /** Replaces a memory by its next version; what it was stays in its history. */
  change(stored: StoredRow, next: MemoryRow, nowMs: number): void {
    this.statements.insertVersion(stored, stored.seq, nowMs)
    this.statements.change(next, stored.seq)
    this.#wrote(next)
    this.statements.dropOldVersions.run(stored.seq, stored.version - KEPT_VERSIONS)
    this.#parts.announce('updated', [stored.id], nowMs)
  }

  /** Removes a memory that has become part of another one, where its messages and keys lead from then on. */
  absorb(gone: StoredRow, into: number, nowMs: number): void {
    this.#parts.removal.absorb(gone, into, nowMs)
  }

  /** Throws `MemoryRefusedError` where the owner has no room for so many more bytes. */
  mustFit(owner: string, bytes: number): void {
    const { ownerBytes: maximum } = this.#parts
    if (maximum === undefined) return
    const has = this.statements.ownerBytes.all(owner)[0]?.bytes ?? 0
    if (has + bytes <= maximum) return
    throw new MemoryRefusedError(
      'memory-quota',
      `The memories of ${owner} have ${has} bytes of at most ${maximum}, and this one needs ${bytes} more; forget some first.`,
      { bytes: has, needed_bytes: bytes, maximum_bytes: maximum },
    )
  }

  /**
   * Called when a transaction begins, with what it is to store: one look for all, and most stores find nothing. What is
   * found new stays so while the transaction lasts, but for what it writes itself.
   */
  begin(rows: readonly MemoryRow[]): void {
    this.#new.clear()
    this.#written.clear()
    const { known } = this.statements
    if (known === undefined || rows.length === 0) return
    for (const row of rows) this.#new.add(row)
    for (const row of known(rows)) this.#new.delete(row)
  }

  #isKnown(record: MemoryRow): boolean {
    const { id, idempotency_key } = record
    if (idempotency_key !== null || !this.#new.has(record)) return true
    return this.#written.has(id) || this.#written.has(textKey(record))
  }

  /** From now on a store under this id, or of this text, is none of a new memory. */
  #wrote(row: MemoryRow): void {
    this.#written.add(row.id).add(textKey(row))
  }

  #takenUp(record: MemoryRow, duplicates: MemoryStoreInput['duplicates']): MemoryStored | undefined {
    // An expired memory is gone, swept or not; only the note about it counts from here on.
    this.#parts.removal.sweepOne(record.id, record.created_at)
    const repeated = this.#repeated(record)
    if (repeated !== undefined) return repeated
    const merged = duplicates === 'merge' ? this.#mergeable(record) : undefined
    return merged === undefined ? undefined : this.#merge(merged, record)
  }

  #repeated(record: MemoryRow): MemoryStored | undefined {
    const [stored] = this.statements.byId.all(record.id)
    if (stored !== undefined) return repeatedBy('message_id', stored, record)
    const [merged] = this.statements.merged.all(record.id)
    const into = merged === undefined ? undefined : this.statements.bySeq.all(merged.seq)[0]
    if (into !== undefined) {
      // What it became part of may have another text since, but no other owner.
      const isChanged = into.owner === record.owner && into.version > 1
      const repeat = isChanged
        ? { memory: memoryFromRow(into), created: false }
        : repeatedBy('message_id', into, record)
      return { ...repeat, merged: true }
    }
    const [gone] = this.statements.goneById.all(record.id)
    if (gone !== undefined && wasSentBefore(record, gone))
      throw goneError('message_id', record.id, gone.change)
    return this.#repeatedKey(record)
  }

  #repeatedKey(record: MemoryRow): MemoryStored | undefined {
    const key = record.idempotency_key
    if (key === null) return undefined
    const [known] = this.statements.key.all(record.owner, key)
    if (known === undefined) return undefined
    const [stored] = known.seq === null ? [] : this.statements.bySeq.all(known.seq)
    if (stored === undefined || isGone(stored, record.created_at)) {
      if (wasKeyedBefore(record, known)) throw goneError('idempotency_key', key, known.change ?? 'expired')
      return undefined
    }
    if (known.content_hash === record.content_hash) return { memory: memoryFromRow(stored), created: false }
    throw new MemoryConflictError(
      'memory-conflict',
      `idempotency_key: other content was stored under ${key}; update that memory, ${stored.id}, or use another key`,
      { id: stored.id },
    )
  }

  /** The memory with the same text that takes this one up. What says when it holds is a memory of its own. */
  #mergeable(record: MemoryRow): StoredRow | undefined {
    const { content_hash, owner, scope, session_id, turn, trusted, created_at } = record
    if (record.supersedes !== null) return undefined
    const [same] = this.statements.byText.all(
      content_hash,
      owner,
      scope,
      session_id,
      turn,
      trusted,
      created_at,
    )
    if (same === undefined) return undefined
    const isSameTime =
      (record.valid_from === null || record.valid_from === same.valid_from) &&
      (record.valid_to === null || record.valid_to === same.valid_to)
    return isSameTime ? same : undefined
  }

  #merge(stored: StoredRow, record: MemoryRow): MemoryStored {
    const next = { ...stored, ...this.united(stored, record) }
    this.mustFit(stored.owner, next.bytes - stored.bytes)
    this.statements.change(next, stored.seq)
    this.#wrote(record)
    this.statements.insertMerged.run(record.id, stored.seq, record.sent_at, record.created_at)
    this.#keep({ ...record, tags: '[]' }, stored.seq)
    this.#parts.announce('stored', [stored.id], record.created_at, stored.scope === 'shared')
    return { memory: memoryFromRow(next), created: false, merged: true }
  }

  /** What was stored is kept as it was asked for by each: with its tags and metadata, and for the longer time. */
  united(stored: MemoryRow, record: MemoryRow) {
    const { limits } = this.#parts
    const tags = tagsFrom([...tagsOf(stored), ...tagsOf(record)].slice(0, limits.maximumTags), limits)
    const united = JSON.stringify({ ...JSON.parse(record.metadata), ...JSON.parse(stored.metadata) })
    const isTooLarge = Buffer.byteLength(united) > limits.maximumMetadataBytes
    const isForGood = stored.expires_at === null || record.expires_at === null
    return {
      ...textsOf(stored.content, tags, isTooLarge ? stored.metadata : united),
      layer:
        MEMORY_LAYERS.indexOf(record.layer) > MEMORY_LAYERS.indexOf(stored.layer)
          ? record.layer
          : stored.layer,
      expires_at: isForGood ? null : Math.max(stored.expires_at as number, record.expires_at as number),
      importance: Math.max(stored.importance, record.importance),
      idempotency_key: stored.idempotency_key ?? record.idempotency_key,
      count: stored.count + 1,
      last_stored_at: record.created_at,
    }
  }

  #superseded(record: MemoryRow): StoredRow | undefined {
    if (record.supersedes === null) return undefined
    const [older] = this.statements.byId.all(record.supersedes)
    if (older !== undefined && older.owner === record.owner && !isGone(older, record.created_at)) return older
    throw new MemoryInputError('supersedes', `names no memory of ${record.owner}`)
  }

  #supersede(older: StoredRow, record: MemoryRow): void {
    const nowMs = record.created_at
    const next = {
      ...older,
      superseded_by: record.id,
      valid_to: record.valid_from ?? nowMs,
      version: older.version + 1,
      updated_at: nowMs,
    }
    this.change(older, next, nowMs)
  }

  #keep({ owner, idempotency_key, content_hash, sent_at }: MemoryRow, seq: number): void {
    if (idempotency_key === null) return
    this.statements.insertKey.run(owner, idempotency_key, seq, content_hash, sent_at)
  }
}

function tagsOf({ tags }: MemoryRow): string[] {
  return JSON.parse(tags) as string[]
}

function repeatedBy(field: string, stored: MemoryRow, record: MemoryRow): MemoryStored {
  if (isSameRequest(stored, record)) return { memory: memoryFromRow(stored), created: false }
  throw conflictError(field, record.id, 'send this one in a message of its own')
}

export function conflictError(field: string, id: string, way: string): MemoryConflictError {
  return new MemoryConflictError('memory-conflict', `${field}: another memory is stored under ${id}; ${way}`)
}

/** The very message again has the same time in its envelope, however wrong the sender's clock is. */
function wasSentBefore(record: MemoryRow, gone: GoneRow): boolean {
  return record.sent_at === gone.sent_at || record.sent_at < gone.at
}

function wasKeyedBefore(record: MemoryRow, { sent_at, gone_at }: KeyRow): boolean {
  return record.sent_at === sent_at || (gone_at !== null && record.sent_at < gone_at)
}

export function isGone(row: MemoryRow, nowMs: number): boolean {
  return row.expires_at !== null && row.expires_at <= nowMs
}

function goneError(field: string, id: string, change: string): MemoryConflictError {
  return new MemoryConflictError(
    'memory-gone',
    `${field}: ${id} was stored before and is ${change} since; send it in a new message to store it again`,
  )
}

function textKey({ content_hash, owner }: MemoryRow): string {
  return `${content_hash} ${owner}`
}
