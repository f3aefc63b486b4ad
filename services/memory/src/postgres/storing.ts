import { type MemoryLimits, type MemoryRow, tagKey } from '../model/memory-record.js'
import { outcomeOf, type Refusal } from '../store/outcomes.js'
import type { RecordWork } from '../store/record-storage.js'
import { RecordWriter } from '../store/record-writer.js'
import { type Announced, announce } from './announcements.js'
import { factsOf } from './facts.js'
import { assignedFrom, FOUND_BY, givenTypes, ROW_NAMES, rowOf } from './memory-columns.js'
import { SCHEMA } from './migrations.js'
import { absorb, type Doomed, remove } from './removing.js'
import { indexedTerms } from './terms.js'
import type { Turn } from './turn.js'
import { type Known, WorkingSet } from './working-set.js'

/** What became of one request of a turn. */
export type WorkOutcome = { readonly value: unknown } | { readonly error: Refusal }

export interface WriterOptions {
  readonly limits: MemoryLimits
  readonly ownerBytes: number | undefined
}

/** Carries out requests in their order, each for itself, and writes what they write. */
export async function carryOut(
  turn: Turn,
  works: readonly RecordWork<unknown>[],
  options: WriterOptions,
): Promise<WorkOutcome[]> {
  const set = new WorkingSet(await knownOf(turn, works))
  const announced: Announced[] = []
  const writer = new RecordWriter({
    ...options,
    statements: set,
    removal: {
      // They are removed already.
      sweepOne: () => {},
      absorb: (gone, into) => {
        set.absorb(gone, into)
        announced.push({ change: 'forgotten', ids: [gone.id] })
      },
    },
    announce: (change, ids, _atMs, isShared) => void announced.push({ change, ids, isShared }),
  })
  const outcomes = works.map((work) => outcomeOf(() => ({ value: work.run(writer) })))
  await writeAll(turn, set)
  await announce(turn, announced)
  return outcomes
}

/** Rows of a query as one value, so that several kinds of them come in one answer. */
const all = (rows: string): string => `(SELECT coalesce(json_agg(n), '[]') FROM (${rows}) n)`

/**
 * All that some requests can ask for, in one statement: the rows with their ids or numbers and for each text the oldest
 * that can take it up, what is noted of ids and keys, and what their owners have.
 */
const KNOWN = `WITH
    asked AS (SELECT * FROM json_to_recordset($3) AS asked (${givenTypes({})})),
    merged AS (SELECT id, seq FROM ${SCHEMA}.merged_ids WHERE id = ANY($1)),
    updates AS (SELECT id, seq, version FROM ${SCHEMA}.update_requests WHERE id = ANY($2)),
    keys AS (
      SELECT * FROM ${SCHEMA}.memory_keys
      WHERE (owner, key) IN (SELECT owner, idempotency_key FROM asked WHERE idempotency_key IS NOT NULL)
    ),
    wanted AS (
      SELECT seq FROM ${SCHEMA}.memories WHERE id = ANY($1)
      UNION SELECT seq FROM merged UNION SELECT seq FROM updates UNION SELECT seq FROM keys
      UNION SELECT same.seq FROM asked CROSS JOIN LATERAL (
          SELECT m.seq FROM ${SCHEMA}.memories m
          WHERE m.content_hash = asked.content_hash AND m.owner = asked.owner AND m.scope = asked.scope
            AND m.session_id IS NOT DISTINCT FROM asked.session_id AND m.turn IS NOT DISTINCT FROM asked.turn
            AND m.trusted = asked.trusted AND (m.expires_at IS NULL OR m.expires_at > $4)
            AND (m.valid_to IS NULL OR m.valid_to > $4)
          ORDER BY m.seq LIMIT 1
        ) AS same
    ),
    found AS (SELECT m.seq, ${rowOf('m')} FROM wanted JOIN ${SCHEMA}.memories m ON m.seq = wanted.seq)
  SELECT ${all('SELECT * FROM found')} AS rows,
    ${all(`SELECT v.seq, v.replaced_at, ${rowOf('v')} FROM ${SCHEMA}.memory_versions v WHERE v.seq IN (SELECT seq FROM updates)`)} AS versions,
    ${all(`SELECT * FROM ${SCHEMA}.gone WHERE id = ANY($1)`)} AS gone,
    ${all('SELECT * FROM merged')} AS merged,
    ${all('SELECT * FROM keys')} AS keys,
    ${all('SELECT * FROM updates')} AS updates,
    ${all(`SELECT owner, bytes FROM ${SCHEMA}.owner_totals WHERE owner IN (SELECT owner FROM asked UNION SELECT owner FROM found)`)} AS totals,
    ${all(`SELECT seq, id FROM ${SCHEMA}.memories WHERE id = ANY($1) AND expires_at <= $4`)} AS expired`

