import { BROKER_SCHEMA } from './broker/schema.js'
import { LmdbEnvironment } from './lmdb/lmdb-environment.js'
import { explainFailure } from './lmdb/lmdb-failure.js'
import { StoreError } from './lmdb/store-error.js'
import { SESSION_SCHEMA } from './session/schema.js'

export interface StoreCheckOptions {
  /** The store's folder; its owner may be running, in any process but this one. */
  readonly path: string
  /** The store of a broker (`openBrokerStore`) or of a client's session (`openSessionStore`). */
  readonly kind: 'broker' | 'session'
}

export interface StoreCheck {
  /** Number of records that are whole. */
  records: number
  /** Number of records that cannot be read. */
  damaged: number
  /** The fault of the first damaged one; undefined where all are whole. */
  damage: StoreError | undefined
  /** The process that has the store open; undefined: nobody. */
  owner: number | undefined
}

/** An owner that starts waits for readers for a second. */
const PIECE_MS = 200

/**
 * Reads every record of a store and counts those whose checksum is wrong, without changing anything. It is read in
 * pieces of a fifth of a second, so that neither an owner that starts has to wait for the end nor the file of one that
 * runs grows meanwhile. Throws `StoreError` where the store cannot be read at all.
 */
export async function checkStore({ path, kind }: StoreCheckOptions): Promise<StoreCheck> {
  const schema = kind === 'broker' ? BROKER_SCHEMA : SESSION_SCHEMA
  const check: StoreCheck = { records: 0, damaged: 0, damage: undefined, owner: undefined }
  let start: Buffer | undefined = Buffer.alloc(0)
  while (start !== undefined) {
    const { environment, owner } = await LmdbEnvironment.openToRead(path, schema)
    try {
      check.owner ??= owner
      start = readPiece(environment, start, check)
    } catch (error) {
      throw explainFailure(path, error)
    } finally {
      await environment.close()
    }
  }
  return check
}

/** Gives the key to go on from, or nothing where that was the last piece. */
function readPiece(environment: LmdbEnvironment, start: Buffer, check: StoreCheck): Buffer | undefined {
  const endsAtMs = performance.now() + PIECE_MS
  for (const { key, value } of environment.entries({ start })) {
    try {
      environment.reader(key, value)
      check.records++
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      check.damage ??= error
      check.damaged++
    }
    if (performance.now() >= endsAtMs) return Buffer.concat([key, Buffer.alloc(1)])
  }
  return undefined
}
