import { randomUUID } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { Permissions } from '@jamey/auth'
import {
  DuplicateRequestError,
  type Message,
  NoResponderError,
  type Principal,
  RemoteError,
  type RequestContext,
  RequestError,
  type RequestOptions,
  RequestTimeoutError,
  type StateChange,
  type StateName,
} from '@jamey/bus'
import type { RequestContract } from '@jamey/contracts'
import type { GatewayBus } from '../api/gateway-bus.js'
import { createGateway, type Gateway } from './gateway.js'
import type { GatewayOptions } from './options.js'

export const SECRET = 'a-secret-for-tests-that-is-long-enough'

type Handler = (request: Message<unknown>, context: RequestContext) => unknown

/** One request as the fake bus saw it. */
export interface SeenRequest {
  readonly topic: string
  readonly action: string
  readonly data: unknown
  readonly options: RequestOptions
}

/** A bus without a broker: requests go to the handler that serves them, failures travel as they would. */
export class FakeBus {
  state: StateName = 'connected'
  faults: { kind: string; message: string }[] = []
  readonly requests: SeenRequest[] = []
  readonly #handlers = new Map<string, Handler>()
  readonly #waiting = new Set<string>()
  readonly #listeners = new Set<(change: StateChange) => void>()

  /** Serves a contract without a group, as a component would. */
  answer(contract: RequestContract, handler: Handler): void {
    this.#handlers.set(keyOf(contract), handler)
  }

  become(state: StateName): void {
    this.state = state
    for (const listener of this.#listeners) listener({ state })
  }

  serves(contract: RequestContract): boolean {
    return this.#handlers.has(keyOf(contract))
  }

  onState(listener: (change: StateChange) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async serve(contract: RequestContract, _options: { group: string }, handler: Handler) {
    this.answer(contract, handler)
    return { stop: async () => void this.#handlers.delete(keyOf(contract)) }
  }

  async request(contract: RequestContract, data: unknown, options: RequestOptions): Promise<unknown> {
    const { topic, action } = contract
    this.requests.push({ topic, action, data, options })
    const handler = this.#handlers.get(keyOf(contract))
    if (handler === undefined) throw new NoResponderError(topic, action)
    const { messageId = randomUUID(), correlationId = randomUUID(), timeoutMs = 30_000 } = options
    // The real bus does so, too: its waiting requests all share one inbox.
    const replyTo = options.correlationId === undefined ? 'answers' : messageId
    const key = `${replyTo} ${correlationId}`
    if (this.#waiting.has(key)) throw new DuplicateRequestError(correlationId)
    this.#waiting.add(key)
    const deadline = new AbortController()
    const timer = setTimeout(() => {
      deadline.abort(new RequestTimeoutError(topic, action, timeoutMs))
    }, timeoutMs)
    const signals = options.signal === undefined ? [deadline.signal] : [deadline.signal, options.signal]
    const signal = AbortSignal.any(signals)
    const dueAtMs = performance.now() + timeoutMs
    const context = {
      deadlineAtMs: Date.now() + timeoutMs,
      get remainingMs() {
        return dueAtMs - performance.now()
      },
      signal,
      acknowledgeAfter: (): void => {},
    }
    try {
      const message = messageOf(contract, data, { ...options, messageId, correlationId })
      const answer = Promise.resolve().then(() => handler(message, context))
      return await Promise.race([answer, rejectionOf(signal)])
    } catch (error) {
      throw error instanceof RequestError
        ? new RemoteError(error.kind, error.message, error.retryable, { details: error.details })
        : error
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(key)
    }
  }

  asBus(): GatewayBus {
    return this as unknown as GatewayBus
  }
}

function keyOf(contract: RequestContract): string {
  return `${contract.topic} ${contract.action}`
}

function messageOf(contract: RequestContract, data: unknown, options: RequestOptions): Message<unknown> {
  const { messageId = randomUUID(), correlationId = randomUUID(), traceparent } = options
  return {
    data: contract.schema.parse(data),
    topic: contract.topic,
    sender: { clientId: 'somebody', isVerified: true },
    principal: principalOf(options),
    isRetained: false,
    envelope: {
      message_id: messageId,
      timestamp: new Date().toISOString(),
      topic: contract.topic,
      payload: { action: contract.action, data },
      metadata: {
        client_id: 'somebody',
        correlation_id: correlationId,
        ...(traceparent === undefined ? {} : { traceparent }),
      },
    },
  }
}

/** Whom a request is for, as the bus tells it of a sender that may act for others. */
function principalOf({ onBehalfOf }: RequestOptions): Principal {
  if (onBehalfOf === undefined) return { clientId: 'somebody', permissions: undefined }
  const { clientId, permissions } = onBehalfOf
  return { clientId, permissions: new Permissions(permissions, { clientId }) }
}

function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

export interface RunningFixture {
  readonly bus: FakeBus
  readonly gateway: Gateway
  readonly url: string
  readonly port: number
}

/** A started gateway on a free port, over a fake bus. */
export async function startGateway(
  options: Partial<GatewayOptions> = {},
  bus = new FakeBus(),
): Promise<RunningFixture> {
  const gateway = createGateway({ port: 0, ...options, bus: bus.asBus() })
  await gateway.start()
  const url = gateway.url ?? ''
  return { bus, gateway, url, port: Number(new URL(url).port) }
}

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly body: Record<string, unknown>
}

export interface RawCall {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array
}

/** An HTTP call that may carry any header, which `fetch` would not let through. */
export async function call(url: string, options: RawCall = {}): Promise<RawAnswer> {
  const { method = options.body === undefined ? 'GET' : 'POST', headers = {}, body } = options
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        const isJson = /[/+]json/.test(response.headers['content-type'] ?? '') && text !== ''
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          body: isJson ? JSON.parse(text) : {},
        })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** A POST of JSON. */
export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<RawAnswer> {
  return call(url, {
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  })
}

export const VERDICT = {
  kind: 'text',
  evaluation_id: 'an-id',
  action: 'water the plants',
  approved: true,
  decision: 'allow',
  outcome: 'approved',
  moral_score: 0.5,
  recognised: true,
  rules: [],
  reasons: [],
  explanation: 'It does good.',
  judge: { status: 'not_configured' },
  rules_version: '1',
  policy_version: '1',
  requested_by: 'agent-1',
  request_digest: `sha256:${'0'.repeat(64)}`,
  correlation_id: '0d7ff1f6-6a0f-4f0b-9d39-6a1b5f0f7a11',
  evaluated_at: '2024-11-14T20:00:00Z',
} as const

export function memoryOf(id: string, content: string) {
  return {
    id,
    content,
    layer: 'short_term',
    tags: [],
    importance: 0.5,
    created_at: '2024-11-14T20:00:00Z',
    occurred_at: '2024-11-14T20:00:00Z',
    expires_at: null,
    owner: 'jamey-gateway',
    scope: 'private',
    source: 'jamey-gateway',
    metadata: {},
    trusted: true,
    version: 1,
    updated_at: '2024-11-14T20:00:00Z',
    count: 1,
    last_stored_at: '2024-11-14T20:00:00Z',
    content_hash: '0'.repeat(64),
    provenance: { stored_by: 'jamey-gateway' },
  } as const
}
