import { ApiError, errorOf, unreachable } from './problem.js'

/** A call is given up after this long; what waits longer on purpose says so. */
const TIMEOUT_MS = 15_000

export type QueryValue = string | number | boolean | readonly string[] | undefined

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly query?: Readonly<Record<string, QueryValue>>
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number
}

let csrfToken: string | undefined

/** What calls that change something are to bear beside the session's cookie. */
export function setCsrfToken(token: string | undefined): void {
  csrfToken = token
}

const SESSION = 'v1/session'
let tellUnauthorized: () => void = () => undefined

/** Calls `tell` whenever an answer says that nobody is signed in any more; those of the session itself apart. */
export function onUnauthorized(tell: () => void): void {
  tellUnauthorized = tell
}

/** An address below the page's own, so that a proxy may serve all of it under a prefix. */
export function addressOf(path: string, query: Readonly<Record<string, QueryValue>> = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one))
  }
  const text = search.toString()
  return text === '' ? path : `${path}?${text}`
}

/** The levels of a topic, or a client identifier, as one piece of a path. */
export const segment = (text: string): string => encodeURIComponent(text)

/** The JSON that the gateway answers with; throws an `ApiError`. */
export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  const { method = 'GET', query, body, signal, timeoutMs = TIMEOUT_MS } = options
  const headers: Record<string, string> = { accept: 'application/json' }
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (method !== 'GET' && csrfToken !== undefined) headers['jamey-csrf'] = csrfToken
  const limit = AbortSignal.timeout(timeoutMs)
  let response: Response
  try {
    response = await fetch(addressOf(path, query), {
      method,
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw unreachable()
  }
  if (response.status === 401 && path !== SESSION) tellUnauthorized()
  if (!response.ok) throw await errorOf(response)
  if (response.status === 204) return undefined as T
  try {
    return (await response.json()) as T
  } catch {
    throw new ApiError(response.status, 'unknown', 'The gateway answered with something that is not JSON.')
  }
}
