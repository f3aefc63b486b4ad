import type { RootDatabase } from 'lmdb'
import { rangeOf } from './key-range.js'
import { RecordReader } from './record-reader.js'
import { RecordWriter } from './record-writer.js'
import type { MigrationRecords, Schema } from './schema.js'
import { StoreError } from './store-error.js'

export const SCHEMA_KEY = Buffer.from([0])

/**
 * Checks the record that says what the store is, makes it where the store is new, and migrates an older one in one
 * transaction. Throws `StoreError`.
 */
export function bringUpToDate(
  path: string,
  database: RootDatabase<Buffer, Buffer>,
  schema: Schema,
): 'new' | 'known' {
  const bytes = database.get(SCHEMA_KEY)
  if (bytes === undefined) {
    initialise(path, database, schema)
    return 'new'
  }
  const version = readVersion(path, bytes, schema)
  if (version < schema.version) migrate(path, database, schema, version)
  return 'known'
}

/** Checks the version for a process that only reads, and so neither makes nor migrates. Throws `StoreError`. */
export function expectUpToDate(path: string, bytes: Buffer | undefined, schema: Schema): void {
  if (bytes === undefined) throw foreign(path, `expected a '${schema.kind}', found an LMDB file without one`)
  const version = readVersion(path, bytes, schema)
  if (version === schema.version) return
  throw new StoreError(
    'older-version',
    path,
    `expected format ${schema.version}, found ${version}: an earlier version wrote it; start its owner once, which brings it up to date`,
  )
}

/** The schema's version or an older one. */
function readVersion(path: string, bytes: Buffer, schema: Schema): number {
  const reader = new RecordReader(bytes, path, SCHEMA_KEY)
  const kind = reader.string()
  const version = reader.varint()
  if (kind !== schema.kind) {
    throw foreign(path, `expected a '${schema.kind}', found a '${kind}'`)
  }
  if (version <= schema.version) return version
  throw new StoreError(
    'newer-version',
    path,
    `expected format ${schema.version} or older, found ${version}: a later version wrote it; install that version again, or use another folder`,
  )
}

function initialise(path: string, database: RootDatabase<Buffer, Buffer>, schema: Schema): void {
  for (const _key of database.getKeys({ limit: 1 })) {
    throw foreign(path, `expected a '${schema.kind}', found an LMDB file of another program`)
  }
  database.transactionSync(() => putSchema(database, schema))
}

function migrate(path: string, database: RootDatabase<Buffer, Buffer>, schema: Schema, from: number): void {
  const records: MigrationRecords = {
    path,
    range: (prefix, after) => {
      const range = rangeOf(prefix)
      // The least key that is greater.
      return database.getRange(after === undefined ? range : { ...range, start: Buffer.from([...after, 0]) })
    },
    put: (key, value) => void database.put(Buffer.from(key), Buffer.from(value)),
    remove: (key) => void database.remove(Buffer.from(key)),
  }
  try {
    database.transactionSync(() => {
      for (let version = from; version < schema.version; version++) {
        const step = schema.migrations.get(version)
        if (step === undefined) throw new Error(`no migration from format ${version} is known`)
        step(records)
      }
      putSchema(database, schema)
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StoreError(
      'migration-failed',
      path,
      `format ${from} could not be brought to ${schema.version}: ${reason}; nothing was changed, and the version that wrote it still opens it`,
      { cause: error },
    )
  }
}

function putSchema(database: RootDatabase<Buffer, Buffer>, { kind, version }: Schema): void {
  void database.put(SCHEMA_KEY, new RecordWriter().string(kind).varint(version).endValue())
}

function foreign(path: string, what: string): StoreError {
  return new StoreError('foreign', path, `${what}; give the store a folder of its own`)
}
