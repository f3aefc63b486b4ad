import { isIP, isIPv4, isIPv6, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { AuthenticationError, ConnectionError } from '../model/errors.js'
import type { ProxyOptions } from '../model/options.js'
import { bracketed } from './endpoint.js'

/**
 * A server that makes connections for others: HTTP CONNECT (RFC 9110 section 9.3.6), over TLS as well, or SOCKS5
 * (RFC 1928, 1929).
 */
export interface ProxyServer {
  readonly scheme: 'http' | 'https' | 'socks5'
  readonly host: string
  readonly port: number
  /** The URL without user and password, for messages. */
  readonly href: string
  readonly login: { readonly username: string; readonly password: string } | undefined
  /** PEM of the authorities of an `https` proxy. */
  readonly ca: ProxyOptions['ca']
}

const DEFAULT_PORT = { http: 80, https: 443, socks5: 1080 } as const
/** No answer of a proxy needs as much. */
const MAXIMUM_ANSWER_BYTES = 16_384
/** A length of SOCKS5 is one byte. */
const MAXIMUM_SOCKS_TEXT_BYTES = 255
const SOCKS_VERSION = 5
const SOCKS_FAULTS: readonly string[] = [
  '',
  'general failure',
  'not allowed by its rules',
  'network unreachable',
  'host unreachable',
  'connection refused',
  'time to live expired',
  'command not supported',
  'address type not supported',
]

/** Throws `ConnectionError` 'invalid-argument'; the message never repeats user and password. `what` names the text. */
export function readProxy(given: string | ProxyOptions, what = 'option proxy'): ProxyServer {
  const { url: text, ca } = typeof given === 'string' ? { url: given, ca: undefined } : given
  const url = URL.canParse(text) ? new URL(text) : undefined
  const scheme = schemeOf(url)
  if (url === undefined || url.hostname === '' || scheme === undefined) {
    const expected = "one such as 'http://host:3128', 'https://host' or 'socks5://host:1080'"
    throw invalid(what, `is no URL of one; expected ${expected}`)
  }
  const host = url.hostname.replace(/[[\]]/g, '')
  const port = url.port === '' ? DEFAULT_PORT[scheme] : Number(url.port)
  const username = decoded(url.username, what)
  const password = decoded(url.password, what)
  if (scheme !== 'socks5' && username.includes(':'))
    throw invalid(what, "has a ':' in its user, which HTTP cannot say")
  const longest = Math.max(Buffer.byteLength(username), Buffer.byteLength(password))
  if (scheme === 'socks5' && longest > MAXIMUM_SOCKS_TEXT_BYTES) {
    throw invalid(
      what,
      `has a user or password of ${longest} bytes; SOCKS5 can say ${MAXIMUM_SOCKS_TEXT_BYTES}`,
    )
  }
  const login = username === '' && password === '' ? undefined : { username, password }
  return { scheme, host, port, href: `${scheme}://${bracketed(host)}:${port}`, login, ca }
}

/** `socks5h` says elsewhere what we do anyway: that the proxy resolves the names. */
function schemeOf(url: URL | undefined): ProxyServer['scheme'] | undefined {
  const scheme = url?.protocol.slice(0, -1).replace(/^socks5h$/, 'socks5')
  return scheme === 'http' || scheme === 'https' || scheme === 'socks5' ? scheme : undefined
}

/** `socket`, or TLS over it where the proxy speaks that. Rejects with `ConnectionError`, or with the reason of `signal`. */
export async function greet(socket: Socket, proxy: ProxyServer, signal: AbortSignal): Promise<Socket> {
  if (proxy.scheme !== 'https') return socket
  const onAbort = (): void => void socket.destroy()
  signal.addEventListener('abort', onAbort)
  try {
    signal.throwIfAborted()
    const secured = connectTls(tlsOptionsOf(socket, proxy))
    await new Promise<void>((resolve, reject) => {
      secured.once('secureConnect', resolve)
      secured.once('error', reject)
      secured.once('close', () => reject(new Error('it hung up')))
    })
    return secured
  } catch (error) {
    socket.destroy()
    throw signal.aborted ? signal.reason : failed(proxy, `makes no TLS: ${(error as Error).message}`, error)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function tlsOptionsOf(socket: Socket, { host, ca }: ProxyServer): ConnectionOptions {
  return {
    socket,
    host,
    ALPNProtocols: ['http/1.1'],
    // An address is no name for SNI. RFC 6066 section 3
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : Buffer.from(ca) }),
  }
}

/**
 * Has the proxy at the other end of `socket` connect it to `host`, whose name the proxy resolves. What comes after its
 * answer stays unread. Rejects with `ConnectionError` or `AuthenticationError`, or with the reason of `signal`.
 */
export async function tunnel(
  socket: Socket,
  proxy: ProxyServer,
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  const onAbort = (): void => void socket.destroy()
  const ignore = (): void => {}
  socket.on('error', ignore)
  signal.addEventListener('abort', onAbort)
  try {
    signal.throwIfAborted()
    if (proxy.scheme !== 'socks5') await tunnelByHttp(socket, proxy, `${bracketed(host)}:${port}`)
    else await tunnelBySocks(socket, proxy, host, port)
  } catch (error) {
    socket.destroy()
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', onAbort)
    socket.off('error', ignore)
  }
}

async function tunnelByHttp(socket: Socket, proxy: ProxyServer, target: string): Promise<void> {
  const { login } = proxy
  const basic = login && Buffer.from(`${login.username}:${login.password}`).toString('base64')
  const authorization = basic === undefined ? '' : `Proxy-Authorization: Basic ${basic}\r\n`
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`)
  const answer = await take(socket, proxy, (seen) => {
    const end = seen.indexOf('\r\n\r\n')
    return end < 0 ? undefined : end + 4
  })
  const [, status, reason = ''] = /^HTTP\/1\.[01] (\d{3}) ?([^\r\n]*)/.exec(answer.toString('latin1')) ?? []
  if (status === undefined) throw failed(proxy, 'does not speak HTTP')
  if (status === '407') throw refused(proxy)
  if (!status.startsWith('2'))
    throw failed(proxy, `does not connect to ${target}: ${status} ${printable(reason)}`)
}

async function tunnelBySocks(socket: Socket, proxy: ProxyServer, host: string, port: number): Promise<void> {
  const { login } = proxy
  const none = 0
  const byPassword = 2
  const offered = login === undefined ? [none] : [none, byPassword]
  socket.write(Buffer.from([SOCKS_VERSION, offered.length, ...offered]))
  const [version, method = 0xff] = await take(socket, proxy, () => 2)
  if (version !== SOCKS_VERSION) throw failed(proxy, 'does not speak SOCKS5')
  if (!offered.includes(method)) throw refused(proxy)
  if (method === byPassword && login !== undefined) {
    socket.write(Buffer.concat([Buffer.from([1]), counted(login.username), counted(login.password)]))
    const [, status] = await take(socket, proxy, () => 2)
    if (status !== 0) throw refused(proxy)
  }
  socket.write(Buffer.concat([Buffer.from([SOCKS_VERSION, 1, 0]), socksAddress(host), portBytes(port)]))
  const [, code = 1] = await take(socket, proxy, socksAnswerBytes)
  if (code === 0) return
  const fault = SOCKS_FAULTS[code] ?? `code ${code}`
  throw failed(proxy, `does not connect to ${bracketed(host)}:${port}: ${fault}`)
}

/** A failure may be all that comes, without the address that belongs behind it. */
function socksAnswerBytes(seen: Buffer): number | undefined {
  const [, code, , type, length = 0] = seen
  if (code !== undefined && code !== 0) return seen.length
  if (seen.length < 5) return undefined
  return 4 + (type === 1 ? 4 : type === 4 ? 16 : 1 + length) + 2
}

/** Addresses as such, and names as they are: the proxy looks them up. */
function socksAddress(host: string): Buffer {
  const address = host.replace(/%.*/, '')
  if (isIPv4(address)) return Buffer.from([1, ...address.split('.').map(Number)])
  if (isIPv6(address)) {
    const [left = [], right = []] = address
      .split('::')
      .map((half) => half.split(':').filter((one) => one !== ''))
    const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0')
    const groups = [...left, ...zeros, ...right].map((group) => group.padStart(4, '0'))
    return Buffer.from(`04${groups.join('')}`, 'hex')
  }
  return Buffer.concat([Buffer.from([3]), counted(host)])
}

function counted(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

function portBytes(port: number): Buffer {
  return Buffer.from([port >> 8, port & 0xff])
}

/**
 * Takes as many bytes as `measure` finds to belong together; undefined asks for more. The rest is left to the next
 * reader.
 */
function take(
  socket: Socket,
  proxy: ProxyServer,
  measure: (seen: Buffer) => number | undefined,
): Promise<Buffer> {
  let seen: Buffer = Buffer.alloc(0)
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      socket.off('readable', look)
      socket.off('close', onClose)
      socket.off('end', onClose)
    }
    const onClose = (): void => {
      stop()
      reject(failed(proxy, 'hung up'))
    }
    const look = (): void => {
      for (let chunk = socket.read(); chunk !== null; chunk = socket.read())
        seen = Buffer.concat([seen, chunk])
      const length = measure(seen)
      if (length === undefined || length > seen.length) {
        if (seen.length <= MAXIMUM_ANSWER_BYTES) return
        stop()
        return reject(failed(proxy, `answers with more than ${MAXIMUM_ANSWER_BYTES} bytes`))
      }
      stop()
      if (length < seen.length) socket.unshift(seen.subarray(length))
      resolve(seen.subarray(0, length))
    }
    socket.on('readable', look)
    socket.on('close', onClose)
    socket.on('end', onClose)
    if (socket.destroyed) onClose()
    else look()
  })
}

/** The error where the proxy itself cannot be reached. */
export function unreachable(proxy: ProxyServer, cause: Error): ConnectionError {
  const { code } = cause as NodeJS.ErrnoException
  return failed(proxy, `cannot be reached: ${cause.message || code || 'unknown fault'}`, cause)
}

function failed({ href }: ProxyServer, fault: string, cause?: unknown): ConnectionError {
  return new ConnectionError('unreachable', `the proxy ${href} ${fault}`, { cause, retryable: true })
}

function refused({ href, login }: ProxyServer): AuthenticationError {
  const what = login === undefined ? 'wants a user and password' : 'does not take our user and password'
  return new AuthenticationError('bad-credentials', `the proxy ${href} ${what}; see the option proxy`, {
    retryable: true,
  })
}

function invalid(what: string, fault: string): ConnectionError {
  return new ConnectionError('invalid-argument', `${what} ${fault}`)
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid(what, "has a '%' in user or password; expected %25")
  }
}

function printable(text: string): string {
  return text.replace(/[^ -~]/g, '?').slice(0, 80)
}
