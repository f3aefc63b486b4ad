import { contentHash, type MemoryRow } from '../model/memory-record.js'
import type { Database } from './database.js'
import type { Migration } from './migrate.js'

/** Memories that are rewritten in one transaction: some tens of milliseconds. */
const BATCH = 1000

/** Small columns stand before the texts, so that filtering never walks the overflow pages of long ones. */
const COLUMNS = `
  id TEXT NOT NULL UNIQUE,
  layer TEXT NOT NULL,
  importance REAL NOT NULL,
  sent_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  occurred_at INTEGER NOT NULL,
  expires_at INTEGER,
  source TEXT NOT NULL,
  owner TEXT NOT NULL,
  scope TEXT NOT NULL,
  stored_by TEXT NOT NULL,
  session_id TEXT,
  turn INTEGER,
  origin TEXT,
  trusted INTEGER NOT NULL,
  valid_from INTEGER,
  valid_to INTEGER,
  supersedes TEXT,
  superseded_by TEXT,
  idempotency_key TEXT,
  version INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  last_stored_at INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  content_hash TEXT NOT NULL,
  stored_hash TEXT,
  tags TEXT NOT NULL,
  metadata TEXT NOT NULL,
  content TEXT NOT NULL`

/**
 * - `memory_versions` has what a memory was before each change, and goes with it.
 * - `memory_keys`: the idempotency keys of each owner. Of a memory that is gone the key stays for a while, as its id
 *   does in `gone`.
 * - `merged_ids`: messages whose text was here already, so that one that comes twice counts once.
 * - `update_requests`: as `forget_requests`, so that a change that comes twice is one.
 * - `memory_recalls` stands apart, for a recall must not rewrite the text that it found.
 * - `owner_totals`: what each owner has, its versions counted, kept by triggers.
 * - `upkeep`: what is still to be done with the file as a whole.
 * - The index by text holds the beginning of its hash, which tells texts apart as well and is a quarter of it.
 */
const TABLES = `
  CREATE INDEX memories_by_time ON memories (occurred_at, seq, expires_at, layer, owner, scope);
  CREATE INDEX memories_by_expiry ON memories (expires_at) WHERE expires_at IS NOT NULL;
  CREATE INDEX memories_by_text ON memories (substr(content_hash, 1, 16), owner);
  CREATE INDEX memories_by_session ON memories (session_id, turn) WHERE session_id IS NOT NULL;

  CREATE TABLE memory_versions (
    number INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    replaced_at INTEGER NOT NULL,
    ${COLUMNS.replace(' UNIQUE', '')}
  ) STRICT;
  CREATE UNIQUE INDEX memory_versions_by_memory ON memory_versions (seq, version);
  CREATE INDEX memory_versions_by_time ON memory_versions (replaced_at);

  CREATE TABLE memory_keys (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER,
    content_hash TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    change TEXT,
    gone_at INTEGER,
    PRIMARY KEY (owner, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX memory_keys_by_memory ON memory_keys (seq) WHERE seq IS NOT NULL;
  CREATE INDEX memory_keys_by_time ON memory_keys (gone_at) WHERE gone_at IS NOT NULL;

  CREATE TABLE merged_ids (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX merged_ids_by_memory ON merged_ids (seq);
  CREATE INDEX merged_ids_by_time ON merged_ids (at);

  CREATE TABLE update_requests (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX update_requests_by_time ON update_requests (at);

  CREATE TABLE memory_recalls (
    seq INTEGER PRIMARY KEY,
    recalls INTEGER NOT NULL,
    recalled_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE owner_totals (
    owner TEXT PRIMARY KEY,
    memories INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO owner_totals SELECT owner, count(*), sum(bytes) FROM memories GROUP BY owner;

  CREATE TABLE upkeep (task TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  INSERT INTO upkeep SELECT 'vacuum' FROM memories LIMIT 1;

  CREATE TRIGGER memory_inserted AFTER INSERT ON memories BEGIN
    INSERT INTO owner_totals (owner, memories, bytes) VALUES (new.owner, 1, new.bytes)
      ON CONFLICT (owner) DO UPDATE SET memories = memories + 1, bytes = bytes + excluded.bytes;
  END;
  CREATE TRIGGER memory_updated AFTER UPDATE ON memories BEGIN
    INSERT INTO memory_changes (seq) VALUES (new.seq);
    UPDATE owner_totals SET bytes = bytes + new.bytes - old.bytes WHERE owner = new.owner;
  END;
  CREATE TRIGGER memory_deleted AFTER DELETE ON memories BEGIN
    INSERT INTO memory_changes (seq) VALUES (old.seq);
    DELETE FROM memory_tags WHERE seq = old.seq;
    DELETE FROM memory_versions WHERE seq = old.seq;
    DELETE FROM memory_recalls WHERE seq = old.seq;
    UPDATE owner_totals SET memories = memories - 1, bytes = bytes - old.bytes WHERE owner = old.owner;
  END;
  CREATE TRIGGER memory_version_inserted AFTER INSERT ON memory_versions BEGIN
    UPDATE owner_totals SET bytes = bytes + new.bytes WHERE owner = new.owner;
  END;
  CREATE TRIGGER memory_version_deleted AFTER DELETE ON memory_versions BEGIN
    UPDATE owner_totals SET bytes = bytes - old.bytes WHERE owner = old.owner;
  END;
`

