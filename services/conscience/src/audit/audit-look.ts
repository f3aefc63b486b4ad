import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { auditFileNames } from './audit-files.js'
import { type AuditHead, NOTHING_BEFORE, type ReadAuditLine, readAuditLine, short } from './audit-record.js'
import type { AuditFault } from './audit-verification.js'

/** Of the end of one file; a record has at most half of it. */
const TAIL_BYTES = 8_388_608
/** Of files that the newest one names. */
const MAXIMUM_NAMED = 8

/** The findings of a look at the ends of an audit. */
export interface AuditLook {
  readonly files: number
  /** That were looked at: the last ones of the newest file. */
  readonly records: number
  /** Empty where what was looked at is as it was written. */
  readonly faults: readonly AuditFault[]
}

interface Tail {
  readonly records: readonly ReadAuditLine[]
  readonly faults: readonly AuditFault[]
  /** True where it is all of the file. */
  readonly isWhole: boolean
}

/**
 * Looks whether the newest file is one chain at its end, and those that it names still end as it says, which takes no
 * longer for a larger audit. `verifyAudit` looks at all of it.
 */
export async function lookAtAudit(folder: string): Promise<AuditLook> {
  const files = await auditFileNames(folder)
  const newest = files.at(-1)
  if (newest === undefined) return { files: 0, records: 0, faults: [] }
  const { records, faults, isWhole } = await tailOf(folder, newest)
  const found = [...faults]
  if (records.length === 0 && isWhole) found.push(fault(newest, 'no record in it is whole'))
  for (const head of await headsNamedBy(folder, newest, records, isWhole)) {
    const reason = files.includes(head.file) ? await missingIn(folder, head) : undefined
    if (reason !== undefined) found.push(fault(head.file, `${reason}, as ${newest} says`))
  }
  return { files: files.length, records: records.length, faults: found }
}

async function tailOf(folder: string, file: string): Promise<Tail> {
  const { lines, isWhole } = await lastLines(join(folder, file))
  const records: ReadAuditLine[] = []
  const faults: AuditFault[] = []
  let isAfterFault = !isWhole
  for (const line of lines) {
    const read = readAuditLine(line)
    if (typeof read === 'string') {
      faults.push(fault(file, read))
      isAfterFault = true
      continue
    }
    const { sequence, previous } = read.record
    const before = records.at(-1)
    const isNext =
      before === undefined
        ? sequence === 0 && previous === NOTHING_BEFORE
        : sequence === before.record.sequence + 1 && previous === before.hash
    if (!isNext && !isAfterFault) faults.push(fault(file, `record ${sequence} is bound to none before it`))
    isAfterFault = false
    records.push(read)
  }
  return { records, faults, isWhole }
}

async function headsNamedBy(
  folder: string,
  file: string,
  records: readonly ReadAuditLine[],
  isWhole: boolean,
): Promise<readonly AuditHead[]> {
  const first = isWhole ? records[0] : await firstRecord(join(folder, file))
  if (first?.record.kind !== 'opened') return []
  return (first.record.heads as AuditHead[]).slice(-MAXIMUM_NAMED)
}

/** Undefined where the record is there, or further from the end than is looked. */
async function missingIn(folder: string, { file, sequence, hash }: AuditHead): Promise<string | undefined> {
  const { records, isWhole } = await tailOf(folder, file)
  const missing = `it had the record ${short(hash)} and has it no more`
  const found = records.find(({ record }) => record.sequence === sequence)
  if (found !== undefined) return found.hash === hash ? undefined : missing
  const first = records[0]?.record.sequence ?? 0
  return isWhole || sequence > first ? missing : undefined
}

/** Lines that end. */
async function lastLines(path: string): Promise<{ lines: string[]; isWhole: boolean }> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    const from = Math.max(0, size - TAIL_BYTES)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from)
    const pieces = buffer.toString('utf8', 0, bytesRead).split('\n')
    // Bytes before the first end of a line may be the rest of one; those after the last have no end.
    return { lines: pieces.slice(from === 0 ? 0 : 1, -1), isWhole: from === 0 }
  } finally {
    await handle.close()
  }
}

async function firstRecord(path: string): Promise<ReadAuditLine | undefined> {
  const handle = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(65_536), 0, 65_536, 0)
    const [line = ''] = buffer.toString('utf8', 0, bytesRead).split('\n', 1)
    const read = readAuditLine(line)
    return typeof read === 'string' ? undefined : read
  } finally {
    await handle.close()
  }
}

function fault(file: string, reason: string): AuditFault {
  return { file, line: 0, reason }
}
