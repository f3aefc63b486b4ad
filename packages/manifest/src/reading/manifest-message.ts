import type { ManifestClient } from '../model/manifest.js'
import { ManifestError, type ManifestErrorCode, type ManifestFault } from './manifest-error.js'

/** The text that a thread is to read, and what its file is called. */
export interface ManifestTask {
  readonly text: string
  readonly fileName: string
}

/** What a thread answers: clients, some at a time, then the end; or what is wrong with all of it. */
export type ManifestMessage =
  | { readonly clients: readonly ManifestClient[] }
  | 'end'
  | { readonly code: ManifestErrorCode; readonly faults: readonly ManifestFault[] }

/** Errors of ours lose their class on the way between threads. */
export function errorOf({ code, faults }: Extract<ManifestMessage, { code: unknown }>): ManifestError {
  return new ManifestError(code, faults)
}
