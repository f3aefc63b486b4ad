import type { MemoryRow, VersionRow } from '../model/memory-record.js'
import type { GoneRow, KeyRow, RecordStatements, StoredRow } from '../store/store-statements.js'

/** Numbers from here on are of memories that the database has not numbered yet. */
const UNNUMBERED = 2 ** 52

export type MergedNote = {
  readonly id: string
  readonly seq: number
  readonly sent_at: number
  readonly at: number
}
export type KeyNote = KeyRow & { readonly owner: string; readonly key: string }
/** A memory that has become part of another one. */
export interface Absorbed {
  readonly seq: number
  readonly id: string
  readonly sent_at: number
  readonly into: number
}
export type UpdateNote = {
  readonly id: string
  readonly seq: number
  readonly version: number
  readonly at: number
}

/** What of the database concerns some requests, as it was when their turn came. */
export interface Known {
  readonly rows: readonly StoredRow[]
  readonly versions: readonly VersionRow[]
  readonly gone: readonly (GoneRow & { readonly id: string })[]
  readonly merged: readonly Pick<MergedNote, 'id' | 'seq'>[]
  readonly keys: readonly KeyNote[]
  readonly updates: readonly Omit<UpdateNote, 'at'>[]
  readonly totals: readonly { readonly owner: string; readonly bytes: number }[]
}

/**
 * Stands between a `RecordWriter`, which reads and writes one statement after another, and the database: it has what the
 * requests of a turn can ask for, sees what they write, and tells in the end all that is to be written.
 */
export class WorkingSet implements RecordStatements {
  readonly #rows = new Map<number, StoredRow>()
  readonly #numbers = new Map<string, number>()
  readonly #texts = new Map<string, number[]>()
  readonly #gone: Map<string, GoneRow>
  readonly #merged: Map<string, number>
  readonly #keys: Map<string, KeyNote>
  readonly #updates: Map<string, Omit<UpdateNote, 'at'>>
  readonly #bytes: Map<string, number>
  readonly #versions: VersionRow[]
  #next = UNNUMBERED

  readonly inserted = new Set<number>()
  readonly changed = new Set<number>()
  readonly newVersions: { readonly seq: number; readonly row: VersionRow }[] = []
  readonly newMerged: MergedNote[] = []
  readonly newKeys: KeyNote[] = []
  readonly newUpdates: UpdateNote[] = []
  readonly absorbed: Absorbed[] = []
  readonly droppedGone: string[] = []
  readonly droppedVersions: { readonly seq: number; readonly version: number }[] = []

  constructor(known: Known) {
    for (const row of known.rows) this.#put(row)
    this.#versions = [...known.versions]
    this.#gone = new Map(known.gone.map((note) => [note.id, note]))
    this.#merged = new Map(known.merged.map(({ id, seq }) => [id, seq]))
    this.#keys = new Map(known.keys.map((note) => [keyOf(note.owner, note.key), note]))
    this.#updates = new Map(known.updates.map((note) => [note.id, note]))
    this.#bytes = new Map(known.totals.map(({ owner, bytes }) => [owner, bytes]))
  }

  row(seq: number): StoredRow {
    return this.#rows.get(seq) as StoredRow
  }

  static isNumbered(seq: number): boolean {
    return seq < UNNUMBERED
  }

