import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CommandFailure } from '../support/failure.js'
import type { CopyOptions } from './moment.js'

const PIECE_BYTES = 256 * 1024

export interface FileDigest {
  readonly bytes: number
  readonly sha256: string
}

/**
 * Copies a file, or its first `bytes`, to a new one of its owner's alone, which is on the disk when it resolves. Rejects
 * with `CommandFailure`, which says so where the disk is full, or the reason of the signal.
 */
export async function copyFile(
  from: string,
  to: string,
  options: CopyOptions & { readonly bytes?: number },
): Promise<FileDigest> {
  const source = await open(from, 'r').catch((error) => Promise.reject(failed(from, 'read', error)))
  try {
    mkdirSync(dirname(to), { recursive: true, mode: 0o700 })
    const target = await open(to, 'wx', 0o600)
    try {
      const digest = await pump(source, options, (piece) => writeWhole(target, piece))
      await target.sync()
      return digest
    } finally {
      await target.close()
    }
  } catch (error) {
    if (options.signal.aborted || error instanceof CommandFailure) throw error
    throw failed(to, 'write', error)
  } finally {
    await source.close()
  }
}

/** Reads a file from beginning to end. */
export async function digestFile(path: string, options: CopyOptions): Promise<FileDigest> {
  const file = await open(path, 'r')
  try {
    return await pump(file, options)
  } finally {
    await file.close()
  }
}

/** The bytes of a file, up to `limit`, that are whole lines. */
export async function wholeLinesBytes(path: string, limit: number): Promise<number> {
  const file = await open(path, 'r')
  try {
    for (let end = limit; end > 0; end -= Math.min(end, PIECE_BYTES)) {
      const from = Math.max(0, end - PIECE_BYTES)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(end - from), 0, end - from, from)
      const last = buffer.subarray(0, bytesRead).lastIndexOf(0x0a)
      if (last !== -1) return from + last + 1
    }
    return 0
  } finally {
    await file.close()
  }
}

/** `ENOSPC` and its like in words, with the path. */
export function failed(path: string, what: 'read' | 'write', error: unknown): CommandFailure {
  const { code, message } = error as NodeJS.ErrnoException
  const isFull = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
  return new CommandFailure(`cannot ${what} ${path}: ${isFull ? 'the disk is full' : message}`, {
    code: isFull ? 'disk-full' : what === 'read' ? 'file-unreadable' : 'file-unwritable',
    hint: isFull
      ? 'make room, or name a folder on another disk; what was begun is removed'
      : 'run this as the user who owns it',
    cause: error,
  })
}

async function pump(
  source: FileHandle,
  { signal, onBytes, bytes: limit = Number.POSITIVE_INFINITY }: CopyOptions & { readonly bytes?: number },
  write: (piece: Buffer) => Promise<void> = async () => {},
): Promise<FileDigest> {
  const hash = createHash('sha256')
  const piece = Buffer.alloc(PIECE_BYTES)
  let bytes = 0
  while (bytes < limit) {
    const { bytesRead } = await source.read(piece, 0, Math.min(piece.length, limit - bytes), bytes)
    if (bytesRead === 0) break
    const read = piece.subarray(0, bytesRead)
    hash.update(read)
    await write(read)
    bytes += bytesRead
    onBytes(bytesRead)
    signal.throwIfAborted()
  }
  return { bytes, sha256: hash.digest('hex') }
}

async function writeWhole(target: FileHandle, piece: Buffer): Promise<void> {
  for (let at = 0; at < piece.length; ) at += (await target.write(piece, at)).bytesWritten
}
