import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ownPath } from '@jamey/auth'
import { type BrokerFile, isAsMade, withDigestLine } from '@jamey/manifest'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import { replaceFile } from './atomic-file.js'

/** The fate of a file. `kept`: what should be there is there. */
export interface WrittenFile {
  readonly path: string
  readonly became: 'written' | 'replaced' | 'kept'
}

interface Plan extends WrittenFile {
  readonly text: string
  readonly mode: number
  /** Somebody changed what is there, or wrote it. */
  readonly isOfSomebody: boolean
}

/**
 * Writes the files of a broker into `folder`, which is made where it is not there (mode 0700). Each bears the digest of
 * what was written, so that one that somebody changed is known: then nothing is written, unless `isForced`. The same
 * files again change nothing. Throws `CommandFailure` 'files-changed', `OwnershipError` for a folder of others.
 */
export function writeBrokerFolder(
  folder: string,
  files: readonly BrokerFile[],
  { isForced }: { isForced: boolean },
): readonly WrittenFile[] {
  ownPath(folder, { kind: 'folder' })
  const plans = files.map((file) => planOf(folder, file))
  const changed = plans.filter(({ isOfSomebody }) => isOfSomebody)
  if (changed.length > 0 && !isForced) throw changedFailure(changed.map(({ path }) => path))
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const { path, text, mode, became } of plans) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    if (became !== 'kept') replaceFile(path, text, mode)
    // Whatever the umask, and whatever somebody allowed since.
    chmodSync(path, mode)
  }
  return plans.map(({ path, became }) => ({ path, became }))
}

function planOf(folder: string, file: BrokerFile): Plan {
  const path = join(folder, file.path)
  const text = withDigestLine(file)
  const mode = file.mode ?? 0o644
  const found = readIfThere(path)
  if (found === undefined) return { path, text, mode, became: 'written', isOfSomebody: false }
  if (found === text) return { path, text, mode, became: 'kept', isOfSomebody: false }
  return { path, text, mode, became: 'replaced', isOfSomebody: !isAsMade(found) }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new CommandFailure(`cannot read ${path}: ${message}`, {
      code: 'file-unreadable',
      hint: 'run this as the user who made the folder, or name another one with --out',
      cause: error,
    })
  }
}

function changedFailure(paths: readonly string[]): CommandFailure {
  const what = paths.length === 1 ? `${paths[0]} was` : `${paths.join(', ')} were`
  return new CommandFailure(`${what} changed, or written by somebody else; nothing was written`, {
    code: 'files-changed',
    exitCode: EXIT.usage,
    hint: 'move what you need of it elsewhere and use --force, or name another folder with --out',
  })
}
