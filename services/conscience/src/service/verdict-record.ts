import { type Clock, RequestError } from '@jamey/bus'
import type { Approval, Evaluation, Verdict } from '@jamey/contracts'
import type { Logger } from 'pino'
import { AuditError, AuditLog } from '../audit/audit-log.js'
import type { AuditEntry } from '../audit/audit-record.js'
import type { ReportedResult } from './session-service.js'

export interface VerdictRecordOptions {
  readonly clientId: string
  readonly clock: Clock
  readonly log?: Logger | undefined
}

/** As JSON; of a longer submission the verdict and its digest are recorded alone. */
const MAXIMUM_SUBMISSION_CHARACTERS = 65_536

/** Records what was submitted and what was decided in the audit. */
export class VerdictRecord {
  readonly #audit: AuditLog
  readonly #log: Logger | undefined

  private constructor(audit: AuditLog, log: Logger | undefined) {
    this.#audit = audit
    this.#log = log
  }

  /** Rejects with `OwnershipError` or `AuditError` where nothing can be recorded. */
  static async open(folder: string, options: VerdictRecordOptions): Promise<VerdictRecord> {
    const { log } = options
    const onFileLost = (file: string): void =>
      log?.warn(
        { event: 'conscience.audit.replaced', file },
        'the file of the audit was taken away or replaced; another one is begun, and `jamey verdicts verify` tells what is missing',
      )
    const record = new VerdictRecord(await AuditLog.open(folder, { ...options, onFileLost }), options.log)
    log?.info({ event: 'conscience.audit.begun', ...record.#head }, 'the audit is begun')
    return record
  }

  /** Resolves once the verdict is on the disk; rejects with a `RequestError`, which its requester is answered with. */
  write(submitted: Evaluation, verdict: Verdict): Promise<void> {
    return this.#append(entryOf(submitted, verdict))
  }

  /** An answer, or that one was taken back. The arguments stand in the record of the verdict. */
  approval(approval: Approval): Promise<void> {
    const { arguments: _, changed_arguments: __, intent: ___, reasons: ____, ...rest } = approval
    return this.#append(jsonOf({ ...rest, kind: 'approval' }))
  }

  /** The outcome of a call, as an agent tells it; not what the tool answered, which may be anything. */
  outcome(report: ReportedResult, reportedBy: string): Promise<void> {
    const { arguments: _, result: __, ...rest } = report
    return this.#append(jsonOf({ ...rest, reported_by: reportedBy, kind: 'outcome' }))
  }

  async close(): Promise<void> {
    await this.#audit.close()
    this.#log?.info({ event: 'conscience.audit.ended', ...this.#head }, 'the audit is ended')
  }

  async #append(entry: string): Promise<void> {
    try {
      await this.#audit.appendJson(entry)
    } catch (error) {
      if (!(error instanceof AuditError)) throw error
      throw new RequestError(
        'audit-failed',
        `It cannot be recorded, and nothing is done of which there is no record: ${error.message}`,
        { retryable: true, cause: error },
      )
    }
  }

  /** Kept with the log, it shows whether something was cut off the end. */
  get #head(): { audit_head: string } {
    const { file, hash } = this.#audit.head
    return { audit_head: `${file}:${hash}` }
  }
}

/** As JSON, what was asked and what was decided; where all of it is short, so is what was asked. */
function entryOf(submitted: Evaluation, verdict: Verdict): string {
  const json = entryJson(submittedJson(submitted, verdict), verdict)
  if (json.length <= MAXIMUM_SUBMISSION_CHARACTERS) return json
  const { receipt: _, ...rest } = submitted
  const { length } = JSON.stringify(rest)
  if (length <= MAXIMUM_SUBMISSION_CHARACTERS) return json
  return entryJson(`"submission_characters":${length},`, verdict)
}

/** Members of what was asked that the verdict does not repeat, each with a comma behind it. */
function submittedJson(submitted: Evaluation, verdict: Verdict): string {
  let members = ''
  for (const [name, value] of Object.entries(submitted)) {
    if (name === 'receipt' || Object.hasOwn(verdict, name)) continue
    const json = JSON.stringify(value)
    if (json !== undefined) members += `${JSON.stringify(name)}:${json},`
  }
  return members
}

/** The verdict is written in one piece: to put all members into an object for that takes several times as long. */
function entryJson(members: string, verdict: Verdict): string {
  const { kind } = verdict
  const json = JSON.stringify(verdict)
  const head = `{"kind":"${kind}",`
  if (!json.startsWith(head)) throw new TypeError('A verdict begins with its kind.')
  return `{${members}"kind":"verdict","judged":"${kind}",${json.slice(head.length)}`
}

function jsonOf(entry: AuditEntry): string {
  return JSON.stringify(entry)
}
