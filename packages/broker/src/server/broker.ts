import { LatencyHistogram, type QoS } from '@jamey/protocol'
import type { InProcessOptions, InProcessTransport } from '../listeners/in-process.js'
import { Listener, type ListenerAddress, type ListenerOptions } from '../listeners/listener.js'
import type { Authenticator } from '../ports/authenticator.js'
import type { BrokerStore } from '../ports/broker-store.js'
import type { BrokerHooks } from '../ports/hooks.js'
import type { SharedSubscriptions } from '../routing/router.js'
import type { Overflow } from '../sessions/queue-capacity.js'
import { type Clock, systemClock } from '../support/clock.js'
import type { BrokerStats } from '../support/counters.js'
import { BrokerError } from '../support/errors.js'
import { type Limits, resolveLimits } from '../support/limits.js'
import { type Log, silentLog } from '../support/log.js'
import { Core } from './core.js'
import { type DisconnectOptions, disconnect } from './disconnect.js'
import { type ClientFacts, clientsOf, type SessionFacts, sessionFactsOf, sessionsOf } from './facts.js'
import { LocalPublisher, type PublishOptions } from './local-publisher.js'
import {
  LocalSubscriber,
  type LocalSubscription,
  type MessageHandler,
  type SubscribeOptions,
} from './local-subscriber.js'
import { type ReloadOptions, reload } from './reload.js'
import { restore } from './restore.js'
import { type RetainedPage, type RetainedPageOptions, retainedPageOf } from './retained-page.js'
import { type SessionPage, type SessionPageOptions, sessionPageOf } from './session-page.js'
import { type CloseOptions, Shutdown } from './shutdown.js'
import { statsOf } from './stats.js'
import { SysTopics } from './sys-topics.js'
import { type TopicFacts, topicFactsOf } from './topic-facts.js'

/** Durations since the broker was made. */
export interface BrokerLatencies {
  readonly commits: LatencyHistogram
}

export interface BrokerOptions {
  readonly listeners: readonly ListenerOptions[]
  readonly authenticator: Authenticator
  /** Undefined: sessions, queues and retained messages end with the broker. */
  readonly store?: BrokerStore | undefined
  readonly limits?: Partial<Limits> | undefined
  readonly clock?: Clock | undefined
  readonly log?: Log | undefined
  /**
   * Decides what becomes of a message whose queue is full; 'drop-newest' by default. Every drop is counted. See
   * `Overflow`.
   */
  readonly overflow?: Overflow | undefined
  /**
   * Members of a shared subscription get messages 'in-turn' (the default), or what one publisher says stays with one
   * member, in order, for as long as that is connected and has room ('by-publisher'). 'unavailable': there are none, which
   * CONNACK tells, and each is refused with 0x9E (before MQTT 5.0 with 0x80).
   */
  readonly sharedSubscriptions?: SharedSubscriptions | 'unavailable' | undefined
  /**
   * Prefix of the topics under which a client may expect responses, told to clients that request it. Section
   * 3.1.2.11.6.
   */
  readonly responseInformation?: ((clientId: string) => string | undefined) | undefined
  /**
   * Topic filters. What is published under them in MQTT 5.0 is delivered with one user property `jamey-sender`, the
   * client identifier of the publisher as it was authenticated, and with one `jamey-act-for` for each client that it may
   * act for; those that a client wrote are removed. CONNACK tells each filter as `jamey-sender`. Absent: none.
   */
  readonly stampSenders?: readonly string[] | undefined
  /**
   * Topic filters. What is published under them at QoS 1 and 2 slows nobody down: a receiver whose queue has no room for
   * it misses it, and where nobody else gets it, its publisher is told 0x97. Meant for answers to requests, where one
   * requester that does not read must not hold up whoever answers all others. Absent: none.
   */
  readonly refuseWhenFull?: readonly string[] | undefined
  /**
   * The highest QoS that clients publish with and subscriptions are granted; 2 by default. Told in CONNACK. One that
   * publishes above it is disconnected with 0x9B (before MQTT 5.0 without a word), one with such a will is not let in.
   */
  readonly maximumQos?: QoS | undefined
  /**
   * `true` by default. `false`: nothing is retained, which CONNACK tells, and what the store holds from before is sent to nobody. One that
   * publishes with RETAIN is disconnected with 0x9A (before MQTT 5.0 without a word), one with such a will is not let in.
   */
  readonly retainAvailable?: boolean | undefined
  /** Functions that decide with the broker, or are told; see `BrokerHooks`. */
  readonly hooks?: BrokerHooks | undefined
}

