import { Database } from '../file/database.js'
import { rebuildTags, rebuildTexts } from '../file/text-tables.js'
import { MemoryStore } from './memory-store.js'

/** What was made anew. */
export interface Reindexed {
  readonly memories: number
  readonly tags: number
}

/**
 * Makes everything anew that follows from the memories of a file: the tags by which they are found, the indexes of the
 * file, and, in a service that runs meanwhile, the index of their words. Nothing of it is there by half: it is one
 * transaction, for which the service's own writes wait. Rejects with `StorageError`.
 */
export async function reindexMemoryFile(file: string, busyTimeoutMs: number): Promise<Reindexed> {
  // Brings an older file to the present version first.
  await MemoryStore.open({ file, busyTimeoutMs }).close()
  const database = new Database({ file, busyTimeoutMs })
  try {
    return database.transaction(() => {
      const tags = rebuildTags(database)
      rebuildTexts(database)
      database.execute('REINDEX')
      // Whoever keeps the words in memory reads them all again where changes are gone that it has not seen.
      database.execute('INSERT INTO memory_changes (seq) VALUES (0)')
      database.execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'memory_changes'")
      database.execute('INSERT INTO memory_changes (seq) VALUES (0)')
      database.execute('DELETE FROM memory_changes WHERE at < (SELECT max(at) FROM memory_changes)')
      const [row] = database.prepare<{ memories: number }>('SELECT count(*) AS memories FROM memories').all()
      return { memories: row?.memories ?? 0, tags }
    })
  } finally {
    database.close()
  }
}
