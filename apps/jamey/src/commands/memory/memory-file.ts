import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ownPath } from '@jamey/auth'
import type { MemoryArchive, MemoryStore } from '@jamey/memory'
import { dataFolderAt, displayPath, requireDataDirectory } from '../../install/data-directory.js'
import { EXIT } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import { plural } from '../../support/quantities.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { type ArchiveTally, exportTo, importFrom, mustBeNew, writePages } from './archive-file.js'
import { checkDatabase, databaseOf, leftToPostgres, withDatabase } from './memory-database.js'

export interface MemoryFileOptions {
  readonly json?: boolean
  readonly dataDir?: string
}

/** Number of lines that are written or taken before anything else gets its turn. */
const BATCH = 500
/** The service of the same file writes in between. */
const BUSY_MS = 30_000

/** Writes every memory as one line of JSON: to a new file of its owner's alone, or to standard output. */
export async function exportMemories(
  context: CommandContext,
  target: string,
  options: MemoryFileOptions,
): Outcome {
  const database = await databaseOf(context, options)
  if (database !== undefined) {
    return withDatabase(database, (store) =>
      exportTo(context, target, options, (write) =>
        writePages(context, (asked) => store.exportPage(asked), write),
      ),
    )
  }
  const archive = await openArchive(context, options)
  try {
    return await exportTo(context, target, options, (write) => writeAll(context, archive, write))
  } finally {
    archive.close()
  }
}

async function writeAll(
  { terminal, interrupted }: CommandContext,
  archive: MemoryArchive,
  write: (line: string) => void,
): Promise<number> {
  let count = 0
  for (const memory of archive.memories()) {
    write(`${JSON.stringify(memory)}\n`)
    count += 1
    if (count % BATCH !== 0) continue
    await terminal.output.drained()
    // A turn for the signals.
    await new Promise((turn) => setImmediate(turn))
    interrupted.throwIfAborted()
  }
  return count
}

/** Takes the memories of an export. A line that cannot be taken is told at the end; the others are taken. */
export async function importMemories(
  context: CommandContext,
  source: string,
  options: MemoryFileOptions,
): Outcome {
  const database = await databaseOf(context, options)
  if (database !== undefined) {
    return withDatabase(database, (store, name) =>
      importFrom(context, source, options, { name, facts: { database: name } }, (lines, tally) =>
        takeAll(store, lines, tally, context),
      ),
    )
  }
  const file = memoryFileOf(context, options)
  const { MemoryStore: Store } = await import('@jamey/memory')
  const place = { name: displayPath(file, context.cwd), facts: { file } }
  const store = Store.open({ file, busyTimeoutMs: BUSY_MS })
  try {
    return await importFrom(context, source, options, place, (lines, tally) =>
      takeAll(store, lines, tally, context),
    )
  } finally {
    await store.close()
  }
}

/** A file, or a database. */
type Restoring = Pick<MemoryStore, 'restore'>

async function takeAll(
  store: Restoring,
  lines: AsyncIterable<string>,
  tally: ArchiveTally,
  { interrupted }: CommandContext,
): Promise<void> {
  let number = 0
  let batch: Promise<void>[] = []
  for await (const text of lines) {
    number += 1
    if (text.trim() === '') continue
    batch.push(take(store, text, number, tally))
    if (batch.length < BATCH) continue
    await Promise.all(batch)
    batch = []
    interrupted.throwIfAborted()
  }
  await Promise.all(batch)
}

async function take(store: Restoring, text: string, line: number, tally: ArchiveTally): Promise<void> {
  try {
    const outcome = await store.restore(JSON.parse(text))
    tally[outcome === 'restored' ? 'imported' : outcome] += 1
  } catch (error) {
    const { name, message } = error as Error
    // Whatever else fails is the file's or the disk's, and would fail for every line.
    if (!/^(SyntaxError|MemoryInputError|MemoryConflictError)$/.test(name)) throw error
    tally.refused.push({ number: line, refusal: message })
  }
}

/** A copy of the memory file as it is now, which a memory can be started with. */
export async function backupMemories(
  context: CommandContext,
  target: string,
  options: MemoryFileOptions,
): Outcome {
  const { terminal, cwd } = context
  if ((await databaseOf(context, options)) !== undefined) throw leftToPostgres('backup')
  const path = resolve(cwd, target)
  mustBeNew(path)
  ownPath(dirname(path))
  const archive = await openArchive(context, options)
  try {
    const { memories, bytes } = archive.backup(path)
    if (options.json) terminal.printJson({ memories, bytes, file: path })
    else {
      terminal.print(`${displayPath(path, cwd)}: ${plural(memories, 'memory', 'memories')}, ${bytes} bytes`)
      terminal.note('to restore it, stop the memory, put this file in the place of its own, and start it')
    }
    return EXIT.success
  } finally {
    archive.close()
  }
}

/** Looks through a memory file, in use or not, and says what is in it. */
export async function checkMemories(
  context: CommandContext,
  named: string | undefined,
  options: MemoryFileOptions,
): Outcome {
  const { terminal, cwd } = context
  const database = named === undefined ? await databaseOf(context, options) : undefined
  if (database !== undefined) return checkDatabase(context, database, options)
  const file = named === undefined ? memoryFileOf(context, options) : resolve(cwd, named)
  mustBeThere(file, cwd)
  const { checkMemoryFile } = await import('@jamey/memory')
  const { memories, bytes } = checkMemoryFile(file)
  if (options.json) terminal.printJson({ memories, bytes, file })
  else {
    const found = `${plural(memories, 'memory', 'memories')}, ${bytes} bytes`
    terminal.print(`${displayPath(file, cwd)} is sound: ${found}`)
  }
  return EXIT.success
}

/** Makes anew what follows from the memories of the file, also while its service runs. */
export async function reindexMemories(context: CommandContext, options: MemoryFileOptions): Outcome {
  const { terminal, cwd } = context
  if ((await databaseOf(context, options)) !== undefined) throw leftToPostgres('reindex')
  const file = memoryFileOf(context, options)
  mustBeThere(file, cwd)
  const { reindexMemoryFile } = await import('@jamey/memory')
  const { memories, tags } = await reindexMemoryFile(file, BUSY_MS)
  if (options.json) terminal.printJson({ memories, tags, file })
  else {
    const made = `the indexes of ${plural(memories, 'memory', 'memories')} with ${plural(tags, 'tag', 'tags')} are new`
    terminal.print(`${displayPath(file, cwd)}: ${made}`)
  }
  return EXIT.success
}

async function openArchive(context: CommandContext, options: MemoryFileOptions): Promise<MemoryArchive> {
  const file = memoryFileOf(context, options)
  mustBeThere(file, context.cwd)
  const { MemoryArchive: Archive } = await import('@jamey/memory')
  return new Archive(file, () => context.now().getTime())
}

function mustBeThere(file: string, cwd: string): void {
  if (existsSync(file)) return
  throw new CommandFailure(`there is no memory file ${displayPath(file, cwd)}`, {
    code: 'no-memory-file',
    exitCode: EXIT.usage,
    hint: 'run this where the memory runs, or name its file in JAMEY_MEMORY_FILE',
  })
}

/** The memory file, found as the memory service finds it. */
function memoryFileOf({ env, cwd }: CommandContext, { dataDir }: MemoryFileOptions): string {
  const { JAMEY_MEMORY_FILE: file, JAMEY_DATA_DIR: folder } = env
  if (file) return resolve(cwd, file)
  if (dataDir === undefined && folder) return dataFolderAt(resolve(cwd, folder)).memoryFile
  return requireDataDirectory(cwd, dataDir, 'files').memoryFile
}