  readonly byId: RecordStatements['byId'] = {
    all: (id) => some(this.#rows.get(this.#numbers.get(id as string) ?? -1)),
  }
  readonly bySeq: RecordStatements['bySeq'] = { all: (seq) => some(this.#rows.get(seq as number)) }
  readonly goneById: RecordStatements['goneById'] = { all: (id) => some(this.#gone.get(id as string)) }
  readonly key: RecordStatements['key'] = {
    all: (owner, key) => some(this.#keys.get(keyOf(owner as string, key as string))),
  }
  readonly updateRequest: RecordStatements['updateRequest'] = {
    all: (id) => some(this.#updates.get(id as string)),
  }

  readonly merged: RecordStatements['merged'] = {
    all: (id) => {
      const seq = this.#merged.get(id as string)
      return seq === undefined ? [] : [{ seq }]
    },
  }

  readonly ownerBytes: RecordStatements['ownerBytes'] = {
    all: (owner) => [{ bytes: this.#bytes.get(owner as string) ?? 0 }],
  }

  readonly byText: RecordStatements['byText'] = {
    all: (hash, owner, scope, session, turn, trusted, nowMs) => {
      const holds = (until: number | null) => until === null || until > (nowMs as number)
      const numbers = this.#texts.get(textKey(hash as string, owner as string)) ?? []
      const found = numbers
        .map((seq) => this.row(seq))
        .filter(
          (row) =>
            row.content_hash === hash &&
            row.scope === scope &&
            row.session_id === session &&
            row.turn === turn &&
            row.trusted === trusted &&
            holds(row.expires_at) &&
            holds(row.valid_to),
        )
      return found.toSorted((one, other) => one.seq - other.seq).slice(0, 1)
    },
  }

  readonly versions: RecordStatements['versions'] = {
    all: (seq, before, limit) =>
      [...this.#versions, ...this.newVersions.map((one) => ({ ...one.row, seq: one.seq }))]
        .filter((row) => (row as unknown as StoredRow).seq === seq && row.version < (before as number))
        .toSorted((one, other) => other.version - one.version)
        .slice(0, limit as number),
  }

  readonly dropGone: RecordStatements['dropGone'] = {
    run: (id) => {
      this.droppedGone.push(id as string)
      return Number(this.#gone.delete(id as string))
    },
  }

  readonly insertMerged: RecordStatements['insertMerged'] = {
    run: (...values) => {
      const [id, seq, sent_at, at] = values as [string, number, number, number]
      this.#merged.set(id, seq)
      return this.newMerged.push({ id, seq, sent_at, at })
    },
  }

  readonly insertKey: RecordStatements['insertKey'] = {
    run: (...values) => {
      const [owner, key, seq, content_hash, sent_at] = values as [string, string, number, string, number]
      const note = { owner, key, seq, content_hash, sent_at, change: null, gone_at: null }
      this.#keys.set(keyOf(owner, key), note)
      return this.newKeys.push(note)
    },
  }

  readonly insertUpdateRequest: RecordStatements['insertUpdateRequest'] = {
    run: (...values) => {
      const [id, seq, version, at] = values as [string, number, number, number]
      this.#updates.set(id, { id, seq, version })
      return this.newUpdates.push({ id, seq, version, at })
    },
  }

  readonly dropOldVersions: RecordStatements['dropOldVersions'] = {
    run: (seq, version) => this.droppedVersions.push({ seq: seq as number, version: version as number }),
  }

  insert(row: MemoryRow): number {
    const seq = this.#next++
    this.#put({ ...row, seq })
    this.inserted.add(seq)
    this.#addBytes(row.owner, row.bytes)
    return seq
  }

  insertVersion(row: MemoryRow, seq: number, replacedAtMs: number): void {
    this.newVersions.push({ seq, row: { ...row, replaced_at: replacedAtMs } })
    this.#addBytes(row.owner, row.bytes)
  }

  change(row: MemoryRow, seq: number): void {
    this.#addBytes(row.owner, row.bytes - this.row(seq).bytes)
    this.#put({ ...row, seq })
    if (WorkingSet.isNumbered(seq)) this.changed.add(seq)
  }

  absorb(gone: { readonly seq: number }, into: number): void {
    const { seq, id, sent_at, owner, bytes, content_hash } = this.row(gone.seq)
    this.absorbed.push({ seq, id, sent_at, into })
    this.#rows.delete(seq)
    this.#numbers.delete(id)
    const key = textKey(content_hash, owner)
    this.#texts.set(
      key,
      (this.#texts.get(key) ?? []).filter((one) => one !== seq),
    )
    this.#addBytes(owner, -bytes)
    for (const [merged, lead] of this.#merged) if (lead === seq) this.#merged.set(merged, into)
    this.#merged.set(id, into)
    for (const [name, note] of this.#keys) if (note.seq === seq) this.#keys.set(name, { ...note, seq: into })
  }

  #put(row: StoredRow): void {
    this.#rows.set(row.seq, row)
    this.#numbers.set(row.id, row.seq)
    const key = textKey(row.content_hash, row.owner)
    const numbers = this.#texts.get(key) ?? []
    if (!numbers.includes(row.seq)) this.#texts.set(key, [...numbers, row.seq])
  }

  #addBytes(owner: string, bytes: number): void {
    this.#bytes.set(owner, (this.#bytes.get(owner) ?? 0) + bytes)
  }
}

function some<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value]
}

const keyOf = (owner: string, key: string): string => `${owner}\0${key}`
const textKey = (hash: string, owner: string): string => `${hash}\0${owner}`
