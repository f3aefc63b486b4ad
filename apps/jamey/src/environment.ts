import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { EXIT } from './exit-codes.js'
import { CommandFailure } from './failure.js'

/** The environment with what `.env` in `cwd` adds to it; a variable of the environment wins. */
export function environmentOf(env: NodeJS.ProcessEnv, cwd: string): NodeJS.ProcessEnv {
  const path = join(cwd, '.env')
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // A directory of that name, as virtual environments of other languages have, is not meant for us.
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') return env
    throw new CommandFailure(`cannot read ${path}: ${(error as Error).message}`, {
      code: 'env-file-unreadable',
      exitCode: EXIT.usage,
      cause: error,
    })
  }
  return { ...parseEnv(text), ...env }
}
