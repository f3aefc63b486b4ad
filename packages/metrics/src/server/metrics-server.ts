import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIPv4 } from 'node:net'
import { JameyError } from '@jamey/protocol'

export interface MetricsServerOptions {
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  /** 127.0.0.1 by default; one that others can reach needs a `token`. */
  readonly host?: string | undefined
  readonly port: number
  /** Asked for as `Authorization: Bearer`; without it everybody who reaches the port may read. */
  readonly token?: string | undefined
  /** Why the process is not ready, in words; undefined: it is. For `/readyz`, which is for everybody who reaches the port. */
  readonly unreadiness?: (() => string | undefined) | undefined
}

export class MetricsServerError extends JameyError<'metrics-token-missing' | 'metrics-cannot-listen'> {
  override readonly name = 'MetricsServerError'
}

const MAXIMUM_CONNECTIONS = 64
const REQUEST_TIMEOUT_MS = 10_000

/** `GET /metrics`, and `/healthz` and `/readyz` for whoever looks after processes, at a port of its own. */
export class MetricsServer {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  /** Resolves once it listens. Rejects with `MetricsServerError`. */
  static async listen({
    metrics,
    host = '127.0.0.1',
    port,
    token,
    unreadiness = () => undefined,
  }: MetricsServerOptions): Promise<MetricsServer> {
    if (token === undefined && !isLoopback(host)) {
      const fault = `Metrics at ${host} can be read by other machines, and there is no token to ask for`
      throw new MetricsServerError(
        'metrics-token-missing',
        `${fault}: name its file, or listen on 127.0.0.1.`,
      )
    }
    const server = createServer((request, response) => {
      void answer(request, response, { metrics, token, unreadiness })
    })
    server.maxConnections = MAXIMUM_CONNECTIONS
    server.requestTimeout = REQUEST_TIMEOUT_MS
    server.headersTimeout = REQUEST_TIMEOUT_MS
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        const message = `Metrics cannot be served at ${host} port ${port}: ${error.message}.`
        reject(new MetricsServerError('metrics-cannot-listen', message, { cause: error }))
      })
      server.listen(port, host === 'localhost' ? '127.0.0.1' : host, resolve)
    })
    return new MetricsServer(server)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  {
    metrics,
    token,
    unreadiness,
  }: Pick<MetricsServerOptions, 'metrics' | 'token'> & { readonly unreadiness: () => string | undefined },
): Promise<void> {
  const plain = (status: number, text: string, headers: Record<string, string> = {}): void => {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(`${text}\n`)
  }
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  if (pathname === '/healthz') return plain(200, 'alive')
  if (pathname === '/readyz') {
    const reason = unreadiness()
    return reason === undefined ? plain(200, 'ready') : plain(503, reason)
  }
  if (pathname !== '/metrics') return plain(404, 'There are /metrics, /healthz and /readyz here.')
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return plain(405, 'Only GET.', { allow: 'GET, HEAD' })
  if (token !== undefined && !isToken(request.headers.authorization, token)) {
    return plain(401, 'A bearer token is needed.', { 'www-authenticate': 'Bearer' })
  }
  try {
    const text = await metrics.text()
    response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' })
    response.end(request.method === 'HEAD' ? undefined : text)
  } catch (error) {
    plain(500, `The metrics cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Takes as long for every wrong token. */
function isToken(header: string | undefined, token: string): boolean {
  const given = /^Bearer (.+)$/i.exec(header ?? '')?.[1]
  return given !== undefined && timingSafeEqual(digestOf(given), digestOf(token))
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}
