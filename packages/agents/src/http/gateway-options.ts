import { ANSWER_TIMEOUT_MS } from '../model/limits.js'

export interface GatewayOptions {
  /** Of the gateway: `https://jamey.example`, or `http://127.0.0.1:8080` on the same machine. */
  readonly url: string
  /** Sent as Bearer token; a function is asked before each request, and for each call of a session where it is made, for tokens that end or that are of several users. */
  readonly token?: string | (() => string | Promise<string>) | undefined
  /** Milliseconds for one answer, 10 000 by default. */
  readonly timeoutMs?: number | undefined
  /** Allows `http:` beyond this machine, where everybody on the way reads the token. False by default. */
  readonly insecure?: boolean | undefined
}

/** The time for one answer; throws `TypeError` for one that no timer holds. */
export function timeoutOf({ timeoutMs = ANSWER_TIMEOUT_MS }: GatewayOptions): number {
  if (timeoutMs > 0 && timeoutMs <= 600_000) return timeoutMs
  throw new TypeError(`timeoutMs must be above 0 and at most 600000; it is ${timeoutMs}.`)
}

/** The address, with a slash at its end, behind which paths are put; throws `TypeError` for one that is none. */
export function baseOf({ url, insecure = false }: GatewayOptions): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined
  if (base === undefined || !/^https?:$/.test(base.protocol) || base.username !== '' || base.search !== '') {
    throw new TypeError(`url must be an http: or https: URL without user and query.`)
  }
  if (base.protocol === 'http:' && !insecure && !isThisMachine(base.hostname)) {
    throw new TypeError(`url must be https: beyond this machine, or 'insecure' must be true; it is ${base}.`)
  }
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  return base
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** The token to ask with; rejects as the function does that gives it. */
export async function tokenOf({ token }: GatewayOptions): Promise<string | undefined> {
  return typeof token === 'function' ? await token() : token
}
