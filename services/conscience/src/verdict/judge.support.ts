import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json as jsonOf } from 'node:stream/consumers'

export interface JudgeRequest {
  readonly path: string
  readonly authorization: string | undefined
  readonly body: { model: string; messages: { role: string; content: string }[] }
}

type Answerer = (response: ServerResponse, request: JudgeRequest) => void

/** A chat-completions endpoint on loopback that answers as a test says. */
export class JudgeEndpoint {
  readonly requests: JudgeRequest[] = []
  answer: Answerer = (response) => say(response, { score: 0.5, opinion: 'It seems fine' })
  url = ''
  readonly #server: Server
  #watchers: (() => void)[] = []

  private constructor() {
    this.#server = createServer((request, response) => void this.#handle(request, response))
  }

  static async start(): Promise<JudgeEndpoint> {
    const endpoint = new JudgeEndpoint()
    endpoint.#server.listen(0, '127.0.0.1')
    await once(endpoint.#server, 'listening')
    endpoint.url = `http://127.0.0.1:${(endpoint.#server.address() as AddressInfo).port}/v1`
    return endpoint
  }

  /** Resolves when so many requests have come in. */
  async received(count: number): Promise<void> {
    while (this.requests.length < count) await new Promise<void>((resolve) => this.#watchers.push(resolve))
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await jsonOf(request)) as JudgeRequest['body']
    const received = { path: request.url ?? '', authorization: request.headers.authorization, body }
    this.requests.push(received)
    for (const wake of this.#watchers.splice(0)) wake()
    this.answer(response, received)
  }
}

/** Answers as a model that says this. */
export function say(response: ServerResponse, content: unknown): void {
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ choices: [{ message: { role: 'assistant', content: text } }] }))
}
