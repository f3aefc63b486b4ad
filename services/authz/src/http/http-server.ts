import type { IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { isLoopbackAddress } from '@jamey/auth'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Logger } from 'pino'
import type { Answer, Endpoint } from '../brokers/endpoint.js'
import { Fields, MalformedRequest } from '../brokers/fields.js'
import type { Decider } from '../decisions/decider.js'
import { type Decision, type Question, type Refused, refused } from '../decisions/question.js'
import type { DecisionMetrics } from '../metrics/decision-metrics.js'
import { type BrokerProof, headerCount, isOfBroker } from './broker-proof.js'
import { readFormBody } from './form-body.js'
import { readJsonBody } from './json-body.js'
import {
  BODY_LIMIT_BYTES,
  HEADER_LIMIT_BYTES,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_TIMEOUT_MS,
  MAXIMUM_CONNECTIONS,
  MAXIMUM_IN_FLIGHT,
  REQUEST_TIMEOUT_MS,
} from './limits.js'
import { RefusalLog } from './refusal-log.js'
import { type ServerTls, tlsOptionsOf } from './tls.js'

/** The settings that a reload replaces. */
export interface ServerSettings {
  readonly proof: BrokerProof
  /** Seconds for which a broker that can keep answers may keep one. */
  readonly cacheSeconds: number
  /** Undefined where HTTP is served. A reload cannot change whether it is. */
  readonly tls: ServerTls | undefined
}

export interface HttpServerOptions extends ServerSettings {
  readonly endpoints: readonly Endpoint[]
  readonly decider: Decider
  readonly metrics: DecisionMetrics
  /** Number of connections that are known. */
  readonly grants: () => number
  readonly log: Logger
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** 500 by default. */
  readonly maximumInFlight?: number | undefined
}

const FORMS = { json: 'application/json', urlencoded: 'application/x-www-form-urlencoded' } as const

/** Brokers ask here. Whoever is one gets a decision for an answer, whatever it sent; nobody else gets any. */
export class HttpServer {
  readonly #app: FastifyInstance
  readonly #options: HttpServerOptions
  readonly #refusalLog: RefusalLog
  readonly #endpoints: ReadonlyMap<string, Endpoint>
  /** Requests that a broker sent. */
  readonly #admitted = new WeakSet<FastifyRequest>()
  #settings: ServerSettings
  #inFlight = 0
  #isDraining = false
  #areKeysAway = false

  constructor(options: HttpServerOptions) {
    this.#options = options
    this.#settings = options
    this.#refusalLog = new RefusalLog(options.log)
    this.#endpoints = new Map(options.endpoints.map((endpoint) => [endpoint.path, endpoint]))
    this.#app = this.#createApp()
    this.#app.server.maxConnections = MAXIMUM_CONNECTIONS
    this.#addOwnRoutes()
    for (const endpoint of options.endpoints) this.#addEndpoint(endpoint)
  }

  async listen(host: string, port: number): Promise<AddressInfo> {
    // "localhost" would mean several sockets, of which all but the first may silently fail.
    await this.#app.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port })
    return this.#app.server.address() as AddressInfo
  }

  /** Holds for what is asked from now on, on connections that are open, too. */
  use(settings: ServerSettings): void {
    const { server } = this.#app
    if (
      settings.tls !== undefined &&
      'setSecureContext' in server &&
      typeof server.setSecureContext === 'function'
    ) {
      server.setSecureContext(tlsOptionsOf(settings.tls))
    }
    this.#settings = settings
  }

  /** Takes nothing new and finishes what it took. */
  async close(): Promise<void> {
    this.#isDraining = true
    await this.#app.close()
  }

