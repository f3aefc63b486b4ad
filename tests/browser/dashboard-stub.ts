import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, resolve } from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import type {
  Approval,
  BrokerStatus,
  ClientSummary,
  FindingList,
  OutboxList,
  Status,
  VerdictList,
} from '@jamey/contracts'

/**
 * A gateway with a system behind it that is as one wants it, for what a real one is seldom or slowly: ten thousand
 * clients, every view filled, answers that fail.
 */

const PAGE = resolve(import.meta.dirname, '../../apps/jamey/dashboard')
/** As strict as the gateway's. */
export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

export interface StubWorld {
  session:
    | { name: string; permissions: readonly string[]; expires_at?: string; csrf_token?: string }
    | undefined
  status: () => BrokerStatus
  clients: readonly ClientSummary[]
  approvals: Approval[]
  /** Of the conscience that one asks unless one chooses. */
  audit: VerdictList['verdicts']
  /** Of others, by their names. */
  audits?: Readonly<Record<string, VerdictList['verdicts']>>
  components: Readonly<Record<string, Status>>
  outbox: OutboxList
  findings: FindingList
  retained: readonly { topic: string; bytes: number; qos: 0 | 1 | 2; payload_text?: string }[]
  memories: readonly object[]
  /** As a gateway that was started anew: the next call, and no later one, is told that its session is over. */
  isOver?: boolean
  /** Calls of these paths are answered 503. */
  failing: RegExp | undefined
}

export class DashboardStub {
  readonly world: StubWorld
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  readonly #streams = new Set<ServerResponse>()

  constructor(world: StubWorld) {
    this.world = world
  }

  async listen(port = 0): Promise<string> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Every stream breaks; the browser opens it anew. */
  breakStreams(): void {
    for (const stream of this.#streams) stream.destroy()
  }

  /** To every stream that is open, whatever its filters. */
  emit(topic: string, data: unknown, more: object = {}): void {
    const message = {
      topic,
      payload: { message_id: '1', payload: { action: 'x', data } },
      qos: 1,
      retain: false,
      sender: 'jamey-conscience',
      is_verified: true,
      received_at: new Date().toISOString(),
      ...more,
    }
    for (const stream of this.#streams) stream.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://stub')
    if (!url.pathname.startsWith('/v1/')) return this.#file(url.pathname, response)
    if (this.world.isOver === true) {
      this.world.isOver = false
      return problem(response, 401, 'session-over', 'The session has ended. Sign in again.')
    }
    if (this.world.failing?.test(url.pathname)) {
      return problem(response, 503, 'no-responder', 'Nobody serves this at the moment.')
    }
    if (url.pathname === '/v1/events') return this.#stream(response)
    const body = await bodyOf(request)
    const found = this.#call(request.method ?? 'GET', url, body)
    if (found === undefined) return problem(response, 404, 'not-found', 'There is nothing at this path.')
    if (found === 401) return problem(response, 401, 'token-required', 'A token is required.')
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(found))
  }

  #call(method: string, url: URL, body: unknown): object | 401 | undefined {
    const { world } = this
    const path = decodeURIComponent(url.pathname)
    const query = url.searchParams
    if (path === '/v1/session') return world.session ?? 401
    if (path === '/v1/broker') return world.status()
    if (path === '/v1/broker/clients') return this.#clients(query)
    if (path.startsWith('/v1/broker/clients/')) return this.#client(path.slice('/v1/broker/clients/'.length))
    if (path === '/v1/broker/retained') return { messages: world.retained }
    if (path.startsWith('/v1/broker/topics/')) return explanationOf(path.slice('/v1/broker/topics/'.length))
    if (path === '/v1/broker/outbox') return world.outbox
    if (path === '/v1/broker/findings') return world.findings
    if (path.endsWith('/memories')) return { memories: world.memories, total: world.memories.length }
    if (path === '/v1/approvals') {
      const wanted = query.getAll('status')
      const found = world.approvals.filter(({ status }) => wanted.includes(status))
      if (query.get('order') === 'changed_at')
        found.sort((a, b) => Date.parse(b.changed_at) - Date.parse(a.changed_at))
      if (query.get('order') === 'expires_at')
        found.sort((a, b) => Date.parse(a.expires_at ?? '') - Date.parse(b.expires_at ?? ''))
      const { items: approvals, ...next } = pageOf(found, query)
      return { approvals, total: found.length, ...next }
    }
    if (path === '/v1/verdicts') {
      const decision = query.get('decision')
      const audit = world.audits?.[query.get('conscience') ?? ''] ?? world.audit
      const found = audit.filter(({ verdict }) => decision === null || verdict.decision === decision)
      const { items: verdicts, ...next } = pageOf(found, query)
      return { verdicts, ...next }
    }
    const answered = /^\/v1\/approvals\/([^/]+)\/answer$/.exec(path)?.[1]
    if (method === 'POST' && answered !== undefined) return this.#answerApproval(answered, body as object)
    return undefined
  }

