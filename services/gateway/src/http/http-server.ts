import type { AddressInfo, Server } from 'node:net'
import rateLimit from '@fastify/rate-limit'
import { randomUuid, systemClock } from '@jamey/bus'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Logger } from 'pino'
import { type Endpoint, topicOf } from '../api/endpoint.js'
import { ENDPOINTS, endpointIndex, methodsAt } from '../api/endpoints.js'
import type { Forwarder } from '../api/forwarder.js'
import type { GatewayBus } from '../api/gateway-bus.js'
import type { CallerPolicy } from '../callers/caller.js'
import { Callers } from '../callers/callers.js'
import { destroyerOf, type GatewayTls, renewTls, tlsOptionsOf } from '../callers/https.js'
import { openUnixSocket } from '../callers/unix-socket.js'
import { addEventsRoute } from '../live/events-route.js'
import { addMessageRoutes } from '../live/messages-route.js'
import { addSessionRoutes } from '../live/session-route.js'
import { Viewers } from '../live/viewers.js'
import { listenError } from '../problems/errors.js'
import { PROBLEM_CONTENT_TYPE, Problem, retryAfter } from '../problems/problem.js'
import { problemOf } from '../problems/problem-of-error.js'
import type { TokenIssuer } from '../tokens/token-issuer.js'
import { addTokenRoute } from '../tokens/token-route.js'
import { boundAddresses, MAXIMUM_CONNECTIONS_OF_ADDRESS } from './address-bounds.js'
import { addArchiveRoutes } from './archive-routes.js'
import { boundBodyTime } from './body-time.js'
import { answerUnreadable } from './client-error.js'
import { addDashboardRoutes } from './dashboard-routes.js'
import { guardDescriptors } from './descriptors.js'
import { addDocumentRoutes } from './document-routes.js'
import { InFlight } from './in-flight.js'
import { readJsonBody } from './json-parser.js'
import {
  BODY_LIMIT_BYTES,
  FAREWELL_MS,
  HEADER_LIMIT_BYTES,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_TIMEOUT_MS,
  MAXIMUM_CONNECTIONS,
  SILENCE_TIMEOUT_MS,
  STREAM_TIMEOUT_MS,
} from './limits.js'
import { RareLog } from './rare-log.js'
import { securityHeaders } from './security-headers.js'

/** Characters of one level of a path that stands for a name, after its decoding. */
const MAXIMUM_PARAMETER_LENGTH = 256

/** The permission to publish to it is that to read metrics. */
const METRICS_TOPIC = 'jamey/metrics'

/** Number of calls that one caller may make in a window of time. */
export interface CallLimit {
  readonly calls: number
  readonly windowMs: number
}

export interface HttpServerOptions {
  readonly bus: GatewayBus
  readonly forwarder: Forwarder
  readonly callerPolicy: CallerPolicy
  /** Undefined where callers are not limited. */
  readonly callLimit: CallLimit | undefined
  readonly trustProxy: boolean | readonly string[]
  /** Undefined where HTTP is served. */
  readonly tls: GatewayTls | undefined
  /** Undefined where no tokens are issued. */
  readonly tokenIssuer: TokenIssuer | undefined
  /** The reason why no call can be sent at the moment; undefined when it can. */
  readonly unavailability: () => Problem | undefined
  /** The reason why this gateway is not ready, which other gateways that share the routing may make up for. */
  readonly unreadiness: () => Promise<Problem | undefined>
  /** The keys that verify receipts. */
  readonly jwks: () => object
  /** Undefined where none are shown. */
  readonly metrics: { readonly contentType: string; text(): Promise<string> } | undefined
  /** Folder of a built page; undefined where there is none. */
  readonly dashboard: string | undefined
  readonly log: Logger
}

/** The HTTP server: who calls, how much, what goes in and what comes out; what happens in between is the forwarder's. */
export class HttpServer {
  readonly #app: FastifyInstance
  readonly #options: HttpServerOptions
  readonly #inFlight = new InFlight()
  readonly #destroyConnections: () => void
  readonly #viewers: Viewers
  #unixSocket: Server | undefined
  #isDraining = false

  private constructor(app: FastifyInstance, options: HttpServerOptions) {
    this.#app = app
    this.#options = options
    this.#destroyConnections = destroyerOf(app.server)
    const { bus, callerPolicy: policy, log } = options
    this.#viewers = new Viewers({ bus, policy, log })
  }

  static async create(options: HttpServerOptions): Promise<HttpServer> {
    const app = createApp(options)
    app.server.maxConnections = MAXIMUM_CONNECTIONS
    guardDescriptors(app.server, options.log)
    // All that a trusted proxy passes on comes from its address, so the proxy itself bounds each of its peers.
    if (options.trustProxy === false) boundAddresses(app.server, { onRefused: tellOfBound(options.log) })
    const server = new HttpServer(app, options)
    await app.register(rateLimit, { global: false })
    server.#addHooks()
    server.#addOwnRoutes()
    await server.#addCallRoutes()
    await addTokenRoute(app, options.tokenIssuer, sendProblem)
    return server
  }