const NOTHING: Known = { rows: [], versions: [], gone: [], merged: [], keys: [], updates: [], totals: [] }

/** What the database has that concerns these requests, as it is now that their turn has come. */
async function knownOf(turn: Turn, works: readonly RecordWork<unknown>[]): Promise<Known> {
  const { session, nowMs } = turn
  const ids = [...new Set(works.flatMap((work) => work.ids))]
  const requests = works.flatMap((work) => work.requests)
  const texts = works.flatMap((work) =>
    work.rows.map(({ content: _, metadata: __, tags: ___, ...row }) => row),
  )
  const read = async () => {
    const asked = [ids, requests, JSON.stringify(texts), nowMs]
    const [known] = await session.rows<Known & { readonly expired: readonly Doomed[] }>(KNOWN, asked)
    return known
  }
  const known = await read()
  if (known === undefined || known.expired.length === 0) return known ?? NOTHING
  // An expired memory is gone, swept or not; only the note about it counts from here on.
  await remove(turn, known.expired, 'expired')
  return (await read()) ?? NOTHING
}

const COUNT_WORDS = `INSERT INTO ${SCHEMA}.words (word, memories)
    SELECT word, sum(more) FROM counted GROUP BY word HAVING sum(more) <> 0
    ON CONFLICT (word) DO UPDATE SET memories = words.memories + excluded.memories`
const COUNT_OWNERS = `INSERT INTO ${SCHEMA}.owner_totals (owner, memories, bytes)
    SELECT owner, sum(memories), sum(bytes) FROM owned GROUP BY owner
    ON CONFLICT (owner) DO UPDATE SET memories = owner_totals.memories + excluded.memories,
      bytes = owner_totals.bytes + excluded.bytes`

const INSERT = `WITH
    given AS (SELECT * FROM json_to_recordset($1) AS given (${givenTypes(FOUND_BY)})),
    added AS (
      INSERT INTO ${SCHEMA}.memories (${ROW_NAMES}, tag_keys, terms, terms_count, facts)
        SELECT ${rowOf('given')}, given.tag_keys, given.terms::tsvector, given.terms_count, given.facts FROM given
        RETURNING seq, id, owner, bytes, terms, terms_count
    ),
    counted AS (SELECT unnest(tsvector_to_array(terms)) AS word, 1 AS more FROM added),
    owned AS (SELECT owner, 1 AS memories, bytes FROM added),
    words AS (${COUNT_WORDS}),
    owners AS (${COUNT_OWNERS}),
    totals AS (
      UPDATE ${SCHEMA}.totals SET memories = totals.memories + more.memories, terms = totals.terms + more.terms
        FROM (SELECT count(*) AS memories, coalesce(sum(terms_count), 0) AS terms FROM added) AS more
    ),
    gone AS (DELETE FROM ${SCHEMA}.gone USING given WHERE gone.id = given.id)
  SELECT seq, id FROM added`

const CHANGE = `WITH
    given AS (SELECT * FROM json_to_recordset($1) AS given (seq bigint, ${givenTypes(FOUND_BY)})),
    was AS (SELECT m.seq, m.owner, m.bytes, m.terms, m.terms_count FROM ${SCHEMA}.memories m JOIN given USING (seq)),
    changed AS (
      UPDATE ${SCHEMA}.memories m SET ${assignedFrom('given')}, tag_keys = given.tag_keys,
          terms = given.terms::tsvector, terms_count = given.terms_count, facts = given.facts
        FROM given WHERE m.seq = given.seq RETURNING m.owner, m.bytes, m.terms, m.terms_count
    ),
    counted AS (
      SELECT unnest(tsvector_to_array(terms)) AS word, 1 AS more FROM changed
      UNION ALL SELECT unnest(tsvector_to_array(terms)), -1 FROM was
    ),
    owned AS (
      SELECT owner, 0 AS memories, bytes FROM changed UNION ALL SELECT owner, 0, -bytes FROM was
    ),
    words AS (${COUNT_WORDS}),
    owners AS (${COUNT_OWNERS})
  UPDATE ${SCHEMA}.totals SET terms = totals.terms
    + (SELECT coalesce(sum(terms_count), 0) FROM changed) - (SELECT coalesce(sum(terms_count), 0) FROM was)`