  #createApp(): FastifyInstance {
    const { tls } = this.#settings
    const http = {
      maxHeaderSize: HEADER_LIMIT_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
    }
    const options = {
      logger: false,
      bodyLimit: BODY_LIMIT_BYTES,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      forceCloseConnections: 'idle' as const,
      return503OnClosing: false,
      clientErrorHandler: (_error: Error, socket: Socket) => this.#answerUnreadable(socket),
    }
    const app: FastifyInstance =
      tls === undefined
        ? fastify({ ...options, http })
        : fastify({ ...options, https: { ...http, ...tlsOptionsOf(tls) } })
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, bytes: Buffer) => bytes)
    app.setErrorHandler((error, request, reply) => this.#answerError(error as Error, request, reply))
    app.setNotFoundHandler((_request, reply) => {
      this.#options.metrics.rejected('not-found')
      return reply.code(404).send()
    })
    return app
  }

  #addOwnRoutes(): void {
    this.#app.get('/healthz', async () => ({ status: 'alive' }))
    this.#app.get('/readyz', async (_request, reply) => {
      const why = this.#isDraining ? 'draining' : this.#areKeysAway ? 'keys-unavailable' : undefined
      return why === undefined ? { status: 'ready' } : reply.code(503).send({ status: why })
    })
    const { metrics, grants } = this.#options
    const registry = metrics.registry({ grants, inFlight: () => this.#inFlight })
    this.#app.get('/metrics', async (request, reply) => {
      if (!isOfThisMachine(request.raw) && !isOfBroker(request.raw, this.#settings.proof)) {
        return this.#reject(reply)
      }
      return reply.type(registry.contentType).send(await registry.text())
    })
  }

  #addEndpoint(endpoint: Endpoint): void {
    this.#app.post(endpoint.path, {
      // The broker proves itself before a byte of the body is read.
      onRequest: async (request, reply) => this.#admit(endpoint, request, reply),
      handler: async (request, reply) => {
        const { question, decision } = await this.#decide(endpoint, request)
        return this.#send(endpoint, request, reply, decision, question)
      },
    })
  }

  async #admit(endpoint: Endpoint, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    if (!isOfBroker(request.raw, this.#settings.proof)) {
      const { remoteAddress } = request.raw.socket
      const facts = { broker: endpoint.broker, peer: remoteAddress }
      this.#refusalLog.info(
        { event: 'authz.broker.refused', ...facts },
        'whoever asked did not show what a broker has to',
      )
      return this.#reject(reply)
    }
    this.#admitted.add(request)
    const { maximumInFlight = MAXIMUM_IN_FLIGHT } = this.#options
    if (this.#inFlight >= maximumInFlight) {
      return this.#send(endpoint, request, reply, refused('overloaded', 'too much is asked at once'))
    }
    this.#inFlight++
    reply.raw.once('close', () => void this.#inFlight--)
    return undefined
  }

  async #decide(
    endpoint: Endpoint,
    request: FastifyRequest,
  ): Promise<{ question?: Question; decision: Decision }> {
    let question: Question
    try {
      question = questionIn(endpoint, request)
    } catch (error) {
      if (!(error instanceof MalformedRequest)) throw error
      return { decision: refused('malformed', error.message) }
    }
    const decision = await this.#options.decider.decide(question)
    if (question.kind === 'connect' && question.token !== undefined) {
      this.#areKeysAway = decision.reason === 'keys-unavailable'
    }
    return { question, decision }
  }

  #send(
    endpoint: Endpoint,
    request: FastifyRequest,
    reply: FastifyReply,
    decision: Decision,
    question?: Question,
  ): FastifyReply {
    const { decider, metrics, now } = this.#options
    const hook = hookOf(request)
    const context = {
      cacheSeconds: this.#settings.cacheSeconds,
      nowMs: now(),
      sealed: (grant: Parameters<Decider['sealed']>[0]) => decider.sealed(grant),
    }
    const answer: Answer = decision.isAllowed ? endpoint.answer(decision, hook, context) : endpoint.refusal
    const { isAllowed, reason } = decision
    const facts = { broker: endpoint.broker, hook: endpoint.nameOf(hook) }
    metrics.decided({ ...facts, isAllowed, reason, ms: reply.elapsedTime })
    if (!decision.isAllowed) this.#tell(facts, decision, question)
    const seconds = answer.cacheSeconds ?? 0
    return reply
      .header('cache-control', seconds > 0 ? `max-age=${seconds}` : 'no-store')
      .type(answer.contentType)
      .send(answer.body)
  }

  #tell(facts: object, { reason, message }: Refused, question: Question | undefined): void {
    const clientId = question?.clientId?.slice(0, 128)
    this.#refusalLog.info({ event: 'authz.decision.refused', ...facts, client_id: clientId, reason }, message)
  }

  #reject(reply: FastifyReply): FastifyReply {
    this.#options.metrics.rejected('unauthenticated')
    return reply.code(401).header('www-authenticate', 'Bearer realm="jamey-authz"').send()
  }

  /** A body that is too long or broken off, and faults of ours. */
  #answerError(error: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { statusCode = 500 } = error as { statusCode?: number }
    if (statusCode >= 500)
      this.#options.log.error(
        { event: 'authz.decision.failed', err: error },
        'a decision failed, and was a refusal',
      )
    const endpoint = this.#endpoints.get(request.routeOptions.url ?? '')
    if (endpoint === undefined || !this.#admitted.has(request)) return reply.code(statusCode).send()
    const reason = statusCode >= 500 ? 'internal' : 'malformed'
    return this.#send(endpoint, request, reply.code(200), refused(reason, 'the request could not be read'))
  }

  #answerUnreadable(socket: Socket): void {
    this.#options.metrics.rejected('unreadable')
    if (socket.writable)
      socket.write('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
    // A peer that does not hang up, too, would keep its half of the connection open.
    socket.destroySoon()
  }
}

function questionIn(endpoint: Endpoint, request: FastifyRequest): Question {
  const hook = hookOf(request)
  if (headerCount(request.raw, 'vernemq-hook') > 1) throw new MalformedRequest('vernemq-hook is there twice')
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== FORMS[endpoint.form]) throw new MalformedRequest(`the body is no ${FORMS[endpoint.form]}`)
  const bytes: unknown = request.body
  if (!(bytes instanceof Uint8Array)) throw new MalformedRequest('there is no body')
  const values = endpoint.form === 'json' ? readJsonBody(bytes) : readFormBody(bytes)
  return endpoint.ask(new Fields(values), hook)
}

function hookOf({ headers }: FastifyRequest): string | undefined {
  const hook = headers['vernemq-hook']
  return typeof hook === 'string' ? hook : undefined
}

/** True where the request comes from this machine, and not by a proxy on it. */
function isOfThisMachine({ socket, headers }: IncomingMessage): boolean {
  const isPassedOn = ['forwarded', 'x-forwarded-for', 'via'].some((name) => headers[name] !== undefined)
  return !isPassedOn && isLoopbackAddress(socket.remoteAddress ?? '')
}
