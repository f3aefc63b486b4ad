import { type FileHandle, open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type AuditHead, MAXIMUM_LINE_BYTES, readAuditLine } from './audit-record.js'

const NAME = /^audit-\d{8}T\d{9}Z-[0-9a-f]{8}\.jsonl$/
const UNBEGUN = /^audit-(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\d)(\d{3}Z)-[0-9a-f]{8}\.jsonl\.new$/
/** A file has its name within milliseconds, unless its process was killed before. */
const LEFT_AFTER_MS = 3_600_000
const PIECE_BYTES = 65_536

/** `audit-20261130T113842123Z-1f0a4c2e.jsonl`: names in order are files in the order in which they were begun. */
export function auditFileName(beganAt: Date, random: string): string {
  return `audit-${beganAt.toISOString().replace(/[-:.]/g, '')}-${random}.jsonl`
}

/** The name of a file until its first record is on the disk: no reader of the audit looks at it. */
export function unbegunFileName(name: string): string {
  return `${name}.new`
}

/**
 * Removes files that processes left without a record that anybody was told of. Those that another one may be about to begin
 * stay, and so does what cannot be removed: it harms nobody.
 */
export async function removeLeftFiles(folder: string, nowMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!UNBEGUN.test(name)) continue
    const beganAtMs = Date.parse(name.replace(UNBEGUN, '$1-$2-$3:$4:$5.$6'))
    if (nowMs - beganAtMs >= LEFT_AFTER_MS) await unlink(join(folder, name)).catch(() => {})
  }
}

/** The names of the files, the oldest first. Empty where there is no folder. */
export async function auditFileNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => NAME.test(name)).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/**
 * Up to where each file is written that no other names as it is now: what a new file has to name, so that none can be
 * shortened or taken away without being missed.
 */
export async function unnamedHeads(folder: string): Promise<AuditHead[]> {
  const heads: AuditHead[] = []
  const named = new Set<string>()
  for (const file of await auditFileNames(folder)) {
    const handle = await open(join(folder, file), 'r')
    try {
      for (const head of await headsNamedIn(handle)) named.add(keyOf(head))
      const head = await headOf(handle, file)
      if (head !== undefined) heads.push(head)
    } finally {
      await handle.close()
    }
  }
  return heads.filter((head) => !named.has(keyOf(head)))
}

/** Of each file, what it names of those before it. */
export async function namedHeads(
  folder: string,
): Promise<{ readonly by: string; readonly head: AuditHead }[]> {
  const named: { by: string; head: AuditHead }[] = []
  for (const by of await auditFileNames(folder)) {
    const handle = await open(join(folder, by), 'r')
    try {
      for (const head of await headsNamedIn(handle)) named.push({ by, head })
    } finally {
      await handle.close()
    }
  }
  return named
}

export function keyOf({ file, hash }: Pick<AuditHead, 'file' | 'hash'>): string {
  return `${file} ${hash}`
}

async function headsNamedIn(handle: FileHandle): Promise<readonly AuditHead[]> {
  const first = await firstLine(handle)
  const read = first === undefined ? undefined : readAuditLine(first)
  if (read === undefined || typeof read === 'string' || read.record.kind !== 'opened') return []
  return read.record.heads as AuditHead[]
}

/** The last record that is whole; what a process that was killed left behind it was acknowledged to nobody. */
async function headOf(handle: FileHandle, file: string): Promise<AuditHead | undefined> {
  for (const line of await lastLines(handle)) {
    const read = readAuditLine(line)
    if (typeof read !== 'string') return { file, sequence: read.record.sequence, hash: read.hash }
  }
  return undefined
}

async function firstLine(handle: FileHandle): Promise<string | undefined> {
  let text = Buffer.alloc(0)
  while (text.length < MAXIMUM_LINE_BYTES) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(PIECE_BYTES), 0, PIECE_BYTES, text.length)
    if (bytesRead === 0) return undefined
    text = Buffer.concat([text, buffer.subarray(0, bytesRead)])
    const end = text.indexOf('\n')
    if (end !== -1) return text.toString('utf8', 0, end)
  }
  return undefined
}

/** Lines that end, the last one first, as far as one piece of the longest line goes. */
async function lastLines(handle: FileHandle): Promise<string[]> {
  const { size } = await handle.stat()
  let bytes = PIECE_BYTES
  for (;;) {
    const from = Math.max(0, size - bytes)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from)
    const pieces = buffer.toString('utf8', 0, bytesRead).split('\n')
    // Bytes before the first end of a line may be the rest of one; those after the last have no end.
    const lines = pieces.slice(from === 0 ? 0 : 1, -1)
    if (lines.length > 0 || from === 0 || bytes >= MAXIMUM_LINE_BYTES) return lines.reverse()
    bytes *= 4
  }
}
