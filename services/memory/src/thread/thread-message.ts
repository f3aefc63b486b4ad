import type { MigrationProgress } from '../file/migrate.js'
import type { Salvaged } from '../file/salvage.js'
import {
  type MemoryConflictCode,
  MemoryConflictError,
  MemoryInputError,
  type MemoryRefusedCode,
  MemoryRefusedError,
  StorageError,
  type StorageErrorCode,
} from '../model/errors.js'
import type { MemoryStorage } from '../model/memory-storage.js'
import type { MemoryStoreOptions } from '../store/memory-store.js'

/** Who is told what happens while a file is opened. */
export type OpeningListeners = Pick<MemoryStoreOptions, 'onProgress' | 'onSalvaged'>

/** The options of a store that can travel to another thread; the time comes with each call. */
export type ThreadOptions = Omit<MemoryStoreOptions, 'now' | keyof OpeningListeners>

/** Those of the thread that asks for vectors stand behind those of a store. */
type CallName = Exclude<keyof MemoryStorage, 'close'> | 'embed' | 'vectorStats'

/** One call for the store in a thread. */
export interface Call {
  readonly id: number
  readonly name: CallName | 'close'
  readonly arguments: readonly unknown[]
  /** The caller's time, in milliseconds since 1970. */
  readonly nowMs: number
}

/** An error as it crosses threads: a structured clone would lose its class and its members. */
export interface ErrorRecord {
  readonly kind: 'input' | 'conflict' | 'refused' | 'storage' | 'other'
  readonly message: string
  readonly stack?: string | undefined
  readonly code?: string | undefined
  readonly field?: string | undefined
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

export type Answer =
  /** How far the file has come on its way to the newest version; before the answer to its opening. */
  | { readonly progress: MigrationProgress }
  /** The file was damaged, and what could be read of it is in a new one. */
  | { readonly salvaged: Salvaged }
  | Settled

export type Settled =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: ErrorRecord }

/** The `id` of the answer that tells whether the store could be opened. */
export const OPENING = 0

export function recordOf(error: unknown): ErrorRecord {
  if (error instanceof MemoryInputError) {
    const { field } = error
    return { kind: 'input', field, message: error.message.slice(field.length + 2) }
  }
  if (error instanceof MemoryConflictError) {
    return { kind: 'conflict', code: error.code, message: error.message, details: error.details }
  }
  if (error instanceof MemoryRefusedError) {
    return { kind: 'refused', code: error.code, message: error.message, details: error.details }
  }
  if (error instanceof StorageError) return { kind: 'storage', code: error.code, message: error.message }
  if (error instanceof Error) return { kind: 'other', message: error.message, stack: error.stack }
  return { kind: 'other', message: String(error) }
}

export function errorFrom({ kind, message, stack, code, field, details }: ErrorRecord): Error {
  if (kind === 'input') return new MemoryInputError(field ?? 'request', message)
  if (kind === 'conflict') return new MemoryConflictError(code as MemoryConflictCode, message, details)
  if (kind === 'refused') return new MemoryRefusedError(code as MemoryRefusedCode, message, details)
  if (kind === 'storage') return new StorageError(code as StorageErrorCode, message)
  const error = new Error(message)
  if (stack !== undefined) error.stack = stack
  return error
}
