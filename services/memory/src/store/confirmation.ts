import { type MemoryForgetOthers, UNCONFIRMED_MEMORIES } from '@jamey/contracts'
import { MemoryRefusedError } from '../model/errors.js'

/** Whether a request to forget may reach more than are forgotten without being confirmed. */
export function mayBeMany({ id, ids }: MemoryForgetOthers): boolean {
  return id === undefined && (ids?.length ?? Number.POSITIVE_INFINITY) > UNCONFIRMED_MEMORIES
}

/** Throws `MemoryRefusedError` where so many are not what was confirmed. */
export function mustBeConfirmed({ confirm = 0 }: MemoryForgetOthers, found: number): void {
  if (found <= Math.max(confirm, UNCONFIRMED_MEMORIES)) return
  throw new MemoryRefusedError(
    'memory-confirmation-needed',
    `confirm: ${found} memories would be forgotten, and more than ${UNCONFIRMED_MEMORIES} are only with confirm of at least ${found}`,
    { would_forget: found },
  )
}
