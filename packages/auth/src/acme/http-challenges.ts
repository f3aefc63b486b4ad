import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AcmeError } from '../support/errors.js'

const PREFIX = '/.well-known/acme-challenge/'
const MAXIMUM_CONNECTIONS = 64
const REQUEST_TIMEOUT_MS = 5_000

/** Answers the questions of HTTP-01 and nothing else, for as long as an order takes. RFC 8555 section 8.3 */
export class HttpChallenges {
  readonly #texts = new Map<string, string>()
  readonly #server: Server

  constructor() {
    const limits = {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      maxHeaderSize: 8_192,
    }
    this.#server = createServer(limits, (request, response) => this.#answer(request, response))
    this.#server.maxConnections = MAXIMUM_CONNECTIONS
  }

  /** Resolves with the port. Throws `AcmeError` where it cannot be had. */
  async listen(host: string, port: number): Promise<number> {
    try {
      await once(this.#server.listen(port, host), 'listening')
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const message = `the challenge cannot be answered at ${host}:${port}: ${code}`
      throw new AcmeError('acme-challenge-failed', message)
    }
    return (this.#server.address() as AddressInfo).port
  }

  publish(token: string, text: string): void {
    this.#texts.set(token, text)
  }

  withdraw(token: string): void {
    this.#texts.delete(token)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer({ method, url = '' }: IncomingMessage, response: ServerResponse): void {
    const isAsked = method === 'GET' && url.startsWith(PREFIX)
    const text = isAsked ? this.#texts.get(url.slice(PREFIX.length)) : undefined
    response.writeHead(text === undefined ? 404 : 200, {
      'content-type': 'application/octet-stream',
      connection: 'close',
    })
    response.end(text)
  }
}
