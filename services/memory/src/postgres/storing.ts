import type { MemoryStored } from '@jamey/contracts'
import { MemoryConflictError } from '../model/errors.js'
import {
  completed,
  isSameRequest,
  isSameRow,
  type MemoryRow,
  memoryFromRow,
  tagKey,
} from '../model/memory-record.js'
import { announceStored } from './announcements.js'
import { GIVEN, GIVEN_TYPES, INSERTED, rowOf } from './memory-columns.js'
import { SCHEMA } from './migrations.js'
import { type Doomed, remove } from './removing.js'
import { indexedTerms } from './terms.js'
import type { Turn } from './turn.js'

/** A note about a memory that was removed. */
interface Gone {
  readonly change: string
  readonly sent_at: number
  /** Moment at which it was forgotten or expired. */
  readonly at: number
}

type FoundRow = MemoryRow & Doomed & { readonly gone: Gone | null }

/** What is known of the ids that a batch is about; it changes with each memory of the batch. */
interface Known {
  readonly stored: Map<string, MemoryRow>
  readonly gone: Map<string, Gone>
}

/** What became of one of a batch, which is refused for itself alone. */
export type StoreOutcome = MemoryStored | MemoryConflictError
export type RestoreOutcome = 'restored' | 'known' | 'expired' | MemoryConflictError

const FIND = `SELECT m.seq, asked.id, ${rowOf('m', ['id'])}, to_json(gone) AS gone
  FROM unnest($1::text[]) AS asked (id)
    LEFT JOIN ${SCHEMA}.memories m ON m.id = asked.id
    LEFT JOIN ${SCHEMA}.gone ON gone.id = asked.id`

const INSERT = `WITH
    given AS (SELECT * FROM json_to_recordset($1) AS given (${GIVEN_TYPES})),
    added AS (INSERT INTO ${SCHEMA}.memories (${INSERTED}) SELECT ${GIVEN} FROM given RETURNING terms, terms_count),
    counted AS (
      INSERT INTO ${SCHEMA}.words (word, memories)
        SELECT word, count(*) FROM added, unnest(tsvector_to_array(terms)) AS word GROUP BY word
        ON CONFLICT (word) DO UPDATE SET memories = words.memories + excluded.memories
    ),
    totalled AS (
      UPDATE ${SCHEMA}.totals SET memories = totals.memories + more.memories, terms = totals.terms + more.terms
        FROM (SELECT count(*) AS memories, coalesce(sum(terms_count), 0) AS terms FROM added) AS more
    )
  DELETE FROM ${SCHEMA}.gone USING given WHERE gone.id = given.id`

/** Stores records in their order. */
export async function storeAll(turn: Turn, records: readonly MemoryRow[]): Promise<StoreOutcome[]> {
  const known = await knownOf(turn, records)
  const added: MemoryRow[] = []
  const outcomes = records.map((record): StoreOutcome => {
    const stored = known.stored.get(record.id)
    if (stored !== undefined) return repeated(stored, record)
    const gone = known.gone.get(record.id)
    if (gone !== undefined && wasSentBefore(record, gone)) return goneError(record.id, gone.change)
    added.push(record)
    known.stored.set(record.id, record)
    return { memory: memoryFromRow(record), created: true }
  })
  await insert(turn, added)
  await announceStored(turn, added)
  return outcomes
}

/** Takes memories of an archive as they were, those that were forgotten here included; nothing is announced. */
export async function restoreAll(turn: Turn, rows: readonly MemoryRow[]): Promise<RestoreOutcome[]> {
  const known = await knownOf(turn, rows)
  const added: MemoryRow[] = []
  const outcomes = rows.map((row): RestoreOutcome => {
    if (hasExpired(row, turn.nowMs)) return 'expired'
    const stored = known.stored.get(row.id)
    if (stored !== undefined)
      return isSameRow(stored, row) ? 'known' : conflictError('id', row.id, 'that one stays')
    added.push(row)
    known.stored.set(row.id, row)
    return 'restored'
  })
  await insert(turn, added)
  return outcomes
}

export function hasExpired(row: MemoryRow, nowMs: number): boolean {
  return row.expires_at !== null && row.expires_at <= nowMs
}

/** An expired memory is gone, swept or not; only the note about it counts from here on. */
async function knownOf(turn: Turn, records: readonly MemoryRow[]): Promise<Known> {
  const ids = [...new Set(records.map(({ id }) => id))]
  const rows = await turn.session.rows<FoundRow>(FIND, [ids])
  const found = rows.filter(({ seq }) => seq !== null).map(completed)
  const expired = found.filter((row) => hasExpired(row, turn.nowMs))
  await remove(turn, expired, 'expired')
  const gone = new Map(rows.flatMap((row) => (row.gone === null ? [] : [[row.id, row.gone] as const])))
  for (const { id, sent_at, expires_at } of expired) {
    gone.set(id, { change: 'expired', sent_at, at: expires_at ?? turn.nowMs })
  }
  const stored = new Map(found.filter((row) => !expired.includes(row)).map((row) => [row.id, row]))
  return { stored, gone }
}

async function insert({ session }: Turn, rows: readonly MemoryRow[]): Promise<void> {
  if (rows.length > 0) await session.run(INSERT, [JSON.stringify(rows.map(givenFrom))])
}

function givenFrom(row: MemoryRow) {
  const { vector, count } = indexedTerms(row)
  return {
    ...row,
    tag_keys: (JSON.parse(row.tags) as string[]).map(tagKey),
    terms: vector,
    terms_count: count,
  }
}

function repeated(stored: MemoryRow, record: MemoryRow): StoreOutcome {
  if (isSameRequest(stored, record)) return { memory: memoryFromRow(stored), created: false }
  return conflictError('message_id', record.id, 'send this one in a message of its own')
}

/** The very message again has the same time in its envelope, however wrong the sender's clock is. */
function wasSentBefore(record: MemoryRow, gone: Gone): boolean {
  return record.sent_at === gone.sent_at || record.sent_at < gone.at
}

function conflictError(field: string, id: string, way: string): MemoryConflictError {
  return new MemoryConflictError('memory-conflict', `${field}: another memory is stored under ${id}; ${way}`)
}

function goneError(id: string, change: string): MemoryConflictError {
  return new MemoryConflictError(
    'memory-gone',
    `message_id: ${id} was stored before and is ${change} since; send it in a new message to store it again`,
  )
}
