import { StorageError } from '../model/errors.js'
import type { Database } from './database.js'

/** The mark of the process that serves the file from now on. */
export interface Claim {
  /** A value that is made anew each time that a process takes the file. */
  readonly id: string
  /** True where it takes the file, false where it had it and only opens it again. */
  readonly isNew: boolean
}

interface Owner {
  readonly term: number
  readonly id: string
}

/**
 * Makes whoever claims the file its owner, under the next term, and from then on lets this connection write only for as
 * long as nobody else has: each transaction looks first, which holds the write lock already. So one whose lock was lost
 * without its knowing (the lock's file was removed or replaced) writes nothing any more. The announcements that the
 * owner before left behind become those of `announcer`. Throws `StorageError` 'storage-superseded'.
 */
export function claim(database: Database, { id, isNew }: Claim, announcer: string | undefined): void {
  const current = database.prepare<Owner>('SELECT term, id FROM owner ORDER BY term DESC LIMIT 1')
  const mustBeOurs = (): void => {
    if (current.all()[0]?.id !== id) throw superseded(database.file)
  }
  if (isNew) {
    database.transaction(() => {
      const term = (current.all()[0]?.term ?? 0) + 1
      database.prepare('DELETE FROM owner').run()
      database.prepare('INSERT INTO owner (term, id) VALUES (?, ?)').run(term, id)
      if (announcer !== undefined) database.prepare('UPDATE announcements SET owner = ?').run(announcer)
    })
  }
  database.transaction(mustBeOurs)
  database.beforeWriting(mustBeOurs)
}

function superseded(file: string): StorageError {
  return new StorageError(
    'storage-superseded',
    `The memory file ${file} is served by another process now, which took it after this one; was its .owner file removed?`,
  )
}
