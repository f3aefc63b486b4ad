import type { Memory } from '@jamey/contracts'
import type { Database } from '../file/database.js'
import { type MemoryRow, tagKey } from '../model/memory-record.js'

/** A note about a memory that was removed. */
export interface GoneRow {
  readonly change: string
  readonly sent_at: number
  /** Moment at which it was forgotten or expired. */
  readonly at: number
}

/** The prepared statements that the store itself runs. */
export function statementsFor(database: Database) {
  const insertTag = database.prepare(
    'INSERT INTO memory_tags (tag, seq) SELECT ?, seq FROM memories WHERE id = ?',
  )
  return {
    byId: database.prepare<MemoryRow>('SELECT * FROM memories WHERE id = ?'),
    goneById: database.prepare<GoneRow>('SELECT change, sent_at, at FROM gone WHERE id = ?'),
    dropGone: database.prepare('DELETE FROM gone WHERE id = ?'),
    counts: database.prepare<{ memories: number; announcements: number }>(
      `SELECT (SELECT count(*) FROM memories) AS memories,
        (SELECT count(*) FROM announcements) AS announcements`,
    ),
    insert: database.prepare(
      `INSERT INTO memories (id, layer, importance, sent_at, created_at, occurred_at, expires_at, source, owner, scope, tags,
        metadata, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    insertTags: (memory: Memory) => {
      for (const tag of memory.tags) insertTag.run(tagKey(tag), memory.id)
    },
  }
}
