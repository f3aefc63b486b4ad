import type { Permissions } from '@jamey/auth'
import {
  addressOf,
  COMPONENTS,
  CONTRACTS,
  type Contract,
  type Data,
  type DataInput,
  type Fault,
  pingOf,
  type RequestContract,
  type ResponseData,
} from '@jamey/contracts'
import type { Client, Message as MqttMessage, StateChange, StateName } from '@jamey/mqtt'
import { Origins, SenderError } from '../messaging/origin.js'
import { Publisher } from '../messaging/publisher.js'
import { Subscriber } from '../messaging/subscriber.js'
import type { Bus, ServeHandler, SubscriptionHandler } from '../model/bus.js'
import type { BusConfig, BusLog } from '../model/config.js'
import type {
  BusSubscription,
  ErrorContext,
  Published,
  PublishOptions,
  RequestOptions,
  ServedContract,
  ServeOptions,
  SubscribeOptions,
} from '../model/message.js'
import { Presence } from '../presence/presence.js'
import { Requester } from '../requests/requester.js'
import { Responder } from '../requests/responder.js'
import { type Clock, systemClock } from '../support/clock.js'
import { type BusStats, Counters } from '../support/counters.js'
import { ErrorCounts, kindOf } from '../support/error-counts.js'
import { AbortedError } from '../support/errors.js'
import { Health } from '../support/health.js'
import { type BusLatencies, Latencies } from '../support/latencies.js'
import { RateLimiter } from '../support/rate-limiter.js'
import type { MqttPort } from '../wire/mqtt-port.js'
import { ServerStamp } from '../wire/server-stamp.js'
import type { Renewal } from './renewal.js'

/** The root of all contracts' topics. */
const ROOT = 'jamey/'
const CLOSE_TIMEOUT_MS = 5000
/** Share of the time to close that is kept for the last status and for flushing. */
const FAREWELL_SHARE = 0.2
const LOGGED_FAILURES_PER_SECOND = 10

const silent: BusLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** See `Renewal`. */
type KeptToken = Pick<Renewal, 'endsAtMs' | 'stop'>

/** The bus over an MQTT client: puts the parts together and takes them apart again. */
export class MqttBus implements Bus {
  readonly clientId: string
  readonly permissions: Permissions
  readonly presence: Presence | undefined
  readonly #port: MqttPort
  readonly #clock: Clock
  readonly #log: BusLog
  readonly #loggedFailures: RateLimiter
  #unloggedFailures = 0
  readonly #counters = new Counters()
  readonly #errorCounts = new ErrorCounts()
  readonly #publicationTimes = new Latencies()
  readonly #requestTimes = new Latencies()
  readonly #handlerTimes = new Latencies()
  readonly #health = new Health()
  readonly #publisher: Publisher
  readonly #stamp: ServerStamp
  readonly #origins: Origins
  readonly #subscriber: Subscriber
  readonly #requester: Requester
  readonly #responder: Responder
  readonly #renewal: KeptToken | undefined
  /** Somebody looks at the states, and so need not be told of the last one. */
  #isWatched = false
  #closing: Promise<void> | undefined

