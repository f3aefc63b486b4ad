import type { Memory } from '@jamey/contracts'
import type { Database } from './database.js'
import { type MemoryRow, tagKey } from './memory-record.js'

/** The prepared statements that the store itself runs. */
export function statementsFor(database: Database) {
  const insertTag = database.prepare(
    'INSERT INTO memory_tags (tag, seq) SELECT ?, seq FROM memories WHERE id = ?',
  )
  return {
    byId: database.prepare<MemoryRow>('SELECT * FROM memories WHERE id = ?'),
    goneById: database.prepare<{ change: string }>('SELECT change FROM gone WHERE id = ?'),
    counts: database.prepare<{ memories: number; announcements: number }>(
      `SELECT (SELECT count(*) FROM memories) AS memories,
        (SELECT count(*) FROM announcements) AS announcements`,
    ),
    insert: database.prepare(
      `INSERT INTO memories (id, layer, importance, created_at, occurred_at, expires_at, source, tags, metadata,
        content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    insertTags: (memory: Memory) => {
      for (const tag of memory.tags) insertTag.run(tagKey(tag), memory.id)
    },
  }
}
