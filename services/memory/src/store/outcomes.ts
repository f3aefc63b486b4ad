import type { MemoryBatchError } from '@jamey/contracts'
import { MemoryConflictError, MemoryInputError, MemoryRefusedError } from '../model/errors.js'

export type Refusal = MemoryConflictError | MemoryInputError | MemoryRefusedError

/** What `work` gave, or how it was refused; whatever else it throws is thrown. */
export function outcomeOf<T extends object>(work: () => T): T | { readonly error: Refusal } {
  try {
    return work()
  } catch (error) {
    if (
      error instanceof MemoryConflictError ||
      error instanceof MemoryInputError ||
      error instanceof MemoryRefusedError
    )
      return { error }
    throw error
  }
}

export function batchError(error: Refusal): MemoryBatchError {
  if (!(error instanceof MemoryInputError)) return { code: error.code, message: error.message }
  return { code: 'invalid-request', message: error.message, field: error.field }
}

/** The id of a memory of an archive, whatever else it has. */
export function idOf(archived: unknown): string {
  const { id } = (archived ?? {}) as { id?: unknown }
  return typeof id === 'string' ? id : ''
}
