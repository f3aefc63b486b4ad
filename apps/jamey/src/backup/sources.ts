import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isDatabaseFile } from '@jamey/memory'

/**
 * One thing of an installation. `store`: a folder of `@jamey/store`. `memory`: a memory file. `lines`: a file that only
 * grows, by whole lines. `file`: anything else.
 */
export interface Source {
  readonly kind: 'file' | 'lines' | 'store' | 'memory'
  readonly from: string
  /** Its place in the data directory, with `/` between the names. */
  readonly path: string
  /** What it takes on the disk now. */
  readonly bytes: number
}

const DATA_FILE = 'data.mdb'
/** Who runs and who may change a file just now; files that are being written; parts of a memory file that its copy has. */
const OF_THE_MOMENT =
  /^(run\.json|lock\.mdb)$|\.(lock|owner|restoring|reserve)$|\.\d+\.new$|\.(db|owner)-(wal|shm|journal)$/

/** Everything in a folder, by path; links are followed, and each folder is looked at once. */
export function sourcesIn(folder: string, path = ''): Source[] {
  return [...walk(folder, path, new Set())]
}

/** One file, or one folder that may be a store. */
export function sourceAt(from: string, path: string): Source[] {
  return [...classify(from, path, new Set())]
}

function* walk(folder: string, path: string, seen: Set<string>): Generator<Source> {
  const real = realpathSync(folder)
  if (seen.has(real)) return
  seen.add(real)
  for (const name of readdirSync(folder).sort()) {
    if (OF_THE_MOMENT.test(name)) continue
    yield* classify(join(folder, name), path === '' ? name : `${path}/${name}`, seen)
  }
}

function* classify(from: string, path: string, seen: Set<string>): Generator<Source> {
  const stats = statSync(from, { throwIfNoEntry: false })
  if (stats?.isDirectory()) {
    const data = join(from, DATA_FILE)
    // One that is empty was being made when its process died.
    const bytes = existsSync(data) ? statSync(data).size : 0
    if (bytes > 0) yield { kind: 'store', from, path, bytes }
    else yield* walk(from, path, seen)
  } else if (stats?.isFile()) {
    yield { kind: kindOf(from), from, path, bytes: stats.size }
  }
}

function kindOf(file: string): Source['kind'] {
  if (file.endsWith('.jsonl')) return 'lines'
  return isDatabaseFile(file) ? 'memory' : 'file'
}