export interface Broker extends AsyncDisposable {
  /** Resolves when every listener accepts connections. Throws `BrokerError`. */
  listen(): Promise<void>
  /** One address per listener, in their order; empty before `listen`. */
  readonly addresses: readonly ListenerAddress[]
  /** Sockets that each listener has open, in the order of `addresses`. */
  readonly sockets: readonly number[]
  /** The limits that hold now, as far as there are descriptors for them. */
  readonly limits: Readonly<Limits>
  stats(): BrokerStats
  /** How long commits of the store took; none without a store. */
  latencies(): BrokerLatencies
  /** Clients that are connected. Made while it is gone through; who comes or goes meanwhile is in it or not. */
  clients(): Iterable<ClientFacts>
  /** Sessions of all, those included that are away. As `clients`; nothing is read from the store. */
  sessions(): Iterable<SessionFacts>
  /** The session of a client identifier, connected or not. */
  session(clientId: string): SessionFacts | undefined
  /** Some of `sessions()`, in order. However many there are, no turn of the event loop is long. */
  sessionPage(options: SessionPageOptions): Promise<SessionPage>
  /** Some of what is retained, in the order of topics; likewise. Rejects with `BrokerError` 'subscribe-invalid'. */
  retainedPage(options: RetainedPageOptions): Promise<RetainedPage>
  /**
   * Who may publish and subscribe to a topic, who has, what is retained and what was dropped, with lists of at most
   * `limit` entries. Rejects with `BrokerError` 'publish-invalid'.
   */
  topic(topic: string, limit: number): Promise<TopicFacts>
  /**
   * Ends a client's connection, saying why where it knows MQTT 5.0. Its will is published, its session stays as long as
   * it is to, and it may come again: see `hooks.onConnect`. Whether it was connected. Throws `BrokerError`.
   */
  disconnect(clientId: string, options?: DisconnectOptions): boolean
  /**
   * Publishes, as a client would that may publish to every topic but those under `$SYS/`; hooks are not asked. Nobody is
   * said to have sent it unless `publishedBy` does: its own user properties `jamey-sender` are removed. Resolves with
   * whether anybody was subscribed: at QoS 1 and 2 once the store has it and no queue that it waits in is crowded. Rejects
   * with `BrokerError`: 'publish-invalid' before anybody has it, 'publish-refused' and 'broker-closed' perhaps later, where
   * the store fails. May be called before `listen`.
   */
  publish(topic: string, payload: Uint8Array | string, options?: PublishOptions): Promise<boolean>
  /**
   * Calls `handler` for each message under `filter`, one after the other, in a later turn than that which brings it; what
   * is retained comes first. While a promise of the handler is open, the next wait, as many as the options allow; then
   * they are dropped and counted, as those of QoS 0 for a client that reads too slowly. Nobody waits for the handler, and
   * one that throws or rejects is logged, counted, and called for the next. Throws `BrokerError`.
   */
  subscribe(filter: string, handler: MessageHandler): LocalSubscription
  subscribe(filter: string, options: SubscribeOptions, handler: MessageHandler): LocalSubscription
  /**
   * A connection to this broker from within its process, without a socket and without TLS, for one attempt of a client:
   * `connect({ url: 'mqtt://in-process', transport: () => broker.connectInProcess() })` of `@jamey/mqtt`. Who comes over it
   * proves who it is and is bounded as anybody else, but waits for no turn among those who have not passed CONNECT; its
   * address is `in-process`. Nothing outside can come in here.
   */
  connectInProcess(options?: InProcessOptions): InProcessTransport
  /**
   * Takes new limits, certificates and permissions without ending a connection that may stay. Throws `BrokerError`, and
   * then everything is as it was.
   */
  reload(options: ReloadOptions): void
  /**
   * Lets clients finish what is under way, says why to those of MQTT 5.0, flushes and commits; settles at the latest
   * some moments after `graceMs`, or when the last `onDisconnect` hook has. Rejects with `BrokerError` for options that
   * do not go together, and then nothing was closed.
   */
  close(options?: CloseOptions): Promise<void>
}

/**
 * Checks the options and loads the store; nothing listens yet. Throws `BrokerError`.
 *
 *     const broker = await createBroker({
 *       listeners: [{ host: '127.0.0.1', port: 8883, tls: { cert, key } }],
 *       authenticator,
 *     })
 *     await broker.listen()
 */
export async function createBroker(options: BrokerOptions): Promise<Broker> {
  const { authenticator, store, overflow = 'drop-newest', responseInformation } = options
  if (typeof authenticator?.authenticate !== 'function') {
    throw new BrokerError(
      'authenticator-missing',
      'authenticator: expected an object with authenticate(); insecureAuthenticator() lets everybody in',
    )
  }
  const { maximumQos = 2, retainAvailable = true, sharedSubscriptions = 'in-turn' } = options
  if (![0, 1, 2].includes(maximumQos)) {
    throw new BrokerError('maximum-qos-invalid', `maximumQos: got ${maximumQos}; expected 0, 1 or 2`)
  }
  const core = new Core({
    capabilities: {
      maximumQos,
      retainAvailable,
      sharedSubscriptionAvailable: sharedSubscriptions !== 'unavailable',
    },
    authenticator,
    store,
    limits: resolveLimits(options.limits),
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLog,
    overflow,
    responseInformation,
    hooks: options.hooks,
    sharedSubscriptions: sharedSubscriptions === 'unavailable' ? undefined : sharedSubscriptions,
    stampSenders: options.stampSenders,
    refuseWhenFull: options.refuseWhenFull,
  })
  const listeners = options.listeners.map((listener) => new Listener(core, listener))
  if (store !== undefined) {
    try {
      restore(core, await store.load())
      core.groupCommit?.health.noteDamage()
    } catch (error) {
      core.sessions.stop()
      core.groupCommit?.stop()
      throw new BrokerError('store-failed', `the store cannot be loaded: ${String(error)}`, { cause: error })
    }
  }
  return new RunningBroker(core, listeners, store)
}

