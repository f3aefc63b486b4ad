import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { ownPath } from '@jamey/auth'
import type { MemoryArchive, MemoryStore } from '@jamey/memory'
import { displayPath, requireDataDirectory } from '../install/data-directory.js'
import { EXIT } from '../support/exit-codes.js'
import { CommandFailure } from '../support/failure.js'
import { plural } from '../support/quantities.js'
import { textLines } from '../support/text-lines.js'
import type { CommandContext, Outcome } from '../terminal/command-context.js'
import { unreadable } from '../terminal/text-input.js'

export interface MemoryFileOptions {
  readonly json?: boolean
  readonly dataDir?: string
}

/** Number of lines that are written or taken before anything else gets its turn. */
const BATCH = 500
/** Number of refused lines that are told in words. */
const TOLD = 5
/** The service of the same file writes in between. */
const BUSY_MS = 30_000

/** Writes every memory as one line of JSON: to a new file of its owner's alone, or to standard output. */
export async function exportMemories(
  context: CommandContext,
  target: string,
  options: MemoryFileOptions,
): Outcome {
  const { terminal, cwd } = context
  const archive = await openArchive(context, options)
  try {
    if (target === '-') {
      await writeAll(context, archive, (line) => terminal.write(line))
      return EXIT.success
    }
    const path = resolve(cwd, target)
    const exported = await intoNewFile(path, (write) => writeAll(context, archive, write))
    if (options.json) terminal.printJson({ exported, file: path })
    else terminal.print(`exported ${plural(exported, 'memory', 'memories')} to ${displayPath(path, cwd)}`)
    return EXIT.success
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

/** The file is there only once it is whole and on the disk. */
async function intoNewFile<T>(path: string, work: (write: (text: string) => void) => Promise<T>): Promise<T> {
  mustBeNew(path)
  ownPath(dirname(path))
  const draft = `${path}.${process.pid}.new`
  try {
    const fd = openSync(draft, 'wx', 0o600)
    let result: T
    try {
      result = await work((text) => {
        const bytes = Buffer.from(text)
        for (let from = 0; from < bytes.length; ) from += writeSync(fd, bytes, from)
      })
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(draft, path)
    return result
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw new CommandFailure(`cannot write ${path}: ${(error as Error).message}`, {
      code: 'file-not-writable',
      cause: error,
    })
  } finally {
    rmSync(draft, { force: true })
  }
}

interface Tally {
  imported: number
  known: number
  expired: number
  readonly refused: { readonly line: number; readonly why: string }[]
}

/** Takes the memories of an export. A line that cannot be taken is told at the end; the others are taken. */
export async function importMemories(
  context: CommandContext,
  source: string,
  options: MemoryFileOptions,
): Outcome {
  const { terminal, cwd } = context
  const file = memoryFileOf(context, options)
  const { MemoryStore: Store } = await import('@jamey/memory')
  const lines = textLines(bytesOf(context, source), source === '-' ? 'standard input' : source)
  const tally: Tally = { imported: 0, known: 0, expired: 0, refused: [] }
  const store = Store.open({ file, busyTimeoutMs: BUSY_MS })
  try {
    await takeAll(store, lines, tally, context)
  } catch (error) {
    const done = tally.imported + tally.known
    if (done > 0 && !options.json) {
      terminal.note(
        `${plural(done, 'memory is', 'memories are')} here by now; repeating the command takes the rest`,
      )
    }
    throw error
  } finally {
    await store.close()
  }
  const { imported, known, expired, refused } = tally
  if (options.json) terminal.printJson({ imported, known, expired, refused: refused.length, file })
  else terminal.print(summary(tally, displayPath(file, cwd)))
  if (refused.length === 0) return EXIT.success
  const told = refused.slice(0, TOLD).map(({ line, why }) => `line ${line}: ${why}`)
  const more = refused.length > TOLD ? [`and ${refused.length - TOLD} more`] : []
  throw new CommandFailure(
    `${plural(refused.length, 'line was', 'lines were')} refused: ${[...told, ...more].join('; ')}`,
    { code: 'lines-refused', hint: 'the others are taken; correct these and repeat the command' },
  )
}

async function takeAll(
  store: MemoryStore,
  lines: AsyncIterable<string>,
  tally: Tally,
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

async function take(store: MemoryStore, text: string, line: number, tally: Tally): Promise<void> {
  try {
    const outcome = await store.restore(JSON.parse(text))
    tally[outcome === 'restored' ? 'imported' : outcome] += 1
  } catch (error) {
    const { name, message } = error as Error
    // Whatever else fails is the file's or the disk's, and would fail for every line.
    if (!/^(SyntaxError|MemoryInputError|MemoryConflictError)$/.test(name)) throw error
    tally.refused.push({ line, why: message })
  }
}

function summary({ imported, known, expired }: Tally, file: string): string {
  const others = [
    ...(known > 0 ? [`${known.toLocaleString('en-US')} known already`] : []),
    ...(expired > 0 ? [`${expired.toLocaleString('en-US')} expired since`] : []),
  ]
  const beside = others.length === 0 ? '' : ` (${others.join(', ')})`
  return `imported ${plural(imported, 'memory', 'memories')} into ${file}${beside}`
}

/** A copy of the memory file as it is now, which a memory can be started with. */
export async function backupMemories(
  context: CommandContext,
  target: string,
  options: MemoryFileOptions,
): Outcome {
  const { terminal, cwd } = context
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

function mustBeNew(path: string): void {
  if (!existsSync(path)) return
  throw new CommandFailure(`${path} is there already`, {
    code: 'file-exists',
    exitCode: EXIT.usage,
    hint: 'name a new file; nothing is overwritten',
  })
}

async function openArchive(context: CommandContext, options: MemoryFileOptions): Promise<MemoryArchive> {
  const file = memoryFileOf(context, options)
  if (!existsSync(file)) {
    throw new CommandFailure(`there is no memory file ${displayPath(file, context.cwd)}`, {
      code: 'no-memory-file',
      exitCode: EXIT.usage,
      hint: 'run this where the memory runs, or name its file in JAMEY_MEMORY_FILE',
    })
  }
  const { MemoryArchive: Archive } = await import('@jamey/memory')
  return new Archive(file, () => context.now().getTime())
}

/** The memory file, found as the memory service finds it. */
function memoryFileOf({ env, cwd }: CommandContext, { dataDir }: MemoryFileOptions): string {
  const { JAMEY_MEMORY_FILE: file, JAMEY_DATA_DIR: folder } = env
  if (file) return resolve(cwd, file)
  if (dataDir === undefined && folder) return resolve(cwd, folder, 'memory.db')
  return join(requireDataDirectory(cwd, dataDir, 'files').data, 'memory.db')
}

async function* bytesOf(
  { terminal, cwd, interrupted }: CommandContext,
  source: string,
): AsyncGenerator<Buffer> {
  const stream = source === '-' ? terminal.stdin : createReadStream(resolve(cwd, source))
  const stop = () => stream.destroy(new DOMException('stopped while reading', 'AbortError'))
  interrupted.addEventListener('abort', stop)
  try {
    for await (const chunk of stream) yield Buffer.from(chunk)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw unreadable(source, error)
  } finally {
    interrupted.removeEventListener('abort', stop)
  }
}
