import { constants } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { openAsClass, type RootDatabase, type RootDatabaseOptions } from 'lmdb'

const TRY_AGAIN_MS = 20
const GIVE_UP_MS = 1000

/** Options that belong to the root database: lmdb adds them by itself only where it also constructs. */
interface OpeningOptions extends RootDatabaseOptions {
  readonly path: string
  readonly isRoot: true
}

/** The class that lmdb's own types leave out. */
type StoreClass = new (name: null, options: OpeningOptions) => RootDatabase<Buffer, Buffer>

/** A method that lmdb's types leave out, too. */
type Unfinished = RootDatabase & { ensureReadTxn(): void }

/**
 * Opens an LMDB file, again where another process closes it at the same moment: whoever closes it last destroys its
 * mutexes, and an opener that waited for that has joined a lock file without any (EINVAL). The next one to open it
 * alone makes them anew.
 */
export async function openLmdb(
  folder: string,
  options: RootDatabaseOptions,
): Promise<RootDatabase<Buffer, Buffer>> {
  const endsAtMs = performance.now() + GIVE_UP_MS
  for (;;) {
    const settings: OpeningOptions = { ...options, path: folder, isRoot: true }
    const Store = openAsClass<Buffer, Buffer>(settings) as unknown as StoreClass
    const unfinished = Object.assign(Object.create(Store.prototype) as Unfinished, { isRoot: true })
    try {
      // Without mutexes this fails, too. A write transaction, with which lmdb would begin, fails unseen, and what follows
      // it says "No current read transaction available" on standard error.
      unfinished.ensureReadTxn()
      return new Store(null, settings)
    } catch (error) {
      // It is open already, and nobody but this could close it.
      await unfinished.close()
      const isJoined = (error as { code?: unknown }).code === constants.errno.EINVAL
      if (!isJoined || performance.now() >= endsAtMs) throw error
    }
    await setTimeout(TRY_AGAIN_MS)
  }
}
