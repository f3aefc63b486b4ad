import { RequestError } from '@jamey/bus'
import type { Approval, ApprovalList, ListApprovals } from '@jamey/contracts'

/**
 * One page of the approvals that fit, the newest first. `next_cursor` names the last one of it, so that what is asked
 * meanwhile neither repeats nor hides any. Throws `RequestError` 'invalid-request' for a cursor that is none of ours.
 */
export function pageOf(
  approvals: Iterable<Approval>,
  { approval_id, status, requested_by, limit, offset, cursor }: ListApprovals,
): ApprovalList {
  const found = [...approvals]
    .filter(
      (one) =>
        (approval_id === undefined || one.approval_id === approval_id) &&
        (status === undefined || status.includes(one.status)) &&
        (requested_by === undefined || one.requested_by === requested_by),
    )
    .sort(inOrder)
  const place = cursor === undefined ? undefined : placeOf(cursor)
  const rest = place === undefined ? found.slice(offset) : found.filter((one) => inOrder(place, one) < 0)
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  return {
    approvals: page,
    total: found.length,
    ...(last !== undefined && rest.length > page.length ? { next_cursor: cursorAt(last) } : {}),
  }
}

type Place = Pick<Approval, 'created_at' | 'approval_id'>

function inOrder(a: Place, b: Place): number {
  return Date.parse(b.created_at) - Date.parse(a.created_at) || (a.approval_id < b.approval_id ? -1 : 1)
}

function cursorAt({ created_at, approval_id }: Place): string {
  return Buffer.from(JSON.stringify([created_at, approval_id])).toString('base64url')
}

function placeOf(cursor: string): Place {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    const [created_at, approval_id]: unknown[] = Array.isArray(place) ? place : []
    if (typeof created_at === 'string' && typeof approval_id === 'string' && Date.parse(created_at) > 0) {
      return { created_at, approval_id }
    }
  } catch {
    // Told below, as what is JSON and no place.
  }
  throw new RequestError(
    'invalid-request',
    'cursor: must be next_cursor of the page before, of the same list',
  )
}
