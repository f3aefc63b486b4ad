import { isIP } from 'node:net'
import { getDomain } from 'tldts'

/** Where a URL leads. */
export interface UrlFact {
  readonly text: string
  /** Lower case, without the colon. */
  readonly scheme: string
  /** As it is looked up, in ASCII. */
  readonly host: string
  /** What somebody can register, by the public suffix list; the host where there is none. */
  readonly domain: string
  /** This machine or a private network. */
  readonly isLocal: boolean
  /** A user name or password stands in it, which may look like the host. */
  readonly hasUserInfo: boolean
  /** Letters of other scripts stand in the host. */
  readonly isInternational: boolean
  /** How much it tells whoever answers: the length of its query and fragment. */
  readonly queryLength: number
}

const URLS = /\b([a-z][a-z0-9+.-]{1,20}):\/\/[^\s<>"'`\\^{}|]+/gi
/** Without a scheme: `www.example.org/x`. */
const WWW = /\bwww\.[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:\/[^\s<>"'`\\^{}|]*)?/gi

/** Undefined for what is no URL that leads to a host. */
export function urlFact(text: string): UrlFact | undefined {
  let url: URL
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `https://${text}`)
  } catch {
    return undefined
  }
  const { hostname } = url
  if (hostname === '') return undefined
  const host = hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
  return {
    text,
    scheme: url.protocol.slice(0, -1),
    host,
    domain: getDomain(host) ?? host,
    isLocal: isLocal(host),
    hasUserInfo: url.username !== '' || url.password !== '',
    isInternational: host.split('.').some((label) => label.startsWith('xn--')),
    queryLength: url.search.length + url.hash.length,
  }
}

/** Those that stand anywhere in a text. */
export function urlsIn(text: string): UrlFact[] {
  const found = new Set<string>()
  for (const pattern of [URLS, WWW]) {
    for (const [match] of text.matchAll(pattern)) found.add(match.replace(/[.,;:!?)\]]+$/, ''))
  }
  return [...found].flatMap((one) => urlFact(one) ?? [])
}

function isLocal(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost') || host.endsWith('.local')) return true
  if (isIP(host) === 4)
    return /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|0\.)/.test(host)
  return isIP(host) === 6 && /^(?:::1?$|f[cd]|fe80|::ffff:(?:7f|a[0-9a-f]{2}:|c0a8|127\.|10\.))/i.test(host)
}
