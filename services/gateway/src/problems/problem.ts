/** Every kind of problem the HTTP server answers with: its HTTP status and its title. The kind ends the `type` URI. */
const PROBLEMS = {
  'invalid-input': [400, 'The input is not acceptable'],
  'invalid-request': [400, 'The request is not valid HTTP'],
  'token-required': [401, 'A token is required'],
  'client-unknown': [401, 'The client is not known by this secret'],
  'token-invalid': [401, 'The token is not acceptable'],
  'session-over': [401, 'The session is over'],
  'permission-missing': [403, 'A permission is missing'],
  'gateway-permission-missing': [403, 'The gateway itself lacks a permission'],
  'cross-site': [403, 'Pages of other origins may not call this'],
  'csrf-token-missing': [403, 'The CSRF token is missing'],
  'not-found': [404, 'Not found'],
  'method-not-allowed': [405, 'The method is not allowed here'],
  'request-incomplete': [408, 'The request did not arrive in time'],
  conflict: [409, 'Conflict'],
  'version-changed': [412, 'Another version is there'],
  'input-too-large': [413, 'The body is too large'],
  'media-type-unsupported': [415, 'The content type is not supported'],
  'rate-limited': [429, 'Too many requests'],
  'headers-too-large': [431, 'The headers are too large'],
  'client-closed': [499, 'The caller went away'],
  internal: [500, 'Something went wrong inside'],
  'no-responder': [503, 'Nobody serves this at the moment'],
  unavailable: [503, 'The messaging system is not available'],
  draining: [503, 'The gateway is stopping'],
  'deadline-exceeded': [504, 'There was no answer in time'],
  'quota-exceeded': [507, 'There is no room for more'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ProblemKind = keyof typeof PROBLEMS

/** The body of every answer that is not a success: `application/problem+json`. [RFC 9457, section 3] */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** The code of a failure that a service told, as docs/errors.md has it. */
  readonly code?: string
  /** Its facts for programs, such as a limit and what was found. */
  readonly details?: Readonly<Record<string, unknown>>
  /** The field, query parameter or header that was not acceptable. */
  readonly field?: string
  /** The permission that was missing. */
  readonly permission?: string
  /** The word that clients of OAuth 2.0 look at, where tokens are issued. [RFC 6749, section 5.2] */
  readonly error?: string
  readonly error_description?: string
}

export interface ProblemOptions {
  readonly code?: string | undefined
  readonly details?: Readonly<Record<string, unknown>> | undefined
  readonly field?: string | undefined
  readonly permission?: string | undefined
  readonly error?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly cause?: unknown
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8'

/** A failure that the caller is told about; `message` becomes `detail`, so it never holds internals. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly kind: ProblemKind
  readonly status: number
  readonly code: string | undefined
  readonly details: Readonly<Record<string, unknown>> | undefined
  readonly field: string | undefined
  readonly permission: string | undefined
  /** The error as OAuth 2.0 has it; undefined but where tokens are issued. */
  readonly error: string | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(kind: ProblemKind, detail: string, options: ProblemOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.status = PROBLEMS[kind][0]
    this.code = options.code
    this.details = options.details
    this.field = options.field
    this.permission = options.permission
    this.error = options.error
    this.headers = options.headers ?? {}
  }

  get body(): ProblemBody {
    return {
      type: `urn:jamey:problem:${this.kind}`,
      title: PROBLEMS[this.kind][1],
      status: this.status,
      detail: this.message,
      ...(this.code === undefined ? {} : { code: this.code }),
      ...(this.details === undefined ? {} : { details: this.details }),
      ...(this.field === undefined ? {} : { field: this.field }),
      ...(this.permission === undefined ? {} : { permission: this.permission }),
      ...(this.error === undefined ? {} : { error: this.error, error_description: this.message }),
    }
  }
}

/** `Retry-After` counts whole seconds, and 0 would invite a storm. [RFC 9110, section 10.2.3] */
export function retryAfter(delayMs: number): Readonly<Record<string, string>> {
  return { 'retry-after': String(Math.max(1, Math.ceil(delayMs / 1000))) }
}

/** The titles that stand for each status, for those who document them. */
export const PROBLEM_STATUSES: ReadonlyMap<number, string> = new Map(
  [...new Set(Object.values(PROBLEMS).map(([status]) => status))].map((status) => [
    status,
    Object.values(PROBLEMS)
      .filter((row) => row[0] === status)
      .map((row) => row[1])
      .join('; '),
  ]),
)
