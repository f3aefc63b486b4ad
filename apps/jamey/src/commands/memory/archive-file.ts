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
import { dirname, resolve } from 'node:path'
import { ownPath } from '@jamey/auth'
import { displayPath } from '../../install/data-directory.js'
import { EXIT } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import { firstRefusals, type RefusedPiece } from '../../support/memory-pieces.js'
import { plural } from '../../support/quantities.js'
import { textLines } from '../../support/text-lines.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { unreadable } from '../../terminal/text-input.js'

/** Memories of one page of an export. */
const PAGE = 500

/** Counts of the lines of an export that are taken back. */
export interface ArchiveTally {
  imported: number
  known: number
  expired: number
  readonly refused: RefusedPiece[]
}

/** Writes an archive to a new file of its owner's alone, or to standard output. `work` resolves with how many there were. */
export async function exportTo(
  { terminal, cwd }: CommandContext,
  target: string,
  { json }: { readonly json?: boolean },
  work: (write: (text: string) => void) => Promise<number>,
): Outcome {
  if (target === '-') {
    await work((text) => terminal.write(text))
    return EXIT.success
  }
  const path = resolve(cwd, target)
  const exported = await intoNewFile(path, work)
  if (json) terminal.printJson({ exported, file: path })
  else terminal.print(`exported ${plural(exported, 'memory', 'memories')} to ${displayPath(path, cwd)}`)
  return EXIT.success
}

interface Page {
  readonly memories: readonly object[]
  readonly next_cursor?: string | undefined
}

/** Writes every memory with its versions as a line of JSON, page by page; resolves with how many there were. */
export async function writePages(
  { terminal, interrupted }: CommandContext,
  pageAt: (asked: { limit: number; with_history: true; cursor?: string }) => Promise<Page>,
  write: (line: string) => void,
): Promise<number> {
  let count = 0
  for (let cursor: string | undefined; ; ) {
    const at = cursor === undefined ? {} : { cursor }
    const page = await pageAt({ limit: PAGE, with_history: true, ...at })
    for (const memory of page.memories) write(`${JSON.stringify(memory)}\n`)
    count += page.memories.length
    cursor = page.next_cursor
    if (cursor === undefined) return count
    await terminal.output.drained()
    interrupted.throwIfAborted()
  }
}

/** Has the lines of an archive taken. One that cannot be is told at the end; the others are taken. */
export async function importFrom(
  context: CommandContext,
  source: string,
  { json }: { readonly json?: boolean },
  place: { readonly name: string; readonly facts: object },
  take: (lines: AsyncIterable<string>, tally: ArchiveTally) => Promise<void>,
): Outcome {
  const { terminal } = context
  const tally: ArchiveTally = { imported: 0, known: 0, expired: 0, refused: [] }
  const lines = textLines(bytesOf(context, source), source === '-' ? 'standard input' : source)
  try {
    await take(lines, tally)
  } catch (error) {
    const done = tally.imported + tally.known
    if (done > 0 && !json) {
      const here = plural(done, 'memory is', 'memories are')
      terminal.note(`${here} here by now; repeating the command takes the rest`)
    }
    throw error
  }
  const { imported, known, expired, refused } = tally
  if (json) terminal.printJson({ imported, known, expired, refused: refused.length, ...place.facts })
  else terminal.print(formatImport(tally, place.name))
  if (refused.length === 0) return EXIT.success
  throw linesRefused(refused)
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

/** `imported 3 memories into .jamey/data/memory.db (2 known already)` */
function formatImport({ imported, known, expired }: ArchiveTally, place: string): string {
  const others = [
    ...(known > 0 ? [`${known.toLocaleString('en-US')} known already`] : []),
    ...(expired > 0 ? [`${expired.toLocaleString('en-US')} expired since`] : []),
  ]
  const beside = others.length === 0 ? '' : ` (${others.join(', ')})`
  return `imported ${plural(imported, 'memory', 'memories')} into ${place}${beside}`
}

/** A failure that names the first of them. */
function linesRefused(refused: readonly RefusedPiece[]): CommandFailure {
  return new CommandFailure(
    `${plural(refused.length, 'line was', 'lines were')} refused: ${firstRefusals(refused, 'line')}`,
    { code: 'lines-refused', hint: 'the others are taken; correct these and repeat the command' },
  )
}

/** Throws where a file is there: nothing is overwritten. */
export function mustBeNew(path: string): void {
  if (!existsSync(path)) return
  throw new CommandFailure(`${path} is there already`, {
    code: 'file-exists',
    exitCode: EXIT.usage,
    hint: 'name a new file; nothing is overwritten',
  })
}

/** The bytes of a file, or of standard input for `-`, until the command is stopped. */
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
