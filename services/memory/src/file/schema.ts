import type { Migration } from './migrate.js'
import { TEXTS } from './text-tables.js'
import { toVersions } from './to-versions.js'

/**
 * `MIGRATIONS[n]` takes a file from version n to n + 1; an entry that was ever released is never edited again.
 *
 * - The words are searched in the memory of whoever asks (`search`): `memory_changes` tells which memories were
 *   changed or removed since, and a `seq` beyond the last one which are new.
 * - Small columns stand before `content`, so that filtering never walks the overflow pages of long texts.
 * - `AUTOINCREMENT` because a reused number would let an old cut-off or announcement hit a new memory.
 * - `gone` remembers ids that were stored and removed, so that a message delivered late once more cannot bring
 *   them back; `sent_at`, the time in its envelope, tells it from a new message with the same id.
 * - `forget_requests` makes forgetting by filter idempotent: a repeat must not reach what was stored since.
 * - `owner` and `scope` stand in the index by time, so that a list leaves out what is others' without reading it.
 * - `owner` has one row, the process that serves the file: see `claim.ts`.
 * - `memory_vectors` has the embedding of the text that a memory has now, which goes with that text; the last of
 *   `vector_models` is the one that is searched.
 * - `announcements` has what is still to be published: written with the change, removed once the server has it.
 */
export const MIGRATIONS: readonly Migration[] = [
  `
  CREATE TABLE memories (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    layer TEXT NOT NULL,
    importance REAL NOT NULL,
    sent_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    expires_at INTEGER,
    source TEXT NOT NULL,
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL,
    content TEXT NOT NULL
  ) STRICT;
  CREATE INDEX memories_by_time ON memories (occurred_at, seq, expires_at, layer);
  CREATE INDEX memories_by_expiry ON memories (expires_at) WHERE expires_at IS NOT NULL;

  CREATE TABLE memory_tags (
    tag TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tag, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX memory_tags_by_memory ON memory_tags (seq);

  CREATE VIRTUAL TABLE memory_text USING fts5(
    content, tags,
    content = 'memories', content_rowid = 'seq',
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
  );
  CREATE TRIGGER memory_inserted AFTER INSERT ON memories BEGIN
    INSERT INTO memory_text (rowid, content, tags) VALUES (new.seq, new.content, new.tags);
  END;
  CREATE TRIGGER memory_deleted AFTER DELETE ON memories BEGIN
    INSERT INTO memory_text (memory_text, rowid, content, tags)
      VALUES ('delete', old.seq, old.content, old.tags);
    DELETE FROM memory_tags WHERE seq = old.seq;
  END;

  CREATE TABLE gone (
    id TEXT PRIMARY KEY,
    change TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX gone_by_time ON gone (at);

  CREATE TABLE forget_requests (
    id TEXT PRIMARY KEY,
    up_to INTEGER NOT NULL,
    forgotten INTEGER NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE announcements (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    change TEXT NOT NULL,
    memory_ids TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  `,
  // A memory that was stored before there were owners belongs to whoever stored it.
  `
  ALTER TABLE memories ADD COLUMN owner TEXT NOT NULL DEFAULT '';
  ALTER TABLE memories ADD COLUMN scope TEXT NOT NULL DEFAULT 'private';
  UPDATE memories SET owner = source;
  DROP INDEX memories_by_time;
  CREATE INDEX memories_by_time ON memories (occurred_at, seq, expires_at, layer, owner, scope);
  `,
  `
  CREATE TABLE owner (
    term INTEGER PRIMARY KEY,
    id TEXT NOT NULL
  ) STRICT;
  `,
  `
  DROP TRIGGER memory_inserted;
  DROP TRIGGER memory_deleted;
  DROP TABLE memory_text;
  CREATE TABLE memory_changes (
    at INTEGER PRIMARY KEY AUTOINCREMENT,
    seq INTEGER NOT NULL
  ) STRICT;
  CREATE TRIGGER memory_deleted AFTER DELETE ON memories BEGIN
    INSERT INTO memory_changes (seq) VALUES (old.seq);
    DELETE FROM memory_tags WHERE seq = old.seq;
  END;
  CREATE TRIGGER memory_updated AFTER UPDATE ON memories BEGIN
    INSERT INTO memory_changes (seq) VALUES (new.seq);
  END;
  `,
  toVersions,
  `
  CREATE TABLE vector_models (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    dimension INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE memory_vectors (
    at INTEGER PRIMARY KEY AUTOINCREMENT,
    seq INTEGER NOT NULL UNIQUE,
    model INTEGER NOT NULL,
    vector BLOB NOT NULL
  ) STRICT;
  CREATE INDEX memory_vectors_by_model ON memory_vectors (model, at);
  CREATE TRIGGER memory_vector_gone AFTER DELETE ON memories BEGIN
    DELETE FROM memory_vectors WHERE seq = old.seq;
  END;
  CREATE TRIGGER memory_vector_outdated AFTER UPDATE OF content ON memories
    WHEN old.content <> new.content BEGIN
    DELETE FROM memory_vectors WHERE seq = old.seq;
  END;
  `,
  TEXTS,
  'CREATE INDEX update_requests_by_memory ON update_requests (seq)',
]

/** The newest version of a memory file that this program reads, and the one that it writes. */
export const MEMORY_FILE_VERSION = MIGRATIONS.length
