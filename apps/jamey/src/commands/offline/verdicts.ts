import { resolve } from 'node:path'
import { type AuditRecord, readAudit, verifyAudit } from '@jamey/conscience'
import { dataFolderAt, requireDataDirectory } from '../../install/data-directory.js'
import { EXIT } from '../../support/exit-codes.js'
import { CommandFailure } from '../../support/failure.js'
import type { CommandContext, Outcome } from '../../terminal/command-context.js'
import { formatAuditFault, formatAuditRecord, formatVerification } from '../../views/audit-view.js'

export interface AuditOptions {
  readonly json?: boolean
  readonly dataDir?: string
}

export interface VerdictsOptions extends AuditOptions {
  /** How long ago at most. */
  readonly since?: number
  readonly decision?: string
  readonly sender?: string
  readonly tool?: string
  readonly limit: number
}

export interface VerifyOptions extends AuditOptions {
  /** `FILE:HASH`, as they were kept elsewhere. */
  readonly head?: readonly string[]
}

/** The recorded verdicts that are asked for, the newest last; with `--json` a record a line. */
export async function listVerdicts(context: CommandContext, options: VerdictsOptions): Outcome {
  const { terminal, interrupted } = context
  const wanted = verdictFilter(options, context.now())
  const found: AuditRecord[] = []
  let faults = 0
  for await (const { read, fault, isEnded, ...place } of readAudit(auditFolderOf(context, options))) {
    interrupted.throwIfAborted()
    if (read === undefined) {
      if (isEnded && faults++ === 0) terminal.warn(formatAuditFault({ ...place, reason: fault ?? '' }))
    } else if (wanted(read.record)) {
      found.push(read.record)
      if (found.length > options.limit) found.shift()
    }
  }
  if (faults > 1) terminal.warn(`${faults} lines cannot be read; \`jamey verdicts verify\` tells each`)
  for (const record of found) {
    if (options.json) terminal.printJson(record)
    else terminal.print(formatAuditRecord(record, terminal))
  }
  return EXIT.success
}

/** Tells whether anything in the audit was changed since it was written. */
export async function verifyVerdicts(context: CommandContext, options: VerifyOptions): Outcome {
  const { terminal } = context
  const expected = (options.head ?? []).map(headOf)
  const verification = await verifyAudit(auditFolderOf(context, options), { expected })
  if (options.json) terminal.printJson({ ...verification, is_unchanged: verification.faults.length === 0 })
  else terminal.print(formatVerification(verification, terminal))
  return verification.faults.length === 0 && verification.files > 0 ? EXIT.success : EXIT.refused
}

/** As the conscience finds it. */
export function auditFolderOf({ env, cwd }: CommandContext, { dataDir }: AuditOptions): string {
  const { JAMEY_AUDIT_DIR: folder, JAMEY_DATA_DIR: data } = env
  if (dataDir === undefined && folder) return resolve(cwd, folder)
  if (dataDir === undefined && data) return dataFolderAt(resolve(cwd, data)).audit
  return requireDataDirectory(cwd, dataDir, 'files').audit
}

function verdictFilter(options: VerdictsOptions, now: Date): (record: AuditRecord) => boolean {
  const { since, decision, sender, tool } = options
  const from = since === undefined ? '' : new Date(now.getTime() - since).toISOString()
  return (record) =>
    record.kind === 'verdict' &&
    record.recorded_at >= from &&
    (decision === undefined || record.decision === decision) &&
    (sender === undefined || record.requested_by === sender) &&
    (tool === undefined || record['tool'] === tool)
}

function headOf(text: string): { file: string; hash: string } {
  const [, file, hash] = /^(audit-[\w-]+\.jsonl):([0-9a-f]{64})$/.exec(text) ?? []
  if (file !== undefined && hash !== undefined) return { file, hash }
  throw new CommandFailure(`--head: expected FILE:HASH as the log has it, found ${JSON.stringify(text)}`, {
    code: 'verdicts-usage',
    exitCode: EXIT.usage,
  })
}
