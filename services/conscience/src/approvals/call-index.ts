import type { Approval } from '@jamey/contracts'
import type { AskedCall } from './coverage.js'

/** Sets of ids by some key, the oldest id first. */
export class IdSets {
  readonly #sets = new Map<string, Set<string>>()

  of(key: string): ReadonlySet<string> {
    return this.#sets.get(key) ?? NONE
  }

  put(key: string, id: string, isThere: boolean): void {
    const set = this.#sets.get(key) ?? new Set()
    if (isThere) set.add(id)
    else set.delete(id)
    if (set.size === 0) this.#sets.delete(key)
    else this.#sets.set(key, set)
  }
}

const NONE: ReadonlySet<string> = new Set()

/** Which approvals are about a call of one requester, in whatever session. */
export class CallIndex {
  readonly #ids = new IdSets()

  of({ requestedBy, callDigest }: AskedCall): ReadonlySet<string> {
    return this.#ids.of(keyOf(requestedBy, callDigest))
  }

  put({ approval_id, requested_by, call_digest }: Approval, isThere: boolean): void {
    this.#ids.put(keyOf(requested_by, call_digest), approval_id, isThere)
  }
}

function keyOf(requestedBy: string, callDigest: string): string {
  return `${callDigest} ${requestedBy}`
}
