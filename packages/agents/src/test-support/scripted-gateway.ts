import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import type { JsonObject } from '../model/call-judge.js'

interface Asked {
  readonly arguments: JsonObject
  readonly call_id?: string
}

/** The answer of a gateway on one call. */
export type Answered = { readonly verdict: object } | { readonly error: { readonly message: string } }

/** Answers over HTTP as its fields say, and remembers what it was asked. */
export class ScriptedGateway {
  /** `POST /v1/...`, in their order. */
  readonly lines: string[] = []
  readonly reports: JsonObject[] = []
  /** The calls of each request for verdicts. */
  readonly evaluations: Asked[][] = []
  answer: (call: Asked) => Answered = () => ({ verdict: {} })
  /** Of the answer to `evaluate`; another than 200 without a verdict. */
  status = 200
  /** Of the answer to reports of results. */
  resultStatus = 200
  readonly #server: Server = createServer(async (request, response) => {
    const text = await textOf(request)
    const { status, body } = this.#answerTo(request, text === '' ? undefined : JSON.parse(text))
    response.writeHead(status).end(JSON.stringify(body))
  })

  /** Gives its address. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answerTo({ method, url = '' }: IncomingMessage, body: unknown): { status: number; body: unknown } {
    this.lines.push(`${method} ${url}`)
    if (url.startsWith('/v1/approvals/')) return { status: 200, body: { approval: { status: 'approved' } } }
    if (url === '/v1/conscience/reports') {
      const isResult = (body as JsonObject)['kind'] === 'result'
      if (isResult && this.resultStatus !== 200)
        return { status: this.resultStatus, body: { detail: 'not now' } }
      this.reports.push(body as JsonObject)
      return { status: 200, body: { recorded: true } }
    }
    const isBatch = url === '/v1/conscience/evaluate/batch'
    const calls = isBatch ? (body as { calls: Asked[] }).calls : [body as Asked]
    this.evaluations.push(calls)
    if (this.status !== 200) return { status: this.status, body: { detail: 'not now' } }
    const results = calls.map((call) => this.answer(call))
    if (isBatch) return { status: 200, body: { results } }
    const [only] = results
    if (only !== undefined && 'verdict' in only) return { status: 200, body: only.verdict }
    return { status: 503, body: { detail: only?.error.message } }
  }
}
