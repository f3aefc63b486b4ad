import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { auditFileNames } from './audit-files.js'
import { MAXIMUM_LINE_BYTES, type ReadAuditLine, readAuditLine } from './audit-record.js'

/** One line of an audit, or what is wrong with it. */
export interface FoundAuditLine {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** Undefined where `fault` is not. */
  readonly read: ReadAuditLine | undefined
  readonly fault: string | undefined
  /** False for what a process that was killed left at the end of a file: it was acknowledged to nobody. */
  readonly isEnded: boolean
}

/** Every line of every file of the folder, or of the named ones, as they were written, the oldest file first. */
export async function* readAudit(
  folder: string,
  files?: readonly string[],
): AsyncGenerator<FoundAuditLine, void> {
  for (const file of files ?? (await auditFileNames(folder))) {
    let line = 0
    for await (const { text, isEnded } of linesOf(join(folder, file))) {
      line++
      const read = text === undefined ? `it has more than ${MAXIMUM_LINE_BYTES} bytes` : readAuditLine(text)
      if (typeof read === 'string') yield { file, line, read: undefined, fault: read, isEnded }
      else yield { file, line, read, fault: undefined, isEnded }
    }
  }
}

/** `text` is undefined for a line that is too long to be one. */
async function* linesOf(path: string): AsyncGenerator<{ text: string | undefined; isEnded: boolean }, void> {
  let pieces: Buffer[] = []
  let bytes = 0
  const take = (end: Buffer): string | undefined => {
    const text =
      bytes + end.length > MAXIMUM_LINE_BYTES ? undefined : Buffer.concat([...pieces, end]).toString()
    pieces = []
    bytes = 0
    return text
  }
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
      yield { text: take(chunk.subarray(from, end)), isEnded: true }
      from = end + 1
    }
    bytes += chunk.length - from
    if (bytes <= MAXIMUM_LINE_BYTES) pieces.push(chunk.subarray(from))
  }
  if (bytes > 0) yield { text: take(Buffer.alloc(0)), isEnded: false }
}
