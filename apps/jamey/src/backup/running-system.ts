import { OwnerLock } from '@jamey/memory'
import { StoreSnapshot } from '@jamey/store'
import type { DataDirectory } from '../install/data-directory.js'
import { readRunFile } from '../install/run-file.js'
import { CommandFailure } from '../support/failure.js'
import { type Source, sourcesIn } from './sources.js'

/** Throws `CommandFailure` where a process works with this data directory: all of the system, or one part of it. */
export async function expectNothingRuns(directory: DataDirectory): Promise<void> {
  const run = readRunFile(directory.path)
  if (run.state === 'running') throw running(directory, `jamey runs there (process ${run.record.pid})`)
  for (const source of sourcesIn(directory.path)) {
    const user = await userOf(source)
    if (user !== undefined) throw running(directory, `${user} has ${source.from} open`)
  }
}

/** Who works with it; undefined where nobody does, or nobody could: what cannot be opened is to be set aside. */
async function userOf({ kind, from }: Source): Promise<string | undefined> {
  if (kind === 'memory') {
    const lock = OwnerLock.tryTake(from)
    lock?.release()
    return lock === undefined ? 'a memory' : undefined
  }
  if (kind !== 'store') return undefined
  try {
    const store = await StoreSnapshot.open(from)
    await store.close()
    return store.owner === undefined ? undefined : `process ${store.owner}`
  } catch (error) {
    return (error as { code?: unknown }).code === 'in-use' ? 'a process' : undefined
  }
}

function running({ path }: DataDirectory, what: string): CommandFailure {
  return new CommandFailure(`${path} is in use: ${what}`, {
    code: 'system-running',
    hint: 'stop it, or restore into another folder with --data-dir',
  })
}