  constructor(config: BusConfig, permissions: Permissions, port: MqttPort, renewal?: KeptToken) {
    const { clientId, clock = systemClock, log = silent } = config
    this.clientId = clientId
    this.permissions = permissions
    this.#port = port
    this.#clock = clock
    this.#log = log
    this.#loggedFailures = new RateLimiter(
      { messagesPerSecond: LOGGED_FAILURES_PER_SECOND, overflow: 'reject' },
      clock,
    )
    this.#renewal = renewal
    const counters = this.#counters
    const limiter = config.rateLimit === undefined ? undefined : new RateLimiter(config.rateLimit, clock)
    const stamp = new ServerStamp({ port, clientId, unannounced: config.serverStamps })
    const { tracing } = config
    const latencies = this.#publicationTimes
    const publisher = new Publisher({
      clientId,
      permissions,
      port,
      clock,
      counters,
      limiter,
      stamp,
      tracing,
      latencies,
    })
    this.#publisher = publisher
    this.#stamp = stamp
    const report = (error: unknown, context: ErrorContext): void => void this.reportError(error, context)
    const health = this.#health
    const { sharedSubscriptions = 'auto', actFor = [COMPONENTS.gateway.clientId] } = config
    const origins = new Origins({ stamp, actFor })
    this.#origins = origins
    const shared = { clientId, permissions, port, clock, counters, publisher, report, log, health }
    const parts = { ...shared, sharedSubscriptions, stamp, origins, tracing }
    this.#subscriber = new Subscriber(parts)
    this.#requester = new Requester({ ...parts, latencies: this.#requestTimes })
    const { maximumAnswers = 10_000, maximumBytes = 16 * 1024 * 1024 } = config.answerCache ?? {}
    const ping = async (topic: string, service: string, timeoutMs: number): Promise<string> =>
      (await this.#requester.request(pingOf(topic, service), {}, { timeoutMs })).client_id
    this.#responder = new Responder({
      ...parts,
      latencies: this.#handlerTimes,
      subscriber: this.#subscriber,
      ping,
      acceptUnverified: config.acceptUnverified ?? false,
      cache: { maximumAnswers, maximumBytes },
    })
    this.#tellOfTheEnd(config)
    if (config.component !== undefined) {
      const { component, heartbeatSeconds = 30 } = config
      this.presence = new Presence({ ...parts, component, heartbeatSeconds })
    }
  }

  get mqtt(): Client {
    // `connectBus` builds on a whole client; only our own tests put less in its place.
    return this.#port as Client
  }

  get state(): StateName {
    return this.#port.state
  }

  get faults(): readonly Fault[] {
    return this.#health.faults
  }

  setFault(name: string, fault: Fault | undefined): void {
    if (fault === undefined) this.#health.clear(name)
    else this.#health.set(name, fault)
  }

  setRemark(name: string, text: string | undefined): void {
    this.#health.remark(name, text)
  }

  topicFor(topic: string): string {
    return this.#stamp.topicFor(topic)
  }

  senderOf(message: MqttMessage): string | undefined {
    const { topic } = message
    const isOurs = !this.#stamp.selects(topic) && topic.startsWith(ROOT)
    const contract = isOurs ? CONTRACTS.find((each) => addressOf(each, topic) !== undefined) : undefined
    try {
      return this.#origins.verified(message, contract && addressOf(contract, topic))
    } catch (error) {
      if (error instanceof SenderError) return undefined
      throw error
    }
  }

  principalOf(message: MqttMessage): string | undefined {
    const sender = this.senderOf(message)
    return this.#origins.actedFor(message, sender) ?? sender
  }

  onState(listener: (change: StateChange) => void): () => void {
    this.#isWatched = true
    return this.#port.onState(listener)
  }

  publish<C extends Contract>(contract: C, data: DataInput<C>, options?: PublishOptions): Promise<Published> {
    if (this.#closing !== undefined) return Promise.reject(closed())
    return this.#publisher.publish(contract, data, options)
  }

  async subscribe<C extends Contract>(
    contract: C,
    options: SubscribeOptions | SubscriptionHandler<C>,
    handler?: SubscriptionHandler<C>,
  ): Promise<BusSubscription> {
    this.#assertOpen()
    const given = withOptions<SubscribeOptions, SubscriptionHandler<C>>(options, handler)
    return this.#subscriber.subscribe(contract, given.options, given.handler)
  }

  request<C extends RequestContract>(
    contract: C,
    data: DataInput<C>,
    options: RequestOptions = {},
  ): Promise<ResponseData<C>> {
    return this.#requester.request(contract, data, options)
  }

  async serve<C extends RequestContract>(
    contract: C,
    options: ServeOptions<Data<C>> | ServeHandler<C>,
    handler?: ServeHandler<C>,
  ): Promise<ServedContract> {
    this.#assertOpen()
    const given = withOptions<ServeOptions<Data<C>>, ServeHandler<C>>(options, handler)
    return this.#responder.serve(contract, given.options, given.handler)
  }

  async reportError(error: unknown, context: ErrorContext = {}): Promise<void> {
    this.#errorCounts.add(kindOf(error, context.kind))
    this.#logFailure(error, context)
    await this.presence?.report(error, context)
  }

  stats(): BusStats {
    return { ...this.#counters, requestsWaiting: this.#requester.waiting }
  }

  get tokenEndsAtMs(): number | undefined {
    return this.#renewal?.endsAtMs
  }

  errorCounts(): ReadonlyMap<string, number> {
    return this.#errorCounts.byKind
  }

  latencies(): BusLatencies {
    return {
      publications: this.#publicationTimes.byOperation,
      requests: this.#requestTimes.byOperation,
      handlers: this.#handlerTimes.byOperation,
    }
  }

  close(options: { drain?: boolean | undefined; timeoutMs?: number | undefined } = {}): Promise<void> {
    this.#closing ??= this.#close(options.drain ?? true, options.timeoutMs ?? CLOSE_TIMEOUT_MS)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** A connection that ends for good must not do so unheard, where nobody looks at the states. */
  #tellOfTheEnd({ clientId, log, waitForConnection = true }: BusConfig): void {
    let isToldOtherwise = waitForConnection
    this.#port.onState(({ state, cause }) => {
      if (state === 'connected') isToldOtherwise = false
      if (state !== 'error' || this.#isWatched || isToldOtherwise) return
      const message = `${clientId} stays without a connection: ${cause?.message}`
      if (log === undefined) process.emitWarning(message, 'BusWarning')
      else log.error({ event: 'bus.connection.ended', err: cause }, message)
    })
  }

  /**
   * A line of the log is some forty times as long as the broken message that may have caused it, so lines are bounded.
   */
  #logFailure(error: unknown, context: ErrorContext): void {
    try {
      this.#loggedFailures.pass(1)
    } catch {
      this.#unloggedFailures++
      return
    }
    if (this.#unloggedFailures > 0) {
      this.#log.warn(
        { event: 'bus.failures.left_out', leftOut: this.#unloggedFailures },
        'left out reported failures',
      )
      this.#unloggedFailures = 0
    }
    this.#log.warn({ event: 'bus.failure.reported', err: error, ...context }, 'reported a failure')
  }

  async #close(drain: boolean, timeoutMs: number): Promise<void> {
    const deadline = this.#clock.now() + timeoutMs
    const drained = this.#responder.drain()
    if (drain) await this.#within(drained, timeoutMs * (1 - FAREWELL_SHARE))
    this.#responder.abort(new AbortedError('bus-closed', 'The bus is being closed.'))
    this.#requester.close()
    const farewellMs = Math.max(1, (deadline - this.#clock.now()) / 2)
    await this.#within(this.presence?.leave(farewellMs), farewellMs)
    this.presence?.stop()
    this.#renewal?.stop()
    await this.#port.close({ drain, timeoutMs: Math.max(1, deadline - this.#clock.now()) })
  }

  /** Waits for `work`, but no longer than it may take. */
  async #within(work: Promise<void> | undefined, timeoutMs: number): Promise<void> {
    if (work === undefined) return
    let timer: unknown
    const timeout = new Promise<void>((resolve) => {
      timer = this.#clock.setTimeout(resolve, timeoutMs)
    })
    await Promise.race([work, timeout])
    this.#clock.clearTimeout(timer)
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closed()
  }
}

/** Options stand before the handler, and may be left out. */
function withOptions<Options extends object, Handler extends (...args: never[]) => unknown>(
  options: Options | Handler,
  handler: Handler | undefined,
): { options: Options; handler: Handler } {
  if (typeof options === 'function') return { options: {} as Options, handler: options }
  if (typeof handler === 'function') return { options, handler }
  throw new TypeError(`A handler is needed behind the options; it is ${typeof handler}.`)
}

function closed(): AbortedError {
  return new AbortedError('bus-closed', 'The bus was closed.')
}