const KEEP_VERSIONS = `WITH
    given AS (SELECT * FROM json_to_recordset($1) AS given (seq bigint, replaced_at bigint, ${givenTypes({})})),
    owned AS (SELECT owner, 0 AS memories, bytes FROM given),
    owners AS (${COUNT_OWNERS})
  INSERT INTO ${SCHEMA}.memory_versions (seq, replaced_at, ${ROW_NAMES})
    SELECT given.seq, given.replaced_at, ${rowOf('given')} FROM given`

const DROP_VERSIONS = `WITH
    given AS (SELECT * FROM json_to_recordset($1) AS given (seq bigint, version integer)),
    dropped AS (
      DELETE FROM ${SCHEMA}.memory_versions v USING given WHERE v.seq = given.seq AND v.version <= given.version
        RETURNING v.owner, v.bytes
    ),
    owned AS (SELECT owner, 0 AS memories, -bytes AS bytes FROM dropped)
  ${COUNT_OWNERS}`

const KEEP_MERGED = `INSERT INTO ${SCHEMA}.merged_ids (id, seq, sent_at, at)
  SELECT id, seq, sent_at, at FROM json_to_recordset($1) AS given (id text, seq bigint, sent_at bigint, at bigint)`

const KEEP_KEYS = `INSERT INTO ${SCHEMA}.memory_keys (owner, key, seq, content_hash, sent_at)
  SELECT owner, key, seq, content_hash, sent_at FROM json_to_recordset($1)
    AS given (owner text, key text, seq bigint, content_hash text, sent_at bigint)
  ON CONFLICT (owner, key) DO UPDATE SET seq = excluded.seq, content_hash = excluded.content_hash,
    sent_at = excluded.sent_at, change = NULL, gone_at = NULL`

const KEEP_UPDATES = `INSERT INTO ${SCHEMA}.update_requests (id, seq, version, at)
  SELECT id, seq, version, at FROM json_to_recordset($1) AS given (id text, seq bigint, version integer, at bigint)
  ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, version = excluded.version, at = excluded.at`

async function writeAll(turn: Turn, set: WorkingSet): Promise<void> {
  const { session } = turn
  const write = async (sql: string, rows: readonly unknown[]): Promise<void> => {
    if (rows.length > 0) await session.run(sql, [JSON.stringify(rows)])
  }
  const inserted = [...set.inserted].map((seq) => givenFrom(set.row(seq)))
  const numbered = inserted.length === 0 ? [] : await session.rows<Doomed>(INSERT, [JSON.stringify(inserted)])
  const numbers = new Map(numbered.map(({ id, seq }) => [id, seq]))
  const numberOf = (seq: number): number =>
    WorkingSet.isNumbered(seq) ? seq : (numbers.get(set.row(seq).id) as number)
  const withNumber = <Note extends { readonly seq: number | null }>(note: Note) => ({
    ...note,
    seq: note.seq === null ? null : numberOf(note.seq),
  })
  await write(
    CHANGE,
    [...set.changed].map((seq) => ({ ...givenFrom(set.row(seq)), seq })),
  )
  await write(
    KEEP_VERSIONS,
    set.newVersions.map(({ seq, row }) => ({ ...row, seq: numberOf(seq) })),
  )
  await write(DROP_VERSIONS, set.droppedVersions.filter(({ version }) => version > 0).map(withNumber))
  await write(KEEP_MERGED, set.newMerged.map(withNumber))
  // Of a key, or a request, that was given twice the last one counts.
  const keys = new Map(set.newKeys.map((note) => [`${note.owner}\0${note.key}`, withNumber(note)]))
  await write(KEEP_KEYS, [...keys.values()])
  const updates = new Map(set.newUpdates.map((note) => [note.id, withNumber(note)]))
  await write(KEEP_UPDATES, [...updates.values()])
  await absorb(
    turn,
    set.absorbed.map((one) => ({ ...one, seq: numberOf(one.seq), into: numberOf(one.into) })),
  )
}

function givenFrom(row: MemoryRow) {
  const { vector, count } = indexedTerms(row)
  const tags = JSON.parse(row.tags) as string[]
  return {
    ...row,
    tag_keys: tags.map(tagKey),
    terms: vector,
    terms_count: count,
    facts: factsOf(row.metadata),
  }
}