/** What the older program forgot, where it had the file again in between. */
const DROP_GONE = 'DELETE FROM memories_next WHERE seq NOT IN (SELECT seq FROM memories)'

type OldRow = Pick<
  MemoryRow,
  | 'id'
  | 'layer'
  | 'importance'
  | 'sent_at'
  | 'created_at'
  | 'occurred_at'
  | 'expires_at'
  | 'source'
  | 'owner'
  | 'scope'
  | 'tags'
  | 'metadata'
  | 'content'
> & { readonly seq: number }

/**
 * Memories get versions, circumstances and a hash. Every one is rewritten into a table of its own, a batch at a time,
 * which takes the place of the old one when it has them all.
 */
export const toVersions: Migration = (database, finish, report) => {
  database.execute(
    `CREATE TABLE IF NOT EXISTS memories_next (seq INTEGER PRIMARY KEY AUTOINCREMENT, ${COLUMNS}) STRICT`,
  )
  database.transaction(() => database.execute(DROP_GONE))
  const total = countOf(database, 'memories')
  for (let done = countOf(database, 'memories_next'); done < total; ) {
    const copied = database.transaction(() => copySome(database))
    // None is left where another process does the same.
    if (copied === 0) break
    done += copied
    report(done, total)
  }
  finish(() => {
    database.execute(DROP_GONE)
    while (copySome(database) > 0);
    database.execute(`
      INSERT INTO sqlite_sequence (name, seq) SELECT 'memories_next', 0
        WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'memories_next');
      UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'memories'), 0))
        WHERE name = 'memories_next';
      DROP TABLE memories;
      ALTER TABLE memories_next RENAME TO memories;
      ${TABLES}`)
  })
}

function countOf(database: Database, table: string): number {
  return database.prepare<{ count: number }>(`SELECT count(*) AS count FROM ${table}`).all()[0]?.count ?? 0
}

function copySome(database: Database): number {
  const rows = database
    .prepare<OldRow>(
      `SELECT * FROM memories WHERE seq > (SELECT coalesce(max(seq), 0) FROM memories_next) ORDER BY seq LIMIT ${BATCH}`,
    )
    .all()
  const insert = database.prepare(
    `INSERT INTO memories_next (seq, id, layer, importance, sent_at, created_at, occurred_at, expires_at, source, owner,
      scope, stored_by, trusted, version, updated_at, count, last_stored_at, bytes, content_hash, tags, metadata, content)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 1, ?, 1, ?, ?, ?, ?, ?, ?)`,
  )
  for (const row of rows) {
    const { tags, metadata, content } = row
    const bytes = Buffer.byteLength(tags) + Buffer.byteLength(metadata) + Buffer.byteLength(content)
    insert.run(
      row.seq,
      row.id,
      row.layer,
      row.importance,
      row.sent_at,
      row.created_at,
      row.occurred_at,
      row.expires_at,
      row.source,
      row.owner,
      row.scope,
      row.source,
      row.created_at,
      row.created_at,
      bytes,
      contentHash(content),
      tags,
      metadata,
      content,
    )
  }
  return rows.length
}
