import { type ListVerdicts, type Verdict, type VerdictList, verdictSchema } from '@jamey/contracts'
import { type AuditPlace, auditPage } from '../audit/audit-page.js'
import { cursorAt, placeAt, unknownCursor } from './page-cursor.js'

/** One page of the verdicts in an audit. Throws `RequestError` 'invalid-request' for a cursor that is none of ours. */
export async function listVerdicts(folder: string, asked: ListVerdicts): Promise<VerdictList> {
  const { limit, cursor, decision, requested_by, tool } = asked
  const wanted = Object.entries({ decision, requested_by, tool }).filter(([, value]) => value !== undefined)
  const { found, next } = await auditPage(folder, {
    limit,
    from: cursor === undefined ? undefined : placeOf(cursor),
    take: (record) =>
      record['kind'] === 'verdict' && wanted.every(([name, value]) => record[name] === value)
        ? listed(record)
        : undefined,
  })
  return {
    verdicts: [...found],
    ...(next === undefined ? {} : { next_cursor: cursorAt([next.file, next.offset]) }),
  }
}

/**
 * The verdict in a record, which has what was submitted beside it. The arguments there are those of the one or the other,
 * and for whoever asked in any case.
 */
function listed(record: Readonly<Record<string, unknown>>): VerdictList['verdicts'][number] | undefined {
  const verdict = verdictSchema.safeParse({ ...record, kind: record['judged'], arguments: undefined })
  if (!verdict.success) return undefined
  return { recorded_at: String(record['recorded_at']), verdict: verdict.data satisfies Verdict }
}

function placeOf(cursor: string): AuditPlace {
  const [file, offset] = placeAt(cursor)
  if (typeof file === 'string' && typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0)
    return { file, offset }
  throw unknownCursor()
}
