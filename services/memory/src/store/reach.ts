import { type MemoryRow, storable } from '../model/memory-record.js'
import type { Reach } from '../model/memory-storage.js'

/** Whether a memory, or a version of one, is among those that a call reaches. */
export function mayRead(
  { owner, scope }: Pick<MemoryRow, 'owner' | 'scope'>,
  reach: Reach | undefined,
): boolean {
  if (reach === undefined || owner === storable(reach.owner)) return true
  if (reach.isOwnOnly === true) return false
  if (scope === 'shared') return true
  return scope.startsWith('group:') && (reach.groups ?? []).includes(scope.slice('group:'.length))
}

/** Clients that may read or change what is others' share their turns; no client has such an identifier. */
const OPERATORS = '\0operators'

/** Whose turn a call takes. */
export function senderOf(reach: Reach | undefined): string {
  return reach?.owner ?? OPERATORS
}