  /** Listens, and gives the address; throws a `GatewayError` where that cannot be. */
  async listen(host: string, port: number, socketPath?: string): Promise<{ host: string; port: number }> {
    try {
      // "localhost" would mean several sockets, of which all but the first may silently fail.
      await this.#app.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port })
    } catch (error) {
      throw listenError(error, host, port)
    }
    if (socketPath !== undefined) this.#unixSocket = await openUnixSocket(this.#app.server, socketPath)
    const address = this.#app.server.address() as AddressInfo
    return { host: address.address, port: address.port }
  }

  /** Handshakes from now on are made with `tls`; connections stay. Throws `GatewayError`, and nothing changes. */
  renewTls(tls: GatewayTls): void {
    renewTls(this.#app.server, tls)
  }

  /**
   * Takes no new connections or calls, lets those in flight finish, and after `graceMs` gives up the rest: those
   * calls are answered 503. Resolves when every connection is closed.
   */
  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true
    this.#unixSocket?.close()
    this.#viewers.endAll('draining')
    const timer = systemClock.setTimeout(() => void this.#giveUp(), graceMs)
    try {
      await this.#app.close()
    } finally {
      systemClock.clearTimeout(timer)
    }
  }

  async #giveUp(): Promise<void> {
    this.#inFlight.abortAll(
      new Problem('draining', 'The gateway stopped before there was an answer.', {
        headers: retryAfter(5_000),
      }),
    )
    const farewell = new AbortController()
    const timer = systemClock.setTimeout(() => farewell.abort(), FAREWELL_MS)
    const late = new Promise<void>((resolve) => farewell.signal.addEventListener('abort', () => resolve()))
    await Promise.race([this.#inFlight.empty(), late])
    systemClock.clearTimeout(timer)
    this.#destroyConnections()
  }

  #addHooks(): void {
    const app = this.#app
    const everyAnswers = securityHeaders()
    boundBodyTime(app)
    app.addHook('onRequest', (request, reply, done) => {
      reply.headers(everyAnswers)
      reply.header('x-request-id', request.id)
      // Also where the whole address is asked for. [RFC 9112, section 3.2.2]
      if (request.url.includes('/v1/')) reply.header('cache-control', 'no-store')
      if (this.#isDraining && request.routeOptions.url !== '/healthz') return done(drainingProblem())
      // A missing path is told before the body is read, which would be found at fault first.
      return request.is404 ? done(nothingThere(request)) : done()
    })
    app.addHook('onSend', (_request, reply, _payload, done) => {
      if (this.#isDraining) reply.header('connection', 'close')
      done()
    })
    app.addHook('onResponse', (request, reply, done) => {
      this.#record(request, reply)
      done()
    })
  }

  #addOwnRoutes(): void {
    const app = this.#app
    app.get('/healthz', async () => ({ status: 'alive' }))
    app.get('/readyz', async () => {
      const problem = await this.#options.unreadiness()
      if (problem !== undefined) throw problem
      return { status: 'ready' }
    })
    app.get('/v1/jwks', async (_request, reply) =>
      reply.type('application/jwk-set+json').send(JSON.stringify(this.#options.jwks())),
    )
    addDocumentRoutes(app)
    addDashboardRoutes(app, this.#options.dashboard, endpointIndex)
  }

  async #addCallRoutes(): Promise<void> {
    const { bus, forwarder, callerPolicy, callLimit, metrics, unavailability } = this.#options
    const callers = new Callers(callerPolicy)
    const limit = limiter(this.#app, callers, callLimit)
    if (metrics !== undefined) {
      this.#app.get('/metrics', {
        onRequest: [
          (request) => callers.identify(request),
          ...limit,
          (request) => callers.admit(request, METRICS_TOPIC, false),
        ],
        handler: async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
      })
    }
    // Who calls is found out first, so that the limit counts by caller, but refused only after it: guessing
    // tokens counts too. A body is read only once its sender may send it.
    const gatesOf = (endpoint: Endpoint) => [
      (request: FastifyRequest) => callers.identify(request),
      ...limit,
      (request: FastifyRequest) => callers.admit(request, topicOf(endpoint, request), endpoint.needsToken),
    ]
    const callerOf = (request: FastifyRequest) => callers.admitted(request)
    for (const endpoint of ENDPOINTS) {
      this.#app.route({
        method: endpoint.method,
        url: endpoint.path,
        onRequest: gatesOf(endpoint),
        handler: async (request, reply) => {
          const call = forwarder.prepare(endpoint, request, callerOf(request))
          const here = forwarder.answerHere(call)
          const { status, output } = await (here ?? forwarder.call(call, this.#begin(reply)))
          return answer(request, reply.code(status), endpoint.versionOf(output), output)
        },
      })
    }
    const identify = (request: FastifyRequest) => callers.identify(request)
    const gates = [identify, ...limit]
    const acceptedOf = (request: FastifyRequest) => callers.accepted(request)
    const viewers = this.#viewers
    addEventsRoute(this.#app, { bus, viewers, gates, callerOf: acceptedOf, unavailability })
    const sweep = () => viewers.sweep()
    addSessionRoutes(this.#app, { policy: callerPolicy, identify, limit, callerOf: acceptedOf, sweep })
    const begin = (reply: FastifyReply) => this.#begin(reply)
    addMessageRoutes(this.#app, { bus, gates, callerOf: acceptedOf, begin })
    await addArchiveRoutes(this.#app, { forwarder, gatesOf, callerOf, begin })
  }

  /** Throws a `Problem` where no call can be sent. */
  #begin(reply: FastifyReply): AbortSignal {
    const problem = this.#options.unavailability()
    if (problem !== undefined) throw problem
    return this.#inFlight.begin(reply.raw)
  }

  /** Logs one line per request, without query (what somebody looks for is private), headers or bodies. */
  #record(request: FastifyRequest, reply: FastifyReply): void {
    const { method, routeOptions, id } = request
    const durationMs = Math.round(reply.elapsedTime * 10) / 10
    const { url: route = 'none' } = routeOptions
    const status = reply.statusCode
    this.#options.log.info(
      { event: 'gateway.request', method, route, status, durationMs, requestId: id },
      'request',
    )
  }
}

/** What has a version bears it as ETag, and is not sent again to whoever has it. [RFC 9110, section 13.1.2] */
function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  version: number | undefined,
  output: object,
): FastifyReply {
  if (version === undefined) return reply.send(output)
  const tag = `"${version}"`
  reply.header('etag', tag)
  const isKnown = request.method === 'GET' && request.headers['if-none-match'] === tag
  return isKnown ? reply.code(304).send() : reply.send(output)
}

function tellOfBound(log: Logger): () => void {
  const shortageLog = new RareLog(log)
  const fields = { connections: MAXIMUM_CONNECTIONS_OF_ADDRESS }
  return () =>
    shortageLog.error(
      { event: 'gateway.address.exceeded', ...fields },
      'HTTP connections are refused: one address has as many as it may',
    )
}

function createApp({ log, trustProxy, tls }: HttpServerOptions): FastifyInstance {
  // Node looks for late requests every 30 s by default, which would stretch the limits to twice their length.
  const http = {
    maxHeaderSize: HEADER_LIMIT_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: 1_000,
  }
  const options = {
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: STREAM_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionTimeout: SILENCE_TIMEOUT_MS,
    trustProxy: typeof trustProxy === 'boolean' ? trustProxy : [...trustProxy],
    // The name of a client, or of an approval with that of its conscience behind it.
    routerOptions: { maxParamLength: MAXIMUM_PARAMETER_LENGTH },
    genReqId: () => randomUuid(),
    // Requests that come while draining are answered by a hook, as a problem like any other.
    return503OnClosing: false,
    clientErrorHandler: answerUnreadable,
    frameworkErrors: (error: Error, _request: unknown, reply: FastifyReply) =>
      sendProblem(reply, problemOf(error)),
  }
  const app: FastifyInstance =
    tls === undefined
      ? fastify({ ...options, http })
      : fastify({ ...options, https: { ...http, ...tlsOptionsOf(tls, HEADERS_TIMEOUT_MS) } })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, readBody)
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error)
    if (problem.kind === 'internal')
      log.error({ event: 'gateway.request.failed', err: error, requestId: request.id }, 'request failed')
    return sendProblem(reply, problem)
  })
  app.setNotFoundHandler((request, reply) => sendProblem(reply, nothingThere(request)))
  return app
}

