import type { Approval, ApprovalList, ListApprovals } from '@jamey/contracts'
import { cursorAt, placeAt, unknownCursor } from '../page-cursor.js'

/**
 * One page of the approvals that fit, in the order that is asked for. `next_cursor` names the last one of it, so that what is asked
 * meanwhile neither repeats nor hides any. Throws `RequestError` 'invalid-request' for a cursor that is none of ours.
 */
export function pageOf(
  approvals: Iterable<Approval>,
  { approval_id, status, requested_by, order, limit, offset, cursor }: ListApprovals,
): ApprovalList {
  const compare = order === 'expires_at' ? soonestFirst : newestFirst
  const found = [...approvals]
    .filter(
      (one) =>
        (approval_id === undefined || one.approval_id === approval_id) &&
        (status === undefined || status.includes(one.status)) &&
        (requested_by === undefined || one.requested_by === requested_by),
    )
    .sort((a, b) => compare(placeIn(order, a), placeIn(order, b)))
  const place = cursor === undefined ? undefined : placeOf(cursor)
  const rest =
    place === undefined ? found.slice(offset) : found.filter((one) => compare(place, placeIn(order, one)) < 0)
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  return {
    approvals: page,
    total: found.length,
    ...(last !== undefined && rest.length > page.length
      ? { next_cursor: cursorOf(placeIn(order, last)) }
      : {}),
  }
}

/** The end of what was approved for always, behind every other. */
const NEVER = '9999-12-31T23:59:59.999Z'

/** One that is ordered, by the time that it is ordered by. */
interface Place {
  readonly at: string
  readonly id: string
}

function placeIn(order: ListApprovals['order'], approval: Approval): Place {
  return { at: approval[order] ?? NEVER, id: approval.approval_id }
}

function newestFirst(a: Place, b: Place): number {
  return Date.parse(b.at) - Date.parse(a.at) || (a.id < b.id ? -1 : 1)
}

function soonestFirst(a: Place, b: Place): number {
  return Date.parse(a.at) - Date.parse(b.at) || (a.id < b.id ? -1 : 1)
}

function cursorOf({ at, id }: Place): string {
  return cursorAt([at, id])
}

function placeOf(cursor: string): Place {
  const [at, id] = placeAt(cursor)
  if (typeof at === 'string' && typeof id === 'string' && Date.parse(at) > 0) return { at, id }
  throw unknownCursor()
}
