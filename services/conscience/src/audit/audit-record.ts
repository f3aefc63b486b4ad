import { hash as hashOf } from 'node:crypto'
import { z } from 'zod'

/** The hash of what stands before the first record of a file. */
export const NOTHING_BEFORE = '0'.repeat(64)

/** A line that is longer was written by nobody here. */
export const MAXIMUM_LINE_BYTES = 4_194_304

const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits')

/** Up to where a file was written when another one was begun. */
const headSchema = z.object({ file: z.string(), sequence: z.number().int().min(0), hash })

const openedSchema = z.looseObject({
  kind: z.literal('opened'),
  /** The client identifier of the conscience that writes this file. */
  client_id: z.string(),
  /** The files beside it that none of them names as they are now. */
  heads: z.array(headSchema),
})

const verdictSchema = z.looseObject({
  kind: z.literal('verdict'),
  evaluation_id: z.string(),
  decision: z.string(),
  requested_by: z.string(),
})

const outcomeSchema = z.looseObject({
  kind: z.literal('outcome'),
  evaluation_id: z.string().optional(),
  outcome: z.string(),
  reported_by: z.string(),
})

/** A change of an approval: who answered what. */
const approvalSchema = z.looseObject({
  kind: z.literal('approval'),
  approval_id: z.string(),
  status: z.string(),
})

const auditRecordSchema = z
  .discriminatedUnion('kind', [openedSchema, verdictSchema, outcomeSchema, approvalSchema])
  .and(
    z.looseObject({
      /** From 0, one more in each record of a file. */
      sequence: z.number().int().min(0),
      recorded_at: z.iso.datetime(),
      /** The hash of the record before. */
      previous: hash,
    }),
  )

export type AuditHead = z.output<typeof headSchema>
export type AuditRecord = z.output<typeof auditRecordSchema>

/** An event, before it has its place among the others. */
export type AuditEntry =
  | z.output<typeof openedSchema>
  | z.output<typeof verdictSchema>
  | z.output<typeof outcomeSchema>
  | z.output<typeof approvalSchema>

/** A record as it stands in its file, and its hash. */
export interface AuditLine {
  readonly text: string
  readonly hash: string
}

const HASH_MEMBER = ',"hash":"'

/**
 * One line, with its end, of an `AuditEntry` as JSON: the record as a JSON object whose last member is the hash. That
 * is the SHA-256, in hexadecimal digits, of the bytes of the same object without this member, of which `previous` is
 * one: whoever changes a record has to change all that follow.
 */
export function auditLine(
  entry: string,
  place: { readonly sequence: number; readonly recorded_at: string; readonly previous: string },
): AuditLine {
  const body = `${JSON.stringify(place).slice(0, -1)},${entry.slice(1)}`
  const digest = sha256(body)
  return { text: `${body.slice(0, -1)}${HASH_MEMBER}${digest}"}\n`, hash: digest }
}

/** A line that says what it said when it was written. */
export interface ReadAuditLine {
  readonly record: AuditRecord
  readonly hash: string
}

/** The record in a line, without its end; a text tells what is wrong with it. */
export function readAuditLine(line: string): ReadAuditLine | string {
  const at = line.lastIndexOf(HASH_MEMBER)
  const stated = at === -1 ? undefined : /^([0-9a-f]{64})"}$/.exec(line.slice(at + HASH_MEMBER.length))?.[1]
  if (stated === undefined) return 'it has no hash at its end'
  const body = `${line.slice(0, at)}}`
  const found = sha256(body)
  if (found !== stated) return `its hash is ${short(stated)}, and that of what it says is ${short(found)}`
  const record = auditRecordSchema.safeParse(parsed(body))
  if (!record.success) {
    const [issue] = record.error.issues
    return `it is no record: ${issue?.path.join('.') || 'the line'}: ${issue?.message}`
  }
  return { record: record.data, hash: stated }
}

/** As much of a hash as people compare. */
export function short(digest: string): string {
  return digest.slice(0, 12)
}

function sha256(text: string): string {
  return hashOf('sha256', text)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
