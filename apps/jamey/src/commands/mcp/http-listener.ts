import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { localhostHostValidation, localhostOriginValidation, toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, type McpServerFactory } from '@modelcontextprotocol/server'

export const PATH = '/mcp'
const MAXIMUM_BODY_BYTES = 1_048_576
const MAXIMUM_CONNECTIONS = 100

export interface HttpListenerOptions {
  readonly port: number
  readonly token: string
  readonly factory: McpServerFactory
  readonly onError: (error: Error) => void
}

export interface HttpListener {
  /** `http://127.0.0.1:3000/mcp` */
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves MCP over HTTP to programs of this machine that know the token. A page in a browser knows neither the token nor
 * may it ask from another origin, and a name that was made to point here is no name of ours.
 */
export async function listenHttp({
  port,
  token,
  factory,
  onError,
}: HttpListenerOptions): Promise<HttpListener> {
  const handler = createMcpHandler(factory, { onerror: onError, maxRequestBodySize: MAXIMUM_BODY_BYTES })
  const serve = toNodeHandler(handler)
  const [mayHost, mayOrigin] = [localhostHostValidation(), localhostOriginValidation()]
  const server = createServer((request, response) => {
    // Both are there in every request that was read.
    const { method = 'GET', url = '/' } = request
    if (!mayHost(request, response) || !mayOrigin(request, response)) return
    const refuse = (status: number, headers = {}): void => {
      response.writeHead(status, headers).end()
    }
    if (!bearsToken(request, token)) return refuse(401, { 'www-authenticate': 'Bearer realm="jamey"' })
    if (new URL(url, 'http://localhost').pathname !== PATH) return refuse(404)
    serve(Object.assign(request, { method, url }), response).catch((error: unknown) => {
      onError(error instanceof Error ? error : new Error(String(error)))
      response.destroy()
    })
  })
  server.maxConnections = MAXIMUM_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const { port: bound } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${bound}${PATH}`, close: () => close(server, handler.close) }
}

/** In the same time whatever stands there. */
function bearsToken({ headers: { authorization = '' } }: IncomingMessage, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(authorization), digest(`Bearer ${token}`))
}

async function close(server: Server, closeHandler: () => Promise<void>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  await closeHandler()
  server.closeAllConnections()
  await closed
}
