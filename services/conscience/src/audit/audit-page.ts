import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { auditFileNames } from './audit-files.js'

/** Where a page ends: before the line that begins there. */
export interface AuditPlace {
  readonly file: string
  readonly offset: number
}

export interface AuditPageOptions<Found> {
  readonly limit: number
  /** The end of the page before; that of the newest file by default. */
  readonly from?: AuditPlace | undefined
  /** Makes of a record, a JSON object, what a page has of it; undefined leaves it out. */
  readonly take: (record: Readonly<Record<string, unknown>>) => Found | undefined
}

export interface AuditPage<Found> {
  readonly found: readonly Found[]
  /** Present where older records are left. */
  readonly next: AuditPlace | undefined
}

const PIECE_BYTES = 65_536
/** After so many a page ends, whatever it has: nobody holds up a conscience by asking for what is not there. */
const PAGE_BYTES = 4_194_304

/**
 * The newest records of an audit's files first, each file from its end on; files are in the order in which they were
 * begun. A piece at a time is read, between which others have their turn. Hashes are not looked at: `verifyAudit` does.
 */
export async function auditPage<Found>(
  folder: string,
  { limit, from, take }: AuditPageOptions<Found>,
): Promise<AuditPage<Found>> {
  const names = await auditFileNames(folder)
  const found: Found[] = []
  let bytes = 0
  let next: AuditPlace | undefined
  for (const file of names.reverse().filter((name) => from === undefined || name <= from.file)) {
    const end = file === from?.file ? from.offset : undefined
    for await (const { text, offset } of linesBefore(join(folder, file), end)) {
      if (bytes >= PAGE_BYTES) return { found, next }
      const record = parsed(text)
      const taken = record === undefined ? undefined : take(record)
      if (taken !== undefined && found.length === limit) return { found, next }
      if (taken !== undefined) found.push(taken)
      bytes += text.length
      next = { file, offset }
    }
  }
  return { found, next: undefined }
}

/** Whole lines, without their ends, the last one first; `end` is where a line begins. */
async function* linesBefore(
  path: string,
  end: number | undefined,
): AsyncGenerator<{ text: string; offset: number }, void> {
  const handle = await opened(path)
  if (handle === undefined) return
  try {
    const { size } = await handle.stat()
    let at = Math.min(size, end ?? size)
    let rest: Buffer = Buffer.alloc(0)
    // Bytes behind the last end of a line are the beginning of one that is being written.
    let isWhole = false
    while (at > 0) {
      const length = Math.min(PIECE_BYTES, at)
      at -= length
      rest = Buffer.concat([await pieceOf(handle, at, length), rest])
      let stop = rest.length
      for (let newline = rest.lastIndexOf(0x0a); newline !== -1; newline = before(rest, newline)) {
        if (isWhole) yield { text: rest.toString('utf8', newline + 1, stop), offset: at + newline + 1 }
        isWhole = true
        stop = newline
      }
      rest = rest.subarray(0, stop)
    }
    if (isWhole && rest.length > 0) yield { text: rest.toString(), offset: 0 }
  } finally {
    await handle.close()
  }
}

function before(bytes: Buffer, newline: number): number {
  return newline === 0 ? -1 : bytes.lastIndexOf(0x0a, newline - 1)
}

async function pieceOf(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

/** Undefined where it was taken away meanwhile. */
async function opened(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
