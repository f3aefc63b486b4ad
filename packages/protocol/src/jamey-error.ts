export interface JameyErrorDetails {
  readonly cause?: unknown
  /** False by default. */
  readonly retryable?: boolean | undefined
}

/** What all errors of these packages share; `code` is one of the words that each class documents. */
export abstract class JameyError<Code extends string = string> extends Error {
  readonly code: Code
  /** Whether the same call may succeed later, unchanged. */
  readonly retryable: boolean

  constructor(code: Code, message: string, { cause, retryable = false }: JameyErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.retryable = retryable
  }
}
