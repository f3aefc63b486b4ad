import { createHmac } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { isAbsolute, join } from 'node:path'
import { isLoopbackHost } from '@jamey/auth'
import { BrokerFilesError, type BrokerFilesErrorCode, type BrokerOptions } from './broker-files.js'

/** Text as the brokers' own languages take it. */

/** A word of a shell. */
export function shellWord(text: string): string {
  return /^[\w./@:+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** The text between double quotes, as NATS and HOCON (EMQX) read it. Neither allows control characters there. */
export function doubleQuoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** `host:port`, with brackets about an address of IPv6. */
export function hostAndPort({ host, port }: Pick<BrokerOptions, 'host' | 'port'>): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`
}

/** Every character that ends a line, or that a parser may take for something else than itself. */
const CONTROL = /\p{Cc}|[\u2028\u2029]/u

/** Checks a text for a file with one rule a line: a control character would begin a line of somebody's own. */
function assertOneLine(what: string, text: string): void {
  if (CONTROL.test(text))
    fail('option-unusable', `${what} ${shown(text)} has a control character; expected none`)
}

/** Throws `BrokerFilesError` for options that no file of a broker can hold. */
export function assertOptions(options: BrokerOptions): void {
  const { folder, host, port, tls, tokenSecretFile } = options
  for (const [name, path] of Object.entries({ folder, ...tls, tokenSecretFile })) {
    if (path === undefined) continue
    assertOneLine(`the path of ${name}`, path)
    if (!isAbsolute(path)) fail('option-unusable', `the path of ${name} ${shown(path)} is not absolute`)
  }
  assertOneLine('the host', host)
  if (!/^[\w.:-]+$/.test(host))
    fail('option-unusable', `the host ${shown(host)} is none; expected a name or an address`)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    fail('option-unusable', `the port ${port} is none; expected a whole number, 1 to 65535`)
  }
  assertService(options.authorization)
}

/**
 * Checks paths for a `key = value` file, where `#` begins a comment and nothing can be quoted, and for scripts that
 * split at spaces.
 */
export function assertPlainPaths(broker: string, { folder, tls }: BrokerOptions): void {
  for (const [name, path] of Object.entries({ folder, ...tls })) {
    if (/^[\w/.@:+~-]+$/.test(path)) continue
    const expected = 'expected letters, digits and / . _ - + ~ @ : alone'
    fail('option-unusable', `${broker} cannot be told the path of ${name}, ${shown(path)}; ${expected}`)
  }
}

/** The secret is in a URL with some brokers, and each of them reads escapes there in its own way. */
function assertService({ url, secret }: BrokerOptions['authorization']): void {
  const found = URL.canParse(url) ? new URL(url) : undefined
  const isBare = found?.pathname === '/' && !/[?#@]/.test(url)
  if (!isBare || !/^https?:$/.test(found.protocol)) {
    fail(
      'option-unusable',
      `the URL of the authorization service is ${shown(url)}; expected http://HOST:PORT`,
    )
  }
  if (found.protocol === 'http:' && !isLoopbackHost(found.hostname)) {
    const why = 'tokens would be readable on their way'
    fail(
      'option-unusable',
      `the authorization service is at ${shown(url)}, and ${why}; expected https, or http to 127.0.0.1`,
    )
  }
  if (secret !== undefined && !/^[\w.~-]+$/.test(secret)) {
    const what =
      'the secret of the authorization service has other characters than letters, digits and . _ ~ -'
    fail('option-unusable', `${what}; make one with \`openssl rand -hex 32\``)
  }
}

/** `path` of the service, with the secret as the password of its URL where a broker cannot send a header. */
export function serviceUrl({ authorization: { url, secret } }: BrokerOptions, path: string): string {
  const { protocol, host } = new URL(url)
  return `${protocol}//${secret === undefined ? '' : `broker:${secret}@`}${host}${path}`
}

/**
 * The secret that nodes of Erlang share, made from that of the service: the same at each run, and nothing that tells the
 * other. Throws where there is none.
 */
export function cookieOf({ authorization: { secret } }: BrokerOptions): string {
  if (secret === undefined)
    fail('option-unusable', 'there is no secret from which the cookie of the node could be made')
  return createHmac('sha256', secret).update('cookie of a node of Erlang').digest('hex')
}

/** A path in the folder of the files. */
export function inFolder({ folder }: BrokerOptions, name: string): string {
  return join(folder, name)
}

export function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)
}

export function fail(code: BrokerFilesErrorCode, message: string): never {
  throw new BrokerFilesError(code, message)
}
