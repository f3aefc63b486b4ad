import type { AuditFault, AuditRecord, AuditVerification } from '@jamey/conscience'
import { plural } from '../support/quantities.js'
import { type Colors, printable } from '../terminal/terminal.js'

interface View {
  readonly colors: Colors
}

const SHOWN_CHARACTERS = 160

/** When, what was decided, for whom, and about what; the rules that decided on a line of their own. */
export function formatAuditRecord(record: AuditRecord, { colors }: View): string {
  if (record.kind !== 'verdict') return `${record.recorded_at}  ${record.kind}`
  const { decision, requested_by, recorded_at } = record
  const shown = decision === 'allow' ? colors.green : decision === 'deny' ? colors.red : colors.yellow
  const about = printable(subjectOf(record).slice(0, SHOWN_CHARACTERS))
  const rules = namesOf(record['rules'])
  return [
    `${recorded_at}  ${shown(decision.padEnd(5))}  ${printable(requested_by)}  ${about}`,
    ...(rules === '' ? [] : [colors.dim(`  ${printable(rules)}`)]),
  ].join('\n')
}

export function formatAuditFault({ file, line, reason }: AuditFault): string {
  return line === 0 ? `${file}: ${reason}` : `${file}:${line}: ${reason}`
}

/** Counts of what was looked at, every fault, and where each file ends, to be kept elsewhere. */
export function formatVerification(verification: AuditVerification, { colors }: View): string {
  const { files, records, unfinished, faults, heads, gone } = verification
  if (files === 0 && faults.length === 0)
    return colors.red('There is no audit: nothing was recorded, or all of it is gone.')
  const counted = `${plural(records, 'record', 'records')} in ${plural(files, 'file', 'files')}`
  const cut = unfinished === 0 ? '' : `, ${plural(unfinished, 'one', 'ones')} begun and never acknowledged`
  if (faults.length > 0) {
    const found = colors.red(`The audit is not as it was written: ${counted}${cut}`)
    return [found, ...faults.map((fault) => `  ${formatAuditFault(fault)}`)].join('\n')
  }
  const newest = heads.at(-1)
  return [
    `The audit is as it was written: ${counted}${cut}.`,
    ...(gone.length === 0 ? [] : [`What was recorded before is not there: ${printable(gone.join(', '))}.`]),
    ...(newest === undefined ? [] : [colors.dim(`It ends at ${newest.file}:${newest.hash}`)]),
  ].join('\n')
}

function subjectOf(record: AuditRecord): string {
  const { tool, arguments: given, action } = record as Record<string, unknown>
  if (typeof action === 'string') return action
  return typeof tool === 'string' ? `${tool} ${JSON.stringify(given ?? {})}` : ''
}

function namesOf(rules: unknown): string {
  if (!Array.isArray(rules)) return ''
  return rules.flatMap((rule: unknown) => nameOf(rule)).join(', ')
}

function nameOf(rule: unknown): string[] {
  if (typeof rule === 'string') return [rule]
  const name: unknown = (rule as { name?: unknown } | null)?.name
  return typeof name === 'string' ? [name] : []
}
