import { ConnectionError } from '../model/errors.js'
import type { Credentials } from '../model/options.js'
import type { Endpoint } from '../model/transport.js'

const DEFAULT_PORT: Readonly<Record<string, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 }

/** User and password of the URL that an endpoint was read from: with the endpoint itself they would be shown. */
const CREDENTIALS = new WeakMap<Endpoint, Credentials>()

export function credentialsOf(endpoint: Endpoint): Credentials {
  return CREDENTIALS.get(endpoint) ?? {}
}

/** `endpoint`, with the user and password of `from`. */
export function adoptCredentials(endpoint: Endpoint, from: Endpoint): Endpoint {
  CREDENTIALS.set(endpoint, credentialsOf(from))
  return endpoint
}

/** Throws `ConnectionError` 'invalid-argument'; the message never repeats user, password or query. */
export function readUrl(text: string): Endpoint {
  // The zone of an IPv6 address, which the standard of URLs has no place for. RFC 6874.
  let zone = ''
  const url = parsed(
    text.replace(/%(?:25)?([\w.-]+)\]/, (_, name: string) => {
      zone = `%${name}`
      return ']'
    }),
  )
  // The standard of URLs leaves names of schemes that it does not know as they are: `b%C3%BCcher` for `b\xfccher`.
  const name = parsed(`ws://${url?.hostname}`)?.hostname
  if (url === undefined || name === undefined || url.hostname === '') {
    throw invalid(`${shown(text)}; expected one such as 'mqtts://host:8883'`)
  }
  const scheme = url.protocol.slice(0, -1)
  const fallback = DEFAULT_PORT[scheme]
  if (fallback === undefined) {
    throw invalid(`has the scheme '${scheme}'; expected ${Object.keys(DEFAULT_PORT).join(', ')}`)
  }
  // IPv6 addresses stand in brackets in URLs and without them everywhere else.
  const host = name.replace(/[[\]]/g, '') + zone
  const port = url.port === '' ? fallback : Number(url.port)
  // The parsed URL has a path in any case.
  const path = /^[^/]*\/\/[^/?#]*\//.test(text) ? url.pathname : defaultPath(scheme)
  const endpoint = {
    scheme,
    host,
    port,
    path: `${path}${url.search}`,
    href: `${scheme}://${bracketed(host)}:${port}${path}`,
  }
  CREDENTIALS.set(endpoint, { username: decoded(url.username), password: decoded(url.password) })
  return endpoint
}

/** `host` stands in brackets where it is an IPv6 address. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function parsed(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

function invalid(fault: string): ConnectionError {
  return new ConnectionError('invalid-argument', `url ${fault}`)
}

function decoded(text: string): string | undefined {
  try {
    return text === '' ? undefined : decodeURIComponent(text)
  } catch {
    throw invalid("has a '%' in user or password; expected %25")
  }
}

/** Path at which brokers serve WebSocket by custom. */
function defaultPath(scheme: string): string {
  return scheme.startsWith('ws') ? '/mqtt' : ''
}

/**
 * `host` or `host:port` of a Server Reference, with the scheme and, where they stood in a URL, the credentials of the
 * server that gave it. Section 4.11.
 */
export function readServerReference(reference: string, from: Endpoint): Endpoint | undefined {
  const [first = ''] = reference.trim().split(/\s+/)
  try {
    return adoptCredentials(readUrl(first.includes('://') ? first : `${from.scheme}://${first}`), from)
  } catch {
    return undefined
  }
}

/** The text without what may be secret: where it is unclear what belongs to what, nothing is shown. */
function shown(text: string): string {
  const at = text.lastIndexOf('@')
  const query = text.indexOf('?')
  if (at >= 0 && query >= 0) return "'...'"
  if (query >= 0) return JSON.stringify(`${text.slice(0, query)}?...`)
  return JSON.stringify(at < 0 ? text : `...${text.slice(at)}`)
}
