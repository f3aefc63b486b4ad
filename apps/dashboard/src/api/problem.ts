/** A failure of a call, told by the gateway (RFC 9457) or found on the way to it. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** The status of the answer; 0 where there was none. */
  readonly status: number
  /** The last part of the problem's type, such as `permission-missing`; `unreachable` where there was no answer. */
  readonly kind: string
  readonly permission: string | undefined
  readonly field: string | undefined

  constructor(
    status: number,
    kind: string,
    message: string,
    more: { permission?: string | undefined; field?: string | undefined } = {},
  ) {
    super(message)
    this.status = status
    this.kind = kind
    this.permission = more.permission
    this.field = more.field
  }
}

/** The error that an answer tells; what is no problem document is told by its status alone. */
export async function errorOf(response: Response): Promise<ApiError> {
  const fallback = `The gateway answered ${response.status} ${response.statusText}`.trim()
  let body: unknown
  try {
    body = await response.json()
  } catch {
    return new ApiError(response.status, 'unknown', `${fallback}.`)
  }
  const { type, detail, permission, field } = (body ?? {}) as Record<string, unknown>
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
  return new ApiError(
    response.status,
    text(type)?.split(':').at(-1) ?? 'unknown',
    text(detail) ?? `${fallback}.`,
    { permission: text(permission), field: text(field) },
  )
}

/** Whatever was thrown as a failure of a call; what the page itself did wrong is told as such. */
export function failureOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  return new ApiError(500, 'page', `The page could not read the answer: ${String(error)}`)
}

export function unreachable(): ApiError {
  return new ApiError(0, 'unreachable', 'The gateway does not answer.')
}
