import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { finishCopy } from '../lmdb/finished-copy.js'
import { flushFolder } from '../lmdb/folder.js'
import { LmdbEnvironment } from '../lmdb/lmdb-environment.js'
import { explainCopyFailure } from '../lmdb/lmdb-failure.js'
import { StoreError } from '../lmdb/store-error.js'
import { BROKER_SCHEMA } from './schema.js'

export interface BrokerStoreBackupOptions {
  /** The store's folder; its broker may be running, in any process but this one. */
  readonly path: string
  /** The folder to make; nothing may be there, and the folder around it must be. */
  readonly to: string
}

export interface BrokerStoreBackup {
  /** The real path of the new folder. */
  path: string
  bytes: number
  /** The process that had the store open; undefined: nobody. */
  owner: number | undefined
}

/**
 * Copies a broker's store as its last commit left it, without holding its broker up. The copy is a store like the first
 * one: a broker that is started with it goes on from there. It is for its owner only (0700, 0600), every record of it
 * was read again, and it appears, flushed, at once and whole. Throws `StoreError`.
 *
 * A store that is being copied cannot be opened by a broker that starts: it waits a second, and gives up.
 */
export async function backupBrokerStore({ path, to }: BrokerStoreBackupOptions): Promise<BrokerStoreBackup> {
  const target = resolve(to)
  const draft = `${target}.${process.pid}.new`
  expectNothing(target)
  makeDraft(draft)
  try {
    const { environment, owner } = await LmdbEnvironment.openToRead(path, BROKER_SCHEMA)
    try {
      await environment.copyTo(draft)
    } finally {
      await environment.close()
    }
    await readAll(draft)
    const bytes = finishCopy(draft)
    // An empty folder that appeared meanwhile is all that this could replace.
    expectNothing(target)
    renameSync(draft, target)
    flushFolder(target)
    return { path: target, bytes, owner }
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    throw error instanceof StoreError ? error : explainCopyFailure(target, error)
  }
}

function expectNothing(target: string): void {
  if (!existsSync(target)) return
  throw new StoreError(
    'exists',
    target,
    'something is there already, and is not overwritten; name another folder',
  )
}

function makeDraft(draft: string): void {
  try {
    mkdirSync(draft, { mode: 0o700 })
  } catch (error) {
    throw new StoreError(
      'not-accessible',
      draft,
      `${(error as Error).message}; the folder around it must be there, and the user of this process may write to it`,
      { cause: error },
    )
  }
}

/** Reads every record: one that cannot be read now could not be restored either. */
async function readAll(draft: string): Promise<void> {
  const { environment } = await LmdbEnvironment.openToRead(draft, BROKER_SCHEMA)
  try {
    // Reading a record checks its checksum.
    for (const _record of environment.records([]));
  } finally {
    await environment.close()
  }
}