class RunningBroker implements Broker {
  readonly #core: Core
  readonly #listeners: readonly Listener[]
  readonly #store: BrokerStore | undefined
  readonly #sys: SysTopics
  readonly #publisher: LocalPublisher
  #addresses: readonly ListenerAddress[] = []
  #closed: Promise<void> | undefined

  constructor(core: Core, listeners: readonly Listener[], store: BrokerStore | undefined) {
    this.#core = core
    this.#listeners = listeners
    this.#store = store
    this.#sys = new SysTopics(core)
    this.#publisher = new LocalPublisher(core)
  }

  get addresses(): readonly ListenerAddress[] {
    return this.#addresses
  }

  get sockets(): readonly number[] {
    return this.#listeners.map(({ sockets }) => sockets.size)
  }

  get limits(): Readonly<Limits> {
    return this.#core.limits
  }

  async listen(): Promise<void> {
    const opened = await Promise.allSettled(this.#listeners.map((listener) => listener.open()))
    const failure = opened.find((result) => result.status === 'rejected')
    if (failure !== undefined) {
      for (const listener of this.#listeners) listener.close()
      throw failure.reason
    }
    this.#addresses = this.#listeners.map(({ address }) => address)
    this.#sys.start()
    for (const { host, port, tls } of this.#addresses) {
      if (tls) this.#core.log.info({ event: 'broker.listening', host, port }, 'listening with TLS 1.3')
      else
        this.#core.log.warn(
          { event: 'broker.listening.plaintext', host, port },
          'listening WITHOUT encryption; everybody on the way can read along',
        )
    }
  }

  stats(): BrokerStats {
    return statsOf(this.#core, this.#sys.uptimeSeconds)
  }

  latencies(): BrokerLatencies {
    return { commits: this.#core.groupCommit?.durations ?? new LatencyHistogram() }
  }

  clients(): Iterable<ClientFacts> {
    return clientsOf(this.#core)
  }

  sessions(): Iterable<SessionFacts> {
    return sessionsOf(this.#core)
  }

  session(clientId: string): SessionFacts | undefined {
    const session = this.#core.sessions.get(clientId)
    return session && sessionFactsOf(this.#core, session)
  }

  sessionPage(options: SessionPageOptions): Promise<SessionPage> {
    return sessionPageOf(this.#core, options)
  }

  retainedPage(options: RetainedPageOptions): Promise<RetainedPage> {
    return retainedPageOf(this.#core, options)
  }

  topic(topic: string, limit: number): Promise<TopicFacts> {
    return topicFactsOf(this.#core, topic, limit)
  }

  disconnect(clientId: string, options: DisconnectOptions = {}): boolean {
    return disconnect(this.#core, clientId, options)
  }

  publish(topic: string, payload: Uint8Array | string, options: PublishOptions = {}): Promise<boolean> {
    return this.#publisher.publish(topic, payload, options)
  }

  subscribe(
    filter: string,
    options: SubscribeOptions | MessageHandler = {},
    handler?: MessageHandler,
  ): LocalSubscription {
    const isBare = typeof options === 'function'
    const given = isBare ? options : (handler as MessageHandler)
    return new LocalSubscriber(this.#core, filter, isBare ? {} : options, given)
  }

  connectInProcess(options: InProcessOptions = {}): InProcessTransport {
    return this.#core.inProcess.connect(options)
  }

  reload(options: ReloadOptions): void {
    const { sysIntervalSeconds } = this.#core.limits
    reload(this.#core, this.#listeners, options)
    const isServing = this.#addresses.length > 0 && this.#core.shutdown === undefined
    if (isServing && this.#core.limits.sysIntervalSeconds !== sysIntervalSeconds) this.#sys.start()
  }

  close(options: CloseOptions = {}): Promise<void> {
    if (this.#closed !== undefined) return this.#closed
    const closed = this.#close(options)
    if (this.#core.shutdown !== undefined) this.#closed = closed
    return closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(options: CloseOptions): Promise<void> {
    const core = this.#core
    const shutdown = new Shutdown(core, options)
    core.shutdown = shutdown
    this.#sys.stop()
    for (const listener of this.#listeners) listener.close()
    await shutdown.run()
    for (const listener of this.#listeners) listener.destroySockets()
    core.inProcess.destroy()
    core.sessions.stop()
    core.connectionLimiter.stop()
    await core.hooks?.drain()
    await core.groupCommit?.drain()
    this.#publisher.close()
    core.groupCommit?.stop()
    await this.#store?.close()
    core.log.info({ event: 'broker.closed' }, 'broker closed')
  }
}
