import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'

/** At once; what is more waits for one of them. */
const MAXIMUM_CONNECTIONS = 256

export interface HttpExchangeOptions {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer | undefined
  readonly signal: AbortSignal
}

/** Exchanges with one address, over connections that are kept. Nothing is followed elsewhere: a token would go along. */
export class HttpExchanges {
  readonly #url: URL
  readonly #agent: HttpAgent | HttpsAgent

  constructor(url: URL) {
    this.#url = url
    const options = { keepAlive: true, maxSockets: MAXIMUM_CONNECTIONS }
    this.#agent = url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options)
  }

  /** Resolves with the head of the answer, whose body is to be read or destroyed. */
  begin({ method, headers, body, signal }: HttpExchangeOptions): Promise<IncomingMessage> {
    const begin = this.#url.protocol === 'https:' ? httpsRequest : httpRequest
    const length = body === undefined ? {} : { 'content-length': String(body.length) }
    return new Promise((resolve, reject) => {
      const options = { method, headers: { ...headers, ...length }, signal, agent: this.#agent }
      const request = begin(this.#url, options, resolve)
      request.once('error', reject)
      request.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
