import { StorageError } from '../model/errors.js'
import type { DatabasePool, Session } from './database-pool.js'
import { COLUMN_DEFINITIONS } from './memory-columns.js'
import { addTermsOfNames, renameIrregularForms } from './renewed-terms.js'

/** Our tables have a schema of their own, so that other programs may use the same database. */
export const SCHEMA = 'jamey_memory'

/** Keys of advisory locks: 'JMEM', and what is kept. */
const LOCK_SPACE = 0x4a4d454d
const MIGRATING = 1
const WRITING = 2
const CONSOLIDATING = 3
/** One instance makes the vectors that are missing, and one their index. */
export const FILLING = 4
export const INDEXING = 5

/**
 * Begins a transaction of the one who writes now: numbers are given out in the order of commits, over all instances. Its
 * commit waits for the disk, also where the server does not have others wait.
 */
export const BEGIN_WRITING = `BEGIN; SELECT pg_advisory_xact_lock(${LOCK_SPACE}, ${WRITING});
  SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`

/** One instance consolidates at a time; others wait for it as long as a statement may take. */
export const BEGIN_CONSOLIDATING = `SELECT pg_advisory_lock(${LOCK_SPACE}, ${CONSOLIDATING})`
export const END_CONSOLIDATING = `SELECT pg_advisory_unlock(${LOCK_SPACE}, ${CONSOLIDATING})`

/** Whether this connection is the one whose instance has this to do. */
export const lockFor = (work: typeof FILLING | typeof INDEXING): string =>
  `SELECT pg_try_advisory_lock(${LOCK_SPACE}, ${work}) AS mine`

/** Begins a transaction of the one instance that changes the schema, however long that takes. */
export const BEGIN_MIGRATING = `BEGIN; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(${LOCK_SPACE}, ${MIGRATING})`

/** Statements, or what is done with the tables by their bare names. */
export type Migration = string | ((session: Session) => Promise<void>)

/**
 * `MIGRATIONS[n]` takes a database from version n to n + 1; an entry that was ever released is never edited again.
 *
 * - Times are milliseconds since 1970, tags and metadata JSON as it was sent: what `MemoryRow` has.
 * - `terms` holds the words as the search knows them, stemmed; `terms_count` their number, which BM25 needs.
 * - `words` counts in how many memories each word is, `totals` all memories and words: the search orders by them.
 * - `memory_recalls` counts how often each was found.
 * - `facts` is the metadata, in the form in which conditions are asked of them.
 * - The rest is as in the memory file: see `file/schema.ts` and `file/to-versions.ts`.
 */