async function readBody(_request: FastifyRequest, bytes: Buffer): Promise<unknown> {
  return readJsonBody(bytes)
}

/** The hooks that count a caller's calls: none where calls are not limited. */
function limiter(app: FastifyInstance, callers: Callers, limit: CallLimit | undefined) {
  if (limit === undefined) return []
  return [
    app.rateLimit({
      max: limit.calls,
      timeWindow: limit.windowMs,
      keyGenerator: (request) => callers.keyOf(request),
      errorResponseBuilder: (_request, { ttl }) =>
        new Problem(
          'rate-limited',
          `No more than ${limit.calls} calls in ${limit.windowMs / 1000} s are allowed.`,
          {
            headers: retryAfter(ttl),
          },
        ),
    }),
  ]
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return (
    reply
      .code(problem.status)
      .headers(problem.headers)
      // Clients of OAuth 2.0 want plain JSON. [RFC 6749, section 5.2]
      .type(problem.error === undefined ? PROBLEM_CONTENT_TYPE : 'application/json; charset=utf-8')
      .send(JSON.stringify(problem.body))
  )
}

function drainingProblem(): Problem {
  return new Problem('draining', 'The gateway is stopping and takes no new calls.', {
    headers: retryAfter(5_000),
  })
}

function nothingThere(request: FastifyRequest): Problem {
  const path = request.url.split('?', 1)[0] ?? ''
  const methods = methodsAt(path)
  if (methods.length === 0)
    return new Problem('not-found', 'There is nothing at this path; GET / lists what there is.')
  return new Problem('method-not-allowed', `Only ${methods.join(', ')} can be used here.`, {
    headers: { allow: methods.join(', ') },
  })
}
