import { JudgeError } from '../model/errors.js'

/** More than any answer of the gateway has. */
const MAXIMUM_ANSWER_BYTES = 4 * 1024 * 1024

export interface JsonRequest {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly token: string | undefined
  readonly body?: unknown
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/**
 * One exchange with the gateway, whose answer is JSON. Node keeps the connection for the next one. Rejects with
 * `JudgeError`, whatever fails; nothing is followed elsewhere, for the token would go along.
 */
export async function jsonRequest(request: JsonRequest): Promise<unknown> {
  const { method, url, token, body, timeoutMs, signal } = request
  const deadline = AbortSignal.timeout(Math.ceil(timeoutMs))
  const headers: Record<string, string> = { accept: 'application/json' }
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  let response: Response
  let text: string
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
    if (error instanceof JudgeError) throw error
    const why = deadline.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error)
    throw new JudgeError('judge-unreachable', `${method} ${placeOf(url)} failed: ${why}`, {
      cause: error,
      retryable: true,
    })
  }
  if (!response.ok) throw refusal(request, response, text)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalidAnswer(request, `its answer is no JSON`, error)
  }
}

export function invalidAnswer({ method, url }: JsonRequest, why: string, cause: unknown): JudgeError {
  return new JudgeError('judge-answer-invalid', `${method} ${placeOf(url)} failed: ${why}`, { cause })
}

async function textOf(response: Response): Promise<string> {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let [text, bytes] = ['', 0]
  for await (const chunk of response.body) {
    bytes += chunk.byteLength
    if (bytes > MAXIMUM_ANSWER_BYTES) {
      throw new JudgeError(
        'judge-answer-invalid',
        `An answer must have at most ${MAXIMUM_ANSWER_BYTES} bytes; that of ${placeOf(new URL(response.url))} has more`,
      )
    }
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** The `detail` of a problem (RFC 9457), where the answer is one. */
function refusal({ method, url }: JsonRequest, { status }: Response, text: string): JudgeError {
  let detail: unknown
  try {
    detail = (JSON.parse(text) as { detail?: unknown } | null)?.detail
  } catch {
    // A proxy's own page tells nothing but its status.
  }
  const why = typeof detail === 'string' ? `: ${detail.slice(0, 1000)}` : ''
  return new JudgeError('judge-refused', `${method} ${placeOf(url)} was answered with ${status}${why}`, {
    status,
    retryable: status === 429 || status >= 500,
  })
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