export const MIGRATIONS: readonly Migration[] = [
  `
  CREATE TABLE memories (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ${COLUMN_DEFINITIONS},
    tag_keys text[] NOT NULL,
    terms tsvector NOT NULL,
    terms_count integer NOT NULL,
    facts jsonb NOT NULL,
    UNIQUE (id)
  );
  CREATE INDEX memories_by_time ON memories (occurred_at DESC, seq DESC);
  CREATE INDEX memories_by_owner ON memories (owner, occurred_at DESC, seq DESC);
  CREATE INDEX memories_by_expiry ON memories (expires_at) WHERE expires_at IS NOT NULL;
  CREATE INDEX memories_by_text ON memories (content_hash, owner);
  CREATE INDEX memories_by_session ON memories (session_id, owner, turn) WHERE session_id IS NOT NULL;
  CREATE INDEX memories_by_tag ON memories USING gin (tag_keys) WITH (fastupdate = off);
  CREATE INDEX memories_by_term ON memories USING gin (terms) WITH (fastupdate = off);

  CREATE TABLE memory_versions (
    seq bigint NOT NULL,
    replaced_at bigint NOT NULL,
    ${COLUMN_DEFINITIONS},
    PRIMARY KEY (seq, version)
  );

  CREATE TABLE memory_keys (
    owner text NOT NULL,
    key text NOT NULL,
    seq bigint,
    content_hash text NOT NULL,
    sent_at bigint NOT NULL,
    change text,
    gone_at bigint,
    PRIMARY KEY (owner, key)
  );
  CREATE INDEX memory_keys_by_memory ON memory_keys (seq) WHERE seq IS NOT NULL;
  CREATE INDEX memory_keys_by_time ON memory_keys (gone_at) WHERE gone_at IS NOT NULL;

  CREATE TABLE merged_ids (
    id text PRIMARY KEY,
    seq bigint NOT NULL,
    sent_at bigint NOT NULL,
    at bigint NOT NULL
  );
  CREATE INDEX merged_ids_by_memory ON merged_ids (seq);
  CREATE INDEX merged_ids_by_time ON merged_ids (at);

  CREATE TABLE update_requests (
    id text PRIMARY KEY,
    seq bigint NOT NULL,
    version integer NOT NULL,
    at bigint NOT NULL
  );
  CREATE INDEX update_requests_by_time ON update_requests (at);

  CREATE TABLE owner_totals (
    owner text PRIMARY KEY,
    memories bigint NOT NULL,
    bytes bigint NOT NULL
  ) WITH (fillfactor = 50);

  CREATE TABLE words (
    word text COLLATE "C" PRIMARY KEY,
    memories bigint NOT NULL
  ) WITH (fillfactor = 50);
  CREATE INDEX words_of_none ON words (word) WHERE memories <= 0;

  CREATE TABLE totals (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    memories bigint NOT NULL,
    terms bigint NOT NULL
  );
  INSERT INTO totals (memories, terms) VALUES (0, 0);

  CREATE TABLE gone (
    id text PRIMARY KEY,
    change text NOT NULL,
    sent_at bigint NOT NULL,
    at bigint NOT NULL
  );
  CREATE INDEX gone_by_time ON gone (at);

  CREATE TABLE forget_requests (
    id text PRIMARY KEY,
    up_to bigint NOT NULL,
    forgotten bigint NOT NULL,
    at bigint NOT NULL
  );

  CREATE TABLE announcements (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id text NOT NULL,
    owner text NOT NULL,
    change text NOT NULL,
    memory_ids text NOT NULL,
    at bigint NOT NULL,
    claimed_at bigint NOT NULL
  );
  CREATE INDEX announcements_by_owner ON announcements (owner, seq);
  CREATE INDEX announcements_by_claim ON announcements (claimed_at);
  `,
  `
  CREATE TABLE memory_recalls (
    seq bigint PRIMARY KEY REFERENCES memories ON DELETE CASCADE,
    recalls integer NOT NULL,
    recalled_at bigint NOT NULL
  );
  `,
  // Beside memories_by_owner: what one client may read of very much is read by both.
  `
  CREATE INDEX memories_by_scope ON memories (scope, occurred_at DESC, seq DESC) WHERE scope <> 'private';
  `,
  // In the order in which turns stand beside each other: those before and after one are few rows of it.
  `
  DROP INDEX memories_by_session;
  CREATE INDEX memories_by_session ON memories (session_id, owner, coalesce(turn, 0), seq)
    WHERE session_id IS NOT NULL;
  `,
  addTermsOfNames,
  'CREATE INDEX update_requests_by_memory ON update_requests (seq)',
  renameIrregularForms,
]

/**
 * Brings the database to the newest version, each step in a transaction of its own, so that one that was interrupted goes
 * on where it was. Of several instances that start at once one does it, and the others wait for it.
 *
 * Throws `StorageError` 'storage-foreign' where the schema is somebody else's and 'storage-version' where a newer program
 * wrote it.
 */
export async function migrate(
  pool: DatabasePool,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  if ((await pool.use((session) => versionOf(session, pool.shown, migrations.length))) === migrations.length)
    return
  for (let isDone = false; !isDone; ) {
    isDone = await pool.transaction(BEGIN_MIGRATING, async (session) => {
      const version = await versionOf(session, pool.shown, migrations.length)
      const step = migrations[version]
      if (step === undefined) return true
      await session.rows(version === 0 ? CREATE_SCHEMA : `SET LOCAL search_path = ${SCHEMA}`)
      await (typeof step === 'string' ? session.rows(step) : step(session))
      await session.run(`UPDATE ${SCHEMA}.version SET version = $1`, [version + 1])
      return version + 1 === migrations.length
    })
  }
}

const CREATE_SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS ${SCHEMA};
  SET LOCAL search_path = ${SCHEMA};
  CREATE TABLE version (one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL);
  INSERT INTO version (version) VALUES (0);
`

/** The version of the schema; 0 where there is none yet. */
export async function versionOf(session: Session, shown: string, newest: number): Promise<number> {
  const [found] = await session.rows<{ ours: boolean; tables: number }>(
    `SELECT to_regclass('${SCHEMA}.version') IS NOT NULL AS ours,
      (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1) AS tables`,
    [SCHEMA],
  )
  if (found?.ours !== true) {
    if (found?.tables === 0) return 0
    throw new StorageError(
      'storage-foreign',
      `The schema ${SCHEMA} of ${shown} has tables of another program; name another database for memories.`,
    )
  }
  const [row] = await session.rows<{ version: number }>(`SELECT version FROM ${SCHEMA}.version`)
  const version = row?.version ?? 0
  if (version <= newest) return version
  throw new StorageError(
    'storage-version',
    `The memory database ${shown} has version ${version}, and this program reads up to version ${newest}; use the newer program that wrote it.`,
  )
}
