import { auditFileNames, keyOf, namedHeads } from './audit-files.js'
import { readAudit } from './audit-reader.js'
import { type AuditHead, NOTHING_BEFORE, type ReadAuditLine, short } from './audit-record.js'

/** Something that nobody who only writes the audit does. */
export interface AuditFault {
  readonly file: string
  /** From 1; 0 for the file as a whole. */
  readonly line: number
  readonly reason: string
}

export interface AuditVerification {
  readonly files: number
  readonly records: number
  /** Beginnings of records that a killed process left, and that were acknowledged to nobody. */
  readonly unfinished: number
  /** Where each file ends. */
  readonly heads: readonly AuditHead[]
  /** Files that the oldest one names and that are not there, as where the oldest were taken away. */
  readonly gone: readonly string[]
  /** Empty where everything is as it was written. At most 100. */
  readonly faults: readonly AuditFault[]
}

const MAXIMUM_FAULTS = 100

/**
 * Looks whether every file is as it was written, each record bound to the one before, and each file there that another
 * names. Nobody can tell from the files alone whether the end of the newest one was taken off: `expected` is a head
 * that was kept elsewhere, as the log tells it.
 */
export async function verifyAudit(
  folder: string,
  { expected = [] }: { readonly expected?: readonly Pick<AuditHead, 'file' | 'hash'>[] } = {},
): Promise<AuditVerification> {
  const wanted = [
    ...(await namedHeads(folder)),
    ...expected.map((head): WantedHead => ({ by: undefined, head })),
  ]
  const verifier = new Verifier(await auditFileNames(folder), wanted)
  for await (const { file, line, read, fault, isEnded } of readAudit(folder)) {
    if (read !== undefined) verifier.take(file, line, read)
    else verifier.unreadable({ file, line, reason: fault ?? '' }, isEnded)
  }
  return verifier.conclude()
}

/** A record that has to be there; `by` is the file that says so. */
interface WantedHead {
  readonly by: string | undefined
  readonly head: Pick<AuditHead, 'file' | 'hash'>
}

class Verifier {
  readonly #files: readonly string[]
  readonly #wanted: readonly WantedHead[]
  readonly #missing: Set<string>
  readonly #faults: AuditFault[] = []
  readonly #gone: string[] = []
  readonly #heads = new Map<string, AuditHead>()
  /** Of each file, the lines since its head that are told as faults already. */
  readonly #faulty = new Map<string, number>()
  #records = 0
  #unfinished = 0

  constructor(files: readonly string[], wanted: readonly WantedHead[]) {
    this.#files = files
    this.#wanted = wanted
    this.#missing = new Set(wanted.map(({ head }) => keyOf(head)))
  }

  unreadable(fault: AuditFault, isEnded: boolean): void {
    if (!isEnded) {
      this.#unfinished++
      return
    }
    this.#fault(fault)
    this.#faulty.set(fault.file, (this.#faulty.get(fault.file) ?? 0) + 1)
  }

  take(file: string, line: number, { record, hash }: ReadAuditLine): void {
    this.#records++
    const before = this.#heads.get(file)
    const [sequence, previous] =
      before === undefined ? [0, NOTHING_BEFORE] : [before.sequence + 1, before.hash]
    // A record whose line was told already is not missed as well: what it held, nobody knows.
    const faulty = this.#faulty.get(file) ?? 0
    this.#faulty.delete(file)
    const isAfterFaulty = record.sequence > sequence && record.sequence <= sequence + faulty
    if (record.sequence !== sequence && !isAfterFaulty) {
      this.#fault({ file, line, reason: `it is record ${record.sequence} where ${sequence} follows` })
    } else if (!isAfterFaulty && record.previous !== previous) {
      const reason = `the record before it was ${short(record.previous)}, and is ${short(previous)}`
      this.#fault({ file, line, reason })
    }
    const head = { file, sequence: record.sequence, hash }
    this.#missing.delete(keyOf(head))
    this.#heads.set(file, head)
  }

  conclude(): AuditVerification {
    for (const file of this.#files) {
      if (this.#heads.has(file) || this.#wasNeverBegun(file)) continue
      this.#fault({ file, line: 0, reason: 'no record in it is whole' })
    }
    for (const wanted of this.#wanted) this.#mustBeThere(wanted)
    return {
      files: this.#files.length,
      records: this.#records,
      unfinished: this.#unfinished,
      heads: [...this.#heads.values()],
      gone: this.#gone,
      faults: this.#faults,
    }
  }

  /** An earlier version left it where its first record failed: had it ever had one, a file begun later would name it. */
  #wasNeverBegun(file: string): boolean {
    const isNamed = this.#wanted.some(({ head }) => head.file === file)
    return file !== this.#files.at(-1) && !this.#faulty.has(file) && !isNamed
  }

  #mustBeThere({ by, head }: WantedHead): void {
    if (!this.#missing.has(keyOf(head))) return
    // With the oldest files those are gone that the oldest one left names.
    if (by !== undefined && by === this.#files[0] && !this.#files.includes(head.file)) {
      this.#gone.push(head.file)
      return
    }
    const says = by === undefined ? 'as was expected' : `as ${by} says`
    const reason = this.#files.includes(head.file)
      ? `it had the record ${short(head.hash)}, ${says}, and has it no more`
      : `it was there, ${says}, and is no more`
    this.#fault({ file: head.file, line: 0, reason })
  }

  #fault(fault: AuditFault): void {
    if (this.#faults.length < MAXIMUM_FAULTS) this.#faults.push(fault)
  }
}
