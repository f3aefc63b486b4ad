import { closeSync, openSync, rmSync, statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { CommandFailure } from '../support/failure.js'

const TRIES = 100
const PAUSE_MS = 50
/** Time after which a holder of the lock must have died: reading and writing the file takes milliseconds. */
const ABANDONED_MS = 4_000

/** Runs `change`, which reads a file and writes it again, while no other command does: or one would undo the other. */
export async function withFileLock<T>(path: string, change: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`
  await take(lock)
  try {
    return await change()
  } finally {
    rmSync(lock, { force: true })
  }
}

async function take(lock: string): Promise<void> {
  for (let i = 0; i < TRIES; i++) {
    try {
      return closeSync(openSync(lock, 'wx', 0o600))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'EEXIST') {
        throw new CommandFailure(`cannot write ${lock}: ${message}`, {
          code: 'file-unwritable',
          hint: 'let the user who runs this write there, or choose another file',
          cause: error,
        })
      }
    }
    const beganAtMs = statSync(lock, { throwIfNoEntry: false })?.mtimeMs
    if (beganAtMs !== undefined && Math.abs(Date.now() - beganAtMs) > ABANDONED_MS)
      rmSync(lock, { force: true })
    await pause(PAUSE_MS)
  }
  throw new CommandFailure(`another command changes ${lock.replace(/\.lock$/, '')}`, {
    code: 'file-busy',
    hint: `wait for it; where none runs, remove ${lock}`,
  })
}
