import type { Database } from './database.js'

/** Texts that `new_texts` may have before they are moved: some tens of pages. */
const MOVED_AT_ONCE = 4096

/** The beginning of a text's hash, a term of SQL. Whoever finds a memory by that compares the rest. */
export const beginningOf = (hash: string): string => `unhex(substr(${hash}, 1, 12))`

const COLUMNS =
  'text BLOB NOT NULL, owner TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (text, owner, seq)'

const removed = (table: string): string =>
  `DELETE FROM ${table} WHERE text = ${beginningOf('old.content_hash')} AND owner = old.owner AND seq = old.seq;`
const REMOVED = `${removed('new_texts')} ${removed('memory_texts')}`
const ADDED = `INSERT INTO new_texts (text, owner, seq) VALUES (${beginningOf('new.content_hash')}, new.owner, new.seq);`

/**
 * Which memories have a text. Hashes come in no order, and in a large index each of them would have a page of it written
 * anew: so they come into `new_texts`, which is small, and are moved to `memory_texts` many at a time.
 */
export const TEXTS = `
  CREATE TABLE memory_texts (${COLUMNS}) STRICT, WITHOUT ROWID;
  CREATE TABLE new_texts (${COLUMNS}) STRICT, WITHOUT ROWID;
  -- In the order of the index, which has all of it.
  INSERT INTO memory_texts (text, owner, seq)
    SELECT unhex(substr(substr(content_hash, 1, 16), 1, 12)), owner, seq FROM memories INDEXED BY memories_by_text
      ORDER BY substr(content_hash, 1, 16), owner;
  DROP INDEX memories_by_text;
  CREATE TRIGGER memory_text_inserted AFTER INSERT ON memories BEGIN ${ADDED} END;
  CREATE TRIGGER memory_text_changed AFTER UPDATE OF content_hash, owner ON memories
    WHEN old.content_hash <> new.content_hash OR old.owner <> new.owner BEGIN ${REMOVED} ${ADDED} END;
  CREATE TRIGGER memory_text_deleted AFTER DELETE ON memories BEGIN ${REMOVED} END;
`

/** Numbers of the memories of an owner that have this beginning of a hash; both are terms of SQL. */
export function seqsOfText(beginning: string, owner: string): string {
  const of = (table: string) => `SELECT seq FROM ${table} WHERE text = ${beginning} AND owner = ${owner}`
  return `${of('new_texts')} UNION ALL ${of('memory_texts')}`
}

/** Fills both tables anew from the memories; called inside a transaction only. */
export function rebuildTexts(database: Database): void {
  database.execute(`
    DELETE FROM new_texts;
    DELETE FROM memory_texts;
    INSERT INTO memory_texts (text, owner, seq)
      SELECT ${beginningOf('content_hash')}, owner, seq FROM memories ORDER BY 1, 2, 3`)
}

/** Fills the table of tags anew from the memories; the result is their number. Called inside a transaction only. */
export function rebuildTags(database: Database): number {
  database.execute('DELETE FROM memory_tags')
  return database
    .prepare(
      `INSERT INTO memory_tags (tag, seq)
        SELECT DISTINCT json_each.value, memories.seq
        FROM memories, json_each(CASE WHEN json_valid(memories.tags) THEN memories.tags ELSE '[]' END)
        WHERE json_each.type = 'text'`,
    )
    .run()
}

/** Moves new texts among the others when there are many of them. */
export class TextTables {
  readonly #database: Database
  #new: number

  constructor(database: Database) {
    this.#database = database
    const [row] = database.prepare<{ count: number }>('SELECT count(*) AS count FROM new_texts').all()
    this.#new = row?.count ?? 0
  }

  get isDue(): boolean {
    return this.#new >= MOVED_AT_ONCE
  }

  /** So many were stored, or a few less. */
  noteStored(count: number): void {
    this.#new += count
  }

  /** Moves them in a transaction of its own. Where that fails, it is due again with as many more. */
  move(): void {
    this.#new = 0
    this.#database.transaction(() =>
      this.#database.execute('INSERT INTO memory_texts SELECT * FROM new_texts; DELETE FROM new_texts'),
    )
  }
}
