import { KeyObject } from 'node:crypto'
import { type IncomingHttpHeaders, request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import { isLoopbackHost } from './loopback.js'

/** A client certificate, with its chain, and its key. */
export interface ClientCertificate {
  readonly cert: string | Uint8Array
  readonly key: string | Uint8Array | KeyObject
  /** Passphrase of a `key` in encrypted PEM. */
  readonly passphrase?: string | undefined
}

export interface HttpsRequest {
  /** `https:`, or `http:` of this machine. */
  readonly url: URL
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
  /** Authorities that may have signed the server's certificate, PEM; those that Node knows by default. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined
  /** The certificate that is shown to the server, PEM. */
  readonly certificate?: ClientCertificate | undefined
  /** From the first byte to the last. */
  readonly timeoutMs: number
  readonly maximumBytes: number
}

export interface HttpsAnswer {
  readonly status: number
  readonly text: string
  readonly headers: IncomingHttpHeaders
  /** Of Retry-After in seconds; undefined where there is none. */
  readonly retryAfterSeconds: number | undefined
}

/** The reason why `url` may not be asked; undefined where it may: what travels there is believed, or is secret. */
export function urlFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is no URL'
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return 'has a user name or password in it'
  if (protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(hostname))) return undefined
  return protocol === 'http:' ? 'is without encryption and not of this machine' : 'is of another scheme'
}

/**
 * One request and its whole answer. A redirection is an answer like others, and is not followed. Rejects with an
 * `Error` that says what kept it from coming, in words that name neither URL nor body.
 */
export async function ask(request: HttpsRequest): Promise<HttpsAnswer> {
  const { url, method, headers, body, ca, timeoutMs, maximumBytes } = request
  const isSecure = url.protocol === 'https:'
  const authorities = ca === undefined ? {} : { ca: (Array.isArray(ca) ? ca : [ca]).map(pem) }
  const shown = request.certificate === undefined ? {} : certificateOptions(request.certificate)
  const options = { method, headers: { accept: 'application/json', ...headers }, agent: false as const }
  // The signal is the runtime's: it is not what the tests' clocks decide, and it holds a minute at the most.
  const signal = AbortSignal.timeout(Math.min(timeoutMs, 60_000))
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(new Error(faultOf(error, signal, timeoutMs)))
    const sent = isSecure
      ? requestSecure(url, { ...options, ...authorities, ...shown, minVersion: 'TLSv1.2', signal })
      : requestPlain(url, { ...options, signal })
    sent.on('error', fail)
    sent.on('response', (answer) => {
      const chunks: Buffer[] = []
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > maximumBytes) sent.destroy(new Error(`the answer has more than ${maximumBytes} bytes`))
        else chunks.push(chunk)
      })
      answer.on('error', fail)
      answer.on('end', () => {
        const seconds = Number(answer.headers['retry-after'])
        const retryAfterSeconds = Number.isInteger(seconds) && seconds >= 0 ? seconds : undefined
        resolve({
          status: answer.statusCode ?? 0,
          text: Buffer.concat(chunks).toString('utf8'),
          headers: answer.headers,
          retryAfterSeconds,
        })
      })
    })
    sent.end(body)
  })
}

function faultOf(error: unknown, signal: AbortSignal, timeoutMs: number): string {
  if (signal.aborted) return `there was no answer within ${timeoutMs} ms`
  const { code, message } = error as { code?: unknown; message: string }
  return typeof code === 'string' ? `${code}` : message
}

function certificateOptions({ cert, key, passphrase }: ClientCertificate) {
  const encoded = key instanceof KeyObject ? key.export({ type: 'pkcs8', format: 'pem' }) : pem(key)
  return { cert: pem(cert), key: encoded, ...(passphrase === undefined ? {} : { passphrase }) }
}

function pem(text: string | Uint8Array): string | Buffer {
  return typeof text === 'string' ? text : Buffer.from(text)
}