  #answerApproval(id: string, body: { decision?: string; scope?: string; note?: string }): object {
    const changed = this.world.approvals.map((approval) =>
      approval.approval_id !== id
        ? approval
        : ({
            ...approval,
            status: body.decision === 'deny' ? 'denied' : 'approved',
            scope: body.scope ?? 'once',
            changed_at: new Date().toISOString(),
            answers: [{ answered_by: 'operator-ann', answered_at: new Date().toISOString(), ...body }],
          } as Approval),
    )
    this.world.approvals = changed
    return { approval: changed.find(({ approval_id }) => approval_id === id) }
  }

  #clients(query: URLSearchParams): object {
    const search = (query.get('search') ?? '').toLowerCase()
    const sort = query.get('sort') ?? 'client_id'
    const fitting = this.world.clients.filter(({ client_id }) => client_id.toLowerCase().includes(search))
    if (sort === 'queued') fitting.sort((a, b) => b.queued - a.queued)
    const { items: clients, ...next } = pageOf(fitting, query)
    return { clients, ...next }
  }

  #client(id: string): object | undefined {
    const found = this.world.clients.find(({ client_id }) => client_id === id)
    if (found === undefined) return undefined
    return {
      client: {
        ...found,
        subscriptions: [
          { filter: 'jamey/events/#', qos: 1 },
          { filter: 'jamey/memory/query/#', qos: 1, share_group: 'memory' },
        ],
        permissions: [
          'publish:jamey/conscience/evaluate',
          'subscribe:jamey/events/#',
          'publish:jamey/memory/+',
        ],
        drops: { 'queue-full': 12 },
        is_complete: true,
      },
    }
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('retry: 500\n\n')
    this.#streams.add(response)
    response.on('close', () => this.#streams.delete(response))
    for (const [id, status] of Object.entries(this.world.components)) {
      this.emit(`jamey/events/status/${id}`, status, { retain: true })
    }
  }

  async #file(path: string, response: ServerResponse): Promise<void> {
    const name = path === '/' ? 'index.html' : path.slice(1)
    try {
      const bytes = await readFile(join(PAGE, name))
      response.setHeader('content-type', TYPES[extname(name)] ?? 'text/plain')
      response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY)
      response.end(bytes)
    } catch {
      problem(response, 404, 'not-found', 'There is nothing at this path.')
    }
  }
}

/** Of a list, what its cursor and limit say. */
function pageOf<Item>(
  all: readonly Item[],
  query: URLSearchParams,
): { items: readonly Item[]; next_cursor?: string } {
  const from = Number(query.get('cursor') ?? 0)
  const to = from + Number(query.get('limit') ?? 50)
  return { items: all.slice(from, to), ...(to < all.length ? { next_cursor: String(to) } : {}) }
}

function problem(response: ServerResponse, status: number, kind: string, detail: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' })
  response.end(JSON.stringify({ type: `urn:jamey:problem:${kind}`, title: kind, status, detail }))
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const text = await textOf(request)
  return text === '' ? undefined : JSON.parse(text)
}

function explanationOf(topic: string): object {
  return {
    topic,
    may_publish: [
      {
        client_id: 'jamey-gateway',
        is_connected: true,
        known_by: 'session',
        permission: `publish:${topic}`,
      },
      { client_id: 'agent-7', is_connected: true, known_by: 'session', permission: 'publish:jamey/#' },
    ],
    may_subscribe: [
      { client_id: 'jamey-operator', is_connected: false, known_by: 'manifest', permission: 'jamey/#' },
    ],
    subscribers: [
      {
        client_id: 'jamey-conscience',
        filter: `${topic}/#`,
        qos: 1,
        share_group: 'conscience',
        is_connected: true,
        may_receive: true,
        queued: 3,
        drops: {},
      },
    ],
    dropped: { 'queue-full': 2 },
    contract: { topic, actions: ['evaluate'], service: 'conscience' },
    is_complete: true,
  }
}
