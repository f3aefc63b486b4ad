import { RemoteError, RequestError } from '@jamey/bus'
import type { OperationName } from '@jamey/contracts'

/**
 * Answers an operation in this process for the client of that name, past the bus; undefined for what it does not answer.
 * Whether the caller may ask was decided before.
 */
export type LocalAnswers = (
  operation: OperationName,
  input: Readonly<Record<string, unknown>>,
  clientId: string,
) => Promise<Readonly<Record<string, unknown>>> | undefined

/** A failure as it would come over the bus. */
export function asRemote(error: unknown): unknown {
  if (!(error instanceof RequestError)) return error
  const { kind, message, retryable, details } = error
  return new RemoteError(kind, message, retryable, { details })
}
