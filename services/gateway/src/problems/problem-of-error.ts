import {
  AbortedError,
  MessageError,
  NoResponderError,
  RateLimitError,
  RemoteError,
  RequestTimeoutError,
} from '@jamey/bus'
import { Problem, type ProblemKind, retryAfter } from './problem.js'

/** Milliseconds after which it makes sense to try again where nothing says when. */
const RETRY_DELAY_MS = 2_000

/** The problem for a fault that fastify found in a request, by its code. */
const FASTIFY_PROBLEMS: Readonly<
  Record<string, readonly [kind: ProblemKind, detail: string, field?: string]>
> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['input-too-large', 'The body is larger than 1 MiB.', 'body'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'media-type-unsupported',
    'The body must be JSON: send "Content-Type: application/json".',
    'Content-Type',
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    'invalid-input',
    'The body has another length than Content-Length says.',
    'Content-Length',
  ],
  FST_ERR_BAD_URL: ['invalid-input', 'The path is not validly percent-encoded.', 'path'],
  FST_ERR_MAX_PARAM_LENGTH: ['not-found', 'There is nothing at a path this long.'],
}

/** The problem for a remote failure's kind. Kinds that are not listed go by whether a retry may help. */
const REMOTE_PROBLEMS: Readonly<Record<string, ProblemKind>> = {
  'invalid-request': 'invalid-input',
  'invalid-input': 'invalid-input',
  'message-invalid': 'invalid-input',
  'not-found': 'not-found',
  'not-permitted': 'permission-missing',
  'approval-unknown': 'not-found',
  'approval-settled': 'conflict',
  'memory-conflict': 'conflict',
  'memory-gone': 'conflict',
  'memory-unknown': 'not-found',
  'memory-version': 'version-changed',
  'memory-forbidden': 'permission-missing',
  'memory-confirmation-needed': 'conflict',
  'memory-quota': 'quota-exceeded',
  'packet-too-large': 'input-too-large',
  'rate-limited': 'rate-limited',
  overloaded: 'rate-limited',
  'approvals-full': 'rate-limited',
  'no-responder': 'no-responder',
  unavailable: 'unavailable',
  'bus-closed': 'unavailable',
  'request-timed-out': 'deadline-exceeded',
  internal: 'internal',
}

/** The names of the errors by which the MQTT client says that it has no usable connection. */
const CONNECTION_ERRORS: ReadonlySet<string> = new Set(['ConnectionError', 'AuthenticationError'])

/** The problem that a caller is told about any error; one that is not known to be fit for callers is `internal`. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof RemoteError) return problemOfRemote(error)
  if (error instanceof NoResponderError) return busProblem('no-responder', NOBODY, error)
  if (error instanceof RequestTimeoutError) return lateProblem(error.timeoutMs, error)
  if (error instanceof RateLimitError) return busyProblem(error.retryAfterMs, error)
  if (error instanceof AbortedError) return brokerProblem(error)
  if (error instanceof MessageError)
    return new Problem('invalid-input', error.message, { field: lastName(error.field) })
  if (!(error instanceof Error)) return internalProblem(error)
  if (CONNECTION_ERRORS.has(error.name)) return brokerProblem(error)
  return problemOfCode(error)
}

const NOBODY = 'Nobody serves this at the moment; the service may be starting, or is not running.'

function problemOfCode(error: Error & { code?: unknown; retryable?: unknown }): Problem {
  if (error.code === 'packet-too-large') return tooLargeProblem(error)
  if (error.retryable === true) return brokerProblem(error)
  const row = typeof error.code === 'string' ? FASTIFY_PROBLEMS[error.code] : undefined
  if (row === undefined) return internalProblem(error)
  const [kind, detail, field] = row
  return new Problem(kind, detail, { field, cause: error })
}

function problemOfRemote(error: RemoteError): Problem {
  if (error.kind === 'memory-query-timeout') return slowProblem(error)
  const kind = REMOTE_PROBLEMS[error.kind] ?? (error.retryable ? 'unavailable' : 'internal')
  switch (kind) {
    case 'internal':
      return internalProblem(error)
    case 'no-responder':
      return busProblem(kind, NOBODY, error)
    case 'unavailable':
      return busProblem(kind, error.message, error)
    case 'input-too-large':
      return tooLargeProblem(error)
    case 'rate-limited':
      if (error.kind === 'approvals-full') return fullProblem(error)
      return busyProblem(error.retryAfterMs ?? RETRY_DELAY_MS, error)
    case 'deadline-exceeded':
      return lateProblem(undefined, error)
    case 'invalid-input':
      return new Problem(kind, error.message, { field: fieldNamedBy(error.message), cause: error })
    default:
      return new Problem(kind, error.message, { code: error.kind, details: error.details, cause: error })
  }
}

function busProblem(kind: ProblemKind, detail: string, cause: unknown): Problem {
  return new Problem(kind, detail, { cause, headers: retryAfter(RETRY_DELAY_MS) })
}

function brokerProblem(cause: unknown): Problem {
  return busProblem('unavailable', 'The connection to the message broker is not usable at the moment.', cause)
}

function busyProblem(delayMs: number, cause: unknown): Problem {
  return new Problem('rate-limited', 'The system has more to do than it may take on; try again later.', {
    cause,
    headers: retryAfter(delayMs),
  })
}

/** Whoever asks can do something about it: have some of its calls answered, or withdraw them. */
function fullProblem(error: RemoteError): Problem {
  return new Problem('rate-limited', error.message, {
    code: error.kind,
    details: error.details,
    cause: error,
    headers: retryAfter(error.retryAfterMs ?? RETRY_DELAY_MS),
  })
}

function tooLargeProblem(cause: unknown): Problem {
  return new Problem('input-too-large', 'The input is larger than the message broker takes.', {
    field: 'body',
    cause,
  })
}

function lateProblem(timeoutMs: number | undefined, cause: unknown): Problem {
  const within = timeoutMs === undefined ? 'in time' : `within ${timeoutMs} ms`
  return new Problem(
    'deadline-exceeded',
    `There was no answer ${within}; the call may have had its effect. X-Timeout-Ms sets how long to wait.`,
    { cause },
  )
}

/** The answer itself says that there is none, so another call may be quicker: with rarer words, or less to look through. */
function slowProblem(error: RemoteError): Problem {
  return new Problem('deadline-exceeded', error.message, {
    code: error.kind,
    details: error.details,
    cause: error,
  })
}

function internalProblem(cause: unknown): Problem {
  return new Problem(
    'internal',
    'Something went wrong inside; the log of the gateway has it under X-Request-Id.',
    {
      cause,
    },
  )
}

/** `payload.data.input.layer` is `layer` to a caller, who never saw an envelope. */
function lastName(field: string): string {
  return field.replace(/^payload\.data\.?(input\.?)?/, '') || 'body'
}

/** Components begin their message with the field they object to: `metadata: must be ...`. */
function fieldNamedBy(message: string): string {
  return /^([a-z_]+(?:\[\d+\]|\.[a-z_]+)*): /.exec(message)?.[1] ?? 'body'
}
