import { type Request, RequestError, requestDigest } from '@jamey/bus'
import {
  type Evaluation,
  type EvaluationBatch,
  evaluationSchema,
  firstIssue,
  type RemoteFailure,
  topics,
} from '@jamey/contracts'

/** One call or action to be judged: a request of its own, or one of several that were asked about at once. */
export type Asked = Pick<Request<Evaluation>, 'data' | 'sender' | 'principal' | 'binding'>

/** As JSON, all that may be asked about at once. */
export const MAXIMUM_BATCH_CHARACTERS = 1_048_576

/**
 * The parts of a batch, in its order; a failure for what is nothing to judge. Each has the binding that it would have
 * alone, but for the correlation id. Throws `RequestError` where all of it is too large, or has no one meaning.
 */
export function askedIn(request: Request<EvaluationBatch>): (Asked | { readonly error: RemoteFailure })[] {
  const { calls } = request.data
  const { length } = JSON.stringify(calls)
  if (length > MAXIMUM_BATCH_CHARACTERS) {
    const expected = `at most ${MAXIMUM_BATCH_CHARACTERS} characters of JSON`
    throw new RequestError('invalid-request', `calls: expected ${expected}, found ${length}.`)
  }
  const { sender, principal, binding: ofAll } = request
  return calls.map((call, i) => {
    const { success, data, error } = evaluationSchema.safeParse(call)
    if (!success) return { error: invalid(i, error.issues) }
    const binding = { ...ofAll, request_digest: requestDigest(topics.conscience.evaluate, call) }
    return { data, sender, principal, binding }
  })
}

/** The answer to the failure of one of several; `report` is told of what nobody has to know. */
export function failureOf(error: unknown, report: (error: unknown) => void): RemoteFailure {
  if (!(error instanceof RequestError)) {
    report(error)
    const message = 'It could not be judged; the conscience has reported why.'
    return { kind: 'internal', message, retryable: false }
  }
  const { kind, message, retryable, retryAfterMs, details } = error
  return {
    kind,
    message,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
    ...(details === undefined ? {} : { details: { ...details } }),
  }
}

function invalid(at: number, issues: Parameters<typeof firstIssue>[0]): RemoteFailure {
  const issue = firstIssue(issues)
  const field = ['calls', at, ...(issue?.path ?? [])].join('.')
  return { kind: 'invalid-request', message: `${field}: ${issue?.message ?? 'invalid'}.`, retryable: false }
}
