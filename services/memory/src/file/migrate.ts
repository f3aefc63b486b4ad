import { StorageError } from '../model/errors.js'
import type { Database } from './database.js'

/** 'JMEM': tells a memory file from any other SQLite file. */
export const APPLICATION_ID = 0x4a4d454d

/** How far a file has come on its way to another version. */
export interface MigrationProgress {
  readonly version: number
  readonly done: number
  readonly total: number
}

export type ReportProgress = (progress: MigrationProgress) => void

/**
 * Takes a file to the next version: by statements in one transaction, or, where every memory has to be rewritten, in
 * as many as it takes. What these leave behind when they are killed between two of them, the next run goes on from;
 * `finish` runs what it is given in the transaction with which the new version begins.
 */
export type Migration =
  | string
  | ((
      database: Database,
      finish: (work: () => void) => void,
      report: (done: number, total: number) => void,
    ) => void)

/**
 * Brings the file to the newest version; a new file is filled from nothing. Two processes may do so at once.
 *
 * Throws `StorageError` 'storage-foreign' for a database that is not a memory file and 'storage-version' for one
 * that a newer program has written.
 */
export function migrate(
  database: Database,
  migrations: readonly Migration[],
  report: ReportProgress = () => {},
): void {
  let version = checkedVersion(database, migrations.length)
  while (version < migrations.length) {
    // Statements one after another are one transaction, so that a new file is there as a whole or not at all.
    const from = version
    const upTo = migrations.findIndex((one, i) => i >= from && typeof one !== 'string')
    if (upTo === from) rewrite(database, migrations, from, report)
    else execute(database, migrations, upTo === -1 ? migrations.length : upTo)
    version = checkedVersion(database, migrations.length)
  }
}

function execute(database: Database, migrations: readonly Migration[], upTo: number): void {
  database.transaction(() => {
    const version = checkedVersion(database, migrations.length)
    for (const sql of migrations.slice(version, upTo)) database.execute(sql as string)
    if (version < upTo) begin(database, upTo)
  })
}

function rewrite(
  database: Database,
  migrations: readonly Migration[],
  from: number,
  report: ReportProgress,
): void {
  const migration = migrations[from] as Exclude<Migration, string>
  const finish = (work: () => void): void =>
    database.transaction(() => {
      if (checkedVersion(database, migrations.length) !== from) return
      work()
      begin(database, from + 1)
    })
  migration(database, finish, (done, total) => report({ version: from + 1, done, total }))
}

function begin(database: Database, version: number): void {
  database.execute(`PRAGMA application_id = ${APPLICATION_ID}`)
  database.execute(`PRAGMA user_version = ${version}`)
}

function checkedVersion(database: Database, newest: number): number {
  const version = database.pragma('user_version')
  const application = database.pragma('application_id')
  const [tables] = database.prepare<{ count: number }>('SELECT count(*) AS count FROM sqlite_schema').all()
  const isNew = application === 0 && version === 0 && tables?.count === 0
  if (application !== APPLICATION_ID && !isNew) {
    throw new StorageError(
      'storage-foreign',
      `The file ${database.file} is a database of another program (application id ${application}); name another file for memories.`,
    )
  }
  mustBeKnown(database.file, version, newest)
  return version
}

/** Throws `StorageError` 'storage-version' for a file that a newer program has written. */
export function mustBeKnown(file: string, version: number, newest: number): void {
  if (version <= newest) return
  throw new StorageError(
    'storage-version',
    `The memory file ${file} has version ${version}, and this program reads up to version ${newest}; use the newer program that wrote it.`,
  )
}
