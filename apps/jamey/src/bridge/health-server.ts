import { createServer, type Server } from 'node:http'
import { CommandFailure } from '../support/failure.js'
import type { BridgeStatus } from './status.js'

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

/**
 * Tells on this machine how the bridge is: `/healthz` that it runs, `/readyz` with 503 while it does not carry, both with
 * the status. Resolves with the server once it listens.
 */
export async function serveHealth(port: number, status: () => BridgeStatus): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0]
    if (path !== '/healthz' && path !== '/readyz') {
      response.writeHead(404, HEADERS).end('{"error":"expected /healthz or /readyz"}\n')
      return
    }
    const now = status()
    const isUp = path === '/healthz' || now.ready
    response.writeHead(isUp ? 200 : 503, HEADERS).end(`${JSON.stringify(now)}\n`)
  })
  server.maxConnections = 100
  server.requestTimeout = server.headersTimeout = 5000
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const message = `cannot listen at 127.0.0.1:${port} for questions of health: ${error.message}`
      reject(new CommandFailure(message, { code: 'port-unusable', cause: error }))
    })
    server.listen(port, '127.0.0.1', resolve)
  })
  return server
}
