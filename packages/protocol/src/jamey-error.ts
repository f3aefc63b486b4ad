export interface JameyErrorDetails {
  readonly cause?: unknown
  /** False by default. */
  readonly retryable?: boolean | undefined
}

/** The base of all errors of these packages; `code` is one of the words that each class documents. */
export abstract class JameyError<Code extends string = string> extends Error {
  readonly code: Code
  /** True where the same call may succeed later, unchanged. */
  readonly retryable: boolean

  constructor(code: Code, message: string, { cause, retryable = false }: JameyErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.retryable = retryable
  }
}
