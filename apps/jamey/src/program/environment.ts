import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'

export interface Environment {
  /** The environment with what `.env` adds to it; a variable of the environment wins. */
  readonly env: NodeJS.ProcessEnv
  /** The variables that come from `.env`: people forget that it is there, so hints say it. */
  readonly fromFile: ReadonlySet<string>
}

/** The environment of a command that runs in `cwd`, with the `.env` of that folder. Throws `OwnershipError`. */
export async function environmentOf(env: NodeJS.ProcessEnv, cwd: string): Promise<Environment> {
  const path = join(cwd, '.env')
  if (!isThere(path)) return { env, fromFile: new Set() }
  const { readEnvironmentFile } = await import('../support/from-bus.js')
  let file: Record<string, string>
  try {
    file = readEnvironmentFile(path)
  } catch (error) {
    if ((error as Error).name === 'OwnershipError') throw error
    throw new CommandFailure(`cannot read ${path}: ${(error as Error).message}`, {
      code: 'env-file-unreadable',
      exitCode: EXIT.usage,
      cause: error,
    })
  }
  const added = Object.keys(file).filter((name) => env[name] === undefined)
  return { env: { ...file, ...env }, fromFile: new Set(added) }
}

/** A directory of that name, as virtual environments of other languages have, is not meant for us. */
function isThere(path: string): boolean {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false })
    return found !== undefined && !found.isDirectory()
  } catch {
    // The reader of the file says why that cannot be done.
    return true
  }
}
