import { randomUUID } from 'node:crypto'
import { type Clock, pause, takeWhenFree } from '@jamey/bus'
import type { Logger } from 'pino'
import type { Claim } from '../file/claim.js'
import { OwnerLock } from '../file/owner-lock.js'
import { StorageError } from '../model/errors.js'
import type { MemoryStorage } from '../model/memory-storage.js'

const FIRST_RETRY_MS = 100
const MAXIMUM_RETRY_MS = 1000

export interface OwnedFileParts {
  readonly file: string
  readonly clock: Clock
  readonly log: Logger | undefined
  /** Opens the file, which is this process's alone, under `claim`. */
  readonly open: (claim: Claim) => Promise<MemoryStorage>
  /** Told true when another process has the file, and false when this one got it or gave up. */
  readonly onStandby: (isStandby: boolean) => void
}

/** A memory file that no other process serves. */
export interface OwnedFile {
  readonly store: MemoryStorage
  /** Closes the file, and lets go of it. */
  close(): Promise<void>
}

/**
 * Waits until this process is the only one to serve the file, then opens it. Undefined where `signal` came before it was
 * open. Rejects with `StorageError` where it never can be.
 */
export async function openOwned(parts: OwnedFileParts, signal: AbortSignal): Promise<OwnedFile | undefined> {
  const lock = await own(parts, signal)
  if (lock === undefined) return undefined
  let store: MemoryStorage | undefined
  try {
    store = await openWhole(parts, signal)
  } finally {
    if (store === undefined) lock.release()
  }
  if (store === undefined) return undefined
  const opened = { store, close: () => closeBoth(store, lock) }
  if (!signal.aborted) return opened
  await opened.close()
  return undefined
}

async function closeBoth(store: MemoryStorage, lock: OwnerLock): Promise<void> {
  try {
    await store.close()
  } finally {
    lock.release()
  }
}

function own({ file, clock, log, onStandby }: OwnedFileParts, signal: AbortSignal) {
  const tell = (isStandby: boolean): void => {
    onStandby(isStandby)
    if (!isStandby) return
    log?.info({ event: 'memory.file.standby', file }, 'another process serves the memory file; standing by')
  }
  return takeWhenFree(() => OwnerLock.tryTake(file), { clock, signal, onStandby: tell })
}

/** A process that is short of descriptors or memory may have room for a thread later. */
async function openWhole({ clock, log, open }: OwnedFileParts, signal: AbortSignal) {
  const id = randomUUID()
  for (let delayMs = FIRST_RETRY_MS; !signal.aborted; delayMs = Math.min(delayMs * 2, MAXIMUM_RETRY_MS)) {
    try {
      return await open({ id, isNew: true })
    } catch (error) {
      if (!(error instanceof StorageError && error.code === 'storage-thread')) throw error
      log?.warn(
        { event: 'memory.file.unopened', err: error, delay_ms: delayMs },
        'the memory file could not be opened yet',
      )
      await pause(clock, delayMs, signal)
    }
  }
  return undefined
}
