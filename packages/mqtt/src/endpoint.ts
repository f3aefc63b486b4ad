import { ConnectionError } from './errors.js'
import type { Credentials } from './options.js'
import type { Endpoint } from './transport.js'

const DEFAULT_PORT: Readonly<Record<string, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 }

export interface NamedUrl {
  readonly endpoint: Endpoint
  readonly credentials: Credentials
}

/** Throws `ConnectionError` 'invalid-argument'; the message never repeats user, password or query. */
export function readUrl(text: string): NamedUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.hostname === '') {
    throw new ConnectionError(
      'invalid-argument',
      `url ${shown(text)}; expected one such as 'mqtts://host:8883'`,
    )
  }
  const scheme = url.protocol.slice(0, -1)
  const fallback = DEFAULT_PORT[scheme]
  if (fallback === undefined) {
    throw new ConnectionError(
      'invalid-argument',
      `url has the scheme '${scheme}'; expected ${Object.keys(DEFAULT_PORT).join(', ')}`,
    )
  }
  // IPv6 addresses stand in brackets in URLs and without them everywhere else.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = url.port === '' ? fallback : Number(url.port)
  const path = url.pathname.length > 1 ? url.pathname : defaultPath(scheme)
  return {
    endpoint: {
      scheme,
      host,
      port,
      path: `${path}${url.search}`,
      href: `${scheme}://${url.hostname}:${port}${path}`,
    },
    credentials: {
      username: decoded(url.username),
      password: decoded(url.password),
    },
  }
}

function decoded(text: string): string | undefined {
  return text === '' ? undefined : decodeURIComponent(text)
}

/** Where brokers serve WebSocket by custom. */
function defaultPath(scheme: string): string {
  return scheme.startsWith('ws') ? '/mqtt' : ''
}

/** `host` or `host:port` of a Server Reference, with the scheme in use. Section 4.11. */
export function readServerReference(reference: string, scheme: string): Endpoint | undefined {
  const [first = ''] = reference.trim().split(/\s+/)
  try {
    return readUrl(first.includes('://') ? first : `${scheme}://${first}`).endpoint
  } catch {
    return undefined
  }
}

/** Without what may be secret: where it is unclear what belongs to what, nothing is shown. */
function shown(text: string): string {
  const at = text.lastIndexOf('@')
  const query = text.indexOf('?')
  if (at >= 0 && query >= 0) return "'...'"
  if (query >= 0) return JSON.stringify(`${text.slice(0, query)}?...`)
  return JSON.stringify(at < 0 ? text : `...${text.slice(at)}`)
}
