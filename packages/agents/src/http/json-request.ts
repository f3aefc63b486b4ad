/** An exchange that failed. */
export interface JsonFailure {
  readonly kind: 'unreachable' | 'refused' | 'answer-invalid'
  readonly message: string
  /** The HTTP status of an answer; undefined where there was none. */
  readonly status?: number | undefined
  /** The code that the answer tells beside it, or else the kind of problem that it is. */
  readonly code?: string | undefined
  readonly cause?: unknown
  readonly retryable?: boolean | undefined
}

/** More than any answer of the gateway has. */
const MAXIMUM_ANSWER_BYTES = 4 * 1024 * 1024

export interface JsonRequest {
  readonly method: 'GET' | 'POST' | 'PATCH'
  readonly url: URL
  readonly token: string | undefined
  readonly body?: unknown
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  /** The error that is rejected with. */
  readonly failure: (failure: JsonFailure) => Error
}

/**
 * One exchange with the gateway, whose answer is JSON. Node keeps the connection for the next one. Rejects with what
 * `failure` makes, whatever fails; nothing is followed elsewhere, for the token would go along.
 */
export async function jsonRequest(request: JsonRequest): Promise<unknown> {
  const { method, url, token, body, timeoutMs, signal, failure } = request
  const deadline = AbortSignal.timeout(Math.ceil(timeoutMs))
  const headers: Record<string, string> = { accept: 'application/json' }
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  let response: Response
  let text: string | undefined
  try {
    response = await fetch(url, {
      method,
      headers,
      redirect: 'error',
      signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    text = await textOf(response)
  } catch (error) {
    const why = deadline.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error)
    const message = `${method} ${placeOf(url)} failed: ${why}`
    throw failure({ kind: 'unreachable', message, cause: error, retryable: true })
  }
  if (text === undefined) {
    throw invalidAnswer(request, `its answer has more than ${MAXIMUM_ANSWER_BYTES} bytes`, undefined)
  }
  if (!response.ok) throw refusal(request, response, text)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalidAnswer(request, `its answer is no JSON`, error)
  }
}

export function invalidAnswer({ method, url, failure }: JsonRequest, why: string, cause: unknown): Error {
  return failure({ kind: 'answer-invalid', message: `${method} ${placeOf(url)} failed: ${why}`, cause })
}

/** Undefined where it has more bytes than any answer. */
async function textOf(response: Response): Promise<string | undefined> {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let [text, bytes] = ['', 0]
  for await (const chunk of response.body) {
    bytes += chunk.byteLength
    if (bytes > MAXIMUM_ANSWER_BYTES) return undefined
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** The `detail` and `code` of a problem (RFC 9457), where the answer is one. */
function refusal({ method, url, failure }: JsonRequest, { status }: Response, text: string): Error {
  let problem: Readonly<Record<'detail' | 'code' | 'type', unknown>> | null = null
  try {
    problem = JSON.parse(text)
  } catch {
    // A proxy's own page tells nothing but its status.
  }
  const why = typeof problem?.detail === 'string' ? `: ${problem.detail.slice(0, 1000)}` : ''
  return failure({
    kind: 'refused',
    message: `${method} ${placeOf(url)} was answered with ${status}${why}`,
    status,
    code: [problem?.code, kindOf(problem?.type)].find((code) => typeof code === 'string'),
    retryable: status === 429 || status >= 500,
  })
}

const PROBLEM = 'urn:jamey:problem:'

function kindOf(type: unknown): string | undefined {
  return typeof type === 'string' && type.startsWith(PROBLEM) ? type.slice(PROBLEM.length) : undefined
}

/** Without what a query could hold. */
function placeOf(url: URL): string {
  return `${url.origin}${url.pathname}`
}

/** fetch says no more than that it failed; why stands in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
