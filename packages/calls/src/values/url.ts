import { isIP } from 'node:net'
import { getDomain, parse } from 'tldts'

/** Where a URL leads. */
export interface UrlFact {
  readonly text: string
  /** Lower case, without the colon. */
  readonly scheme: string
  /** As it is looked up, in ASCII. */
  readonly host: string
  /** What somebody can register, by the public suffix list; the host where there is none. */
  readonly domain: string
  /** What is asked for there, with percent-encoding resolved. */
  readonly path: string
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

/** Whether it is no path, though it may stand where one does. */
export function isLink(text: string): boolean {
  return text.includes('://') && /^[a-z][a-z0-9+.-]*:\/\//i.test(text) && !/^file:/i.test(text)
}

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
    path: decodedPath(url.pathname),
    isLocal: isLocal(host),
    hasUserInfo: url.username !== '' || url.password !== '',
    isInternational: host.split('.').some((label) => label.startsWith('xn--')),
    queryLength: url.search.length + url.hash.length,
  }
}

/** Encoded more than once, as some decode more than once. */
function decodedPath(pathname: string): string {
  let path = pathname
  for (let i = 0; i < 3 && /%[0-7][0-9a-f]/i.test(path); i++) {
    path = path.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  }
  return path.replace(/\/{2,}/g, '/')
}

/** Those that stand anywhere in a text. */
export function urlsIn(text: string): UrlFact[] {
  const hasScheme = text.includes('://')
  const hasName = text.includes('.') && /www\./i.test(text)
  if (!hasScheme && !hasName) return []
  const found = new Set<string>()
  if (hasScheme) for (const [match] of text.matchAll(URLS)) found.add(withoutEnd(match))
  if (hasName) for (const [match] of text.matchAll(WWW)) found.add(withoutEnd(match))
  return [...found].flatMap((one) => urlFact(one) ?? [])
}

/** What ends a sentence is no part of a link in it. */
function withoutEnd(link: string): string {
  return link.replace(/[.,;:!?)\]]+$/, '')
}

/** Bounded in every part, so that no text takes long. */
const BARE =
  /(?<![\p{L}\p{N}@._/-])((?:[\p{L}\p{N}-]{1,63}\.){1,10}[\p{L}-]{2,24})(?::\d{1,5})?((?:[/?#][^\s<>"'`\\^{}|]{0,2000})?)/gu
/** Endings of files that are top-level domains as well. */
const FILE_ENDINGS = /\.(?:md|py|rs|sh|pl|ps|zip|mov)$/i

/** What is not seen is gone, and what looks like a full stop is one. */
function plainOf(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text
  return text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/[\u3002\uff61]/g, '.')
}

/**
 * What a reader, or the program that shows the text, takes for a link: also hosts without a scheme, and those that are
 * written so as not to look like one (`hxxps://`, `example[.]org`, unseen letters).
 */
export function linksIn(text: string): UrlFact[] {
  const seen = plainOf(text)
    .replace(/\s?[[({]\s?(?:\.|dot)\s?[\])}]\s?/gi, '.')
    .replace(/\bhxxp(s?):\/\//gi, 'http$1://')
  const found = new Map(urlsIn(seen).map((url) => [url.text, url]))
  if (!seen.includes('.')) return [...found.values()]
  const hosts = new Set([...found.values()].map(({ host }) => host))
  for (const [, host = '', rest = ''] of seen.matchAll(BARE)) {
    if (parse(host).isIcann !== true || (rest.length < 2 && FILE_ENDINGS.test(host))) continue
    const url = urlFact(withoutEnd(`${host}${rest}`))
    if (url !== undefined && !(rest.length < 2 && hosts.has(url.host))) found.set(url.text, url)
  }
  return [...found.values()]
}

/** Addresses that clouds give the service which tells a machine who it is are of no private network. */
function isLocal(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost') || host.endsWith('.local')) return true
  if (isIP(host) === 4) return /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|0\.)/.test(host)
  return (
    isIP(host) === 6 &&
    !/^fd00:ec2:/i.test(host) &&
    /^(?:::1?$|f[cd]|::ffff:(?:7f|a[0-9a-f]{2}:|c0a8|127\.|10\.))/i.test(host)
  )
}
