import { isLoopbackHost, TokenVerifier } from '@jamey/auth'
import { systemClock } from '@jamey/bus'
import { COMPONENTS } from '@jamey/contracts'
import { type Logger, pino } from 'pino'
import { Forwarder } from '../api/forwarder.js'
import { ServiceHealth } from '../api/service-health.js'
import type { CallerPolicy } from '../callers/caller.js'
import type { GatewayTls } from '../callers/https.js'
import { Sessions } from '../callers/sessions.js'
import { type CallLimit, HttpServer } from '../http/http-server.js'
import { GatewayError } from '../problems/errors.js'
import { unavailability } from '../problems/unavailability.js'
import { TokenIssuer } from '../tokens/token-issuer.js'
import {
  DEFAULT_CALLS_PER_MINUTE,
  DEFAULT_HTTP_HOST,
  DEFAULT_HTTP_PORT,
  type GatewayOptions,
} from './options.js'
import { ReceiptKeys } from './receipt-keys.js'
import { RouterSupervisor } from './router-supervisor.js'

export const DEFAULT_GRACE_MS = 10_000

/** Calls of other gateways that our router took get this long even where the HTTP server used up the grace. */
const MINIMUM_ROUTER_GRACE_MS = 250

const DEFAULT_CALL_LIMIT: CallLimit = { calls: DEFAULT_CALLS_PER_MINUTE, windowMs: 60_000 }

/** The HTTP server and the API router behind it, over one bus. */
export interface Gateway {
  /** The URL, such as `http://127.0.0.1:8080`, once started. */
  readonly url: string | undefined
  /**
   * Resolves once calls are routed, however long the broker takes to appear. Rejects where that needs somebody's help:
   * the broker refuses it, or the bus gave up connecting.
   */
  readonly ready: Promise<void>
  /**
   * Listens, and serves the router. Resolves when both stand, or after listening where the bus is not connected yet:
   * the router then follows with the connection. Throws a `GatewayError` of one line where it cannot listen.
   */
  start(): Promise<void>
  /** Other certificates for HTTPS, from the next handshake on. Throws `GatewayError` for what TLS cannot work with. */
  renewTls(tls: GatewayTls): void
  /** Takes nothing new, finishes what it took within `graceMs` (10 s by default), closes. The bus stays open. */
  stop(options?: { graceMs?: number }): Promise<void>
}

/**
 * Makes a gateway over a bus. Throws a `GatewayError` 'token-secret-missing' where callers need tokens, because the
 * host can be reached from other machines or `requireToken` is set, and there is neither secret nor key to verify
 * them with.
 */
export function createGateway(options: GatewayOptions): Gateway {
  return new HttpGateway(options)
}

class HttpGateway implements Gateway {
  url: string | undefined
  readonly #options: GatewayOptions
  readonly #log: Logger
  readonly #callerPolicy: CallerPolicy
  readonly #router: RouterSupervisor
  readonly #services: ServiceHealth
  readonly #receiptKeys: ReceiptKeys
  #server: HttpServer | undefined
  #stopped: Promise<void> | undefined

  constructor(options: GatewayOptions) {
    const { bus, log = pino({ level: 'silent' }) } = options
    this.#options = options
    this.#log = log.child({ service: 'gateway' }, { redact: ['authorization', '*.authorization'] })
    this.#callerPolicy = callerPolicyOf(options)
    this.#services = new ServiceHealth(bus, { expected: options.expectsServices })
    this.#receiptKeys = new ReceiptKeys(
      bus,
      this.#log,
      options.consciences ?? [COMPONENTS.conscience.clientId],
    )
    this.#router = new RouterSupervisor(bus, this.#log)
  }

  get ready(): Promise<void> {
    return this.#router.ready
  }

  async start(): Promise<void> {
    if (this.#server !== undefined || this.#stopped !== undefined) {
      throw new GatewayError('already-started', 'A gateway is started once; make another to start again.')
    }
    const { bus, callLimit = DEFAULT_CALL_LIMIT, trustProxy = false } = this.#options
    const { host = DEFAULT_HTTP_HOST, port = DEFAULT_HTTP_PORT } = this.#options
    this.#server = await HttpServer.create({
      bus,
      forwarder: new Forwarder(bus, this.#services, this.#options.local),
      callerPolicy: this.#callerPolicy,
      callLimit: callLimit === false ? undefined : callLimit,
      trustProxy,
      tls: this.#options.tls,
      tokenIssuer: tokenIssuerOf(this.#options, this.#log),
      unavailability: () => unavailability(bus.state),
      unreadiness: async () =>
        unavailability(bus.state) ?? this.#router.unreadiness() ?? (await this.#services.unreadiness()),
      jwks: () => this.#receiptKeys.jwks,
      metrics: this.#options.metrics,
      dashboard: this.#options.dashboard,
      log: this.#log,
    })
    const address = await this.#listen(this.#server, host, port)
    const scheme = this.#options.tls === undefined ? 'http' : 'https'
    this.url = `${scheme}://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`
    this.#log.info({ event: 'gateway.listening', url: this.url }, 'listening')
    this.#receiptKeys.start()
    try {
      await this.#router.start()
    } catch (error) {
      await this.stop({ graceMs: 0 })
      throw error
    }
  }

  async #listen(server: HttpServer, host: string, port: number): Promise<{ host: string; port: number }> {
    try {
      return await server.listen(host, port, this.#options.socketPath)
    } catch (error) {
      await server.drain(0)
      throw error
    }
  }

  renewTls(tls: GatewayTls): void {
    this.#server?.renewTls(tls)
  }

  stop({ graceMs = DEFAULT_GRACE_MS }: { graceMs?: number } = {}): Promise<void> {
    this.#stopped ??= this.#stop(graceMs)
    return this.#stopped
  }

  /** The server goes first, since the calls it still waits for are routed by our own router. */
  async #stop(graceMs: number): Promise<void> {
    const endsAt = performance.now() + graceMs
    this.#receiptKeys.stop()
    await this.#server?.drain(graceMs)
    await settledWithin(this.#router.stop(), Math.max(MINIMUM_ROUTER_GRACE_MS, endsAt - performance.now()))
    this.#log.info({ event: 'gateway.stopped' }, 'stopped')
  }
}

function callerPolicyOf(options: GatewayOptions): CallerPolicy {
  const { host = DEFAULT_HTTP_HOST, requireToken = false, tokenSecret, keys, now = Date.now } = options
  const { audience, issuers, denied } = options
  const { boundsOf } = options
  const isVerifiable = tokenSecret !== undefined || keys !== undefined
  const trustsLoopback = isLoopbackHost(host) && !requireToken
  if (!trustsLoopback && !isVerifiable) {
    const why = requireToken
      ? 'JAMEY_HTTP_REQUIRE_TOKEN is set'
      : `${host} can be reached from other machines`
    throw new GatewayError(
      'token-secret-missing',
      `Callers need tokens because ${why}, but there is no secret and no key to verify them with: set MQTT_JWT_SECRET or MQTT_JWKS_URL, or listen on 127.0.0.1 without requiring tokens.`,
    )
  }
  const trusted = { trustsLoopback, trustsUnixSocket: !requireToken, boundsOf }
  if (!isVerifiable) return { verifier: undefined, ...trusted }
  const verifier = new TokenVerifier({ secret: tokenSecret, keys, audience, issuers, denied, now })
  return { verifier, ...trusted, sessions: new Sessions(verifier) }
}

/** Undefined where no client may have tokens. */
function tokenIssuerOf(options: GatewayOptions, log: Logger): TokenIssuer | undefined {
  const { clients, tokenSecret, audience, issuers, denied, now } = options
  if (clients === undefined) return undefined
  const isOne = typeof tokenSecret === 'string' || tokenSecret instanceof Uint8Array
  const secret = isOne ? tokenSecret : tokenSecret?.[0]
  if (secret === undefined) {
    const message =
      'Clients are to get tokens (JAMEY_CLIENTS_FILE), but there is no secret to sign them with: set MQTT_JWT_SECRET.'
    throw new GatewayError('token-secret-missing', message)
  }
  return new TokenIssuer({ clients, secret, audience, issuer: issuers?.[0], denied, log, now })
}

/** Resolves when `promise` does, and after `limitMs` at the latest. */
async function settledWithin(promise: Promise<void>, limitMs: number): Promise<void> {
  let timer: unknown
  const limit = new Promise<void>((resolve) => {
    timer = systemClock.setTimeout(resolve, limitMs)
  })
  try {
    await Promise.race([promise, limit])
  } finally {
    systemClock.clearTimeout(timer)
  }
}
