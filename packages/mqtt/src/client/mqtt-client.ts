import { assertTopicName } from '@jamey/protocol'
import { Connector } from '../connection/connector.js'
import type { Client, CloseOptions, CloseReport, Subscription } from '../model/client.js'
import type { DeadLetters } from '../model/dead-letters.js'
import { ConnectionError, type PublishError, SubscriptionError } from '../model/errors.js'
import type { Explanation } from '../model/explanation.js'
import type { Message } from '../model/message.js'
import type {
  CallOptions,
  MessageHandler,
  MessagesOptions,
  PublishOptions,
  PublishResult,
  SubscribeOptions,
} from '../model/options.js'
import type { ServerInformation } from '../model/server-information.js'
import type { Settings } from '../model/settings.js'
import type { StateChange, StateName } from '../model/state.js'
import type { ClientStats } from '../model/stats.js'
import { makePacket, makePublication, type Publication } from '../publishing/publication.js'
import {
  closed,
  closedPublish,
  gaveUp,
  gaveUpDraining,
  gaveUpPublishing,
  offline,
  unfit,
} from '../publishing/publish-errors.js'
import type { MessageStream } from '../receiving/message-stream.js'
import { Deadline, type DeadlineCause, within } from '../support/deadline.js'
import type { LazyParts } from './lazy-parts.js'
import { Session } from './session.js'
import type { iterate } from './state-iteration.js'
import { StateStream } from './state-stream.js'

const DEFAULT_CLOSE_MS = 5000
const NO_OPTIONS: PublishOptions = Object.freeze({})

/** The public face of a connection and the session that outlives it. */
export class MqttClient implements Client {
  readonly #settings: Settings
  readonly #states = new StateStream()
  readonly #streams = new Set<MessageStream>()
  readonly #session: Session
  readonly #connector: Connector
  /** Rejects the calls of `connect` that wait. */
  readonly #connecting = new Set<() => void>()
  #closing: Promise<CloseReport> | undefined
  /** The one that was checked last; `undefined` is none, and would not be checked. */
  #lastTopic: unknown = NO_OPTIONS

  constructor(settings: Settings, parts: LazyParts) {
    this.#settings = settings
    this.#session = new Session(settings, parts, (change) => this.#states.tell(change))
    this.#connector = new Connector(settings, this.#session.counters, this.#session)
  }

  get state(): StateName {
    return this.#connector.status.state
  }

  get status(): StateChange {
    return this.#connector.status
  }

  get serverInformation(): ServerInformation | undefined {
    return this.#session.server
  }

  get clientId(): string {
    return this.#connector.clientId
  }

  async connect(options: CallOptions = {}): Promise<ServerInformation> {
    if (this.#closing !== undefined) throw closedConnection()
    if (options.signal?.aborted) throw gaveUpConnecting('aborted')
    const { server } = this.status
    if (server !== undefined) return server
    const { promise, stop } = this.#nextConnected()
    this.#connecting.add(stop)
    const starting = this.#session.load().then(() => {
      if (this.#closing === undefined) this.#connector.start()
      return promise
    })
    // A store that does not answer must not keep the call when the client is closed.
    const connected = Promise.race([promise, starting])
    return within(connected, this.#settings.clock, options, gaveUpConnecting).finally(() => {
      this.#connecting.delete(stop)
      stop()
    })
  }

  publish(topic: string, payload: Uint8Array | string, options = NO_OPTIONS): Promise<PublishResult> {
    try {
      if (topic !== this.#lastTopic) this.#checkTopic(topic)
      if (options !== NO_OPTIONS) this.checkOptions(topic, options)
      if (this.#closing !== undefined) throw closedPublish(topic, false)
      if ((options.qos ?? 0) !== 0) return this.#enqueue(topic, payload, options)
      const handed = this.#session.publishOnce(makePacket(topic, payload, options))
      if (options.timeoutMs === undefined && options.signal === undefined) return handed
      return within(handed, this.#settings.clock, options, (why) => gaveUpPublishing(topic, why, true))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async acknowledged(receipt: string, options: CallOptions = {}): Promise<PublishResult> {
    if (this.#closing !== undefined) throw closed(`receipt ${receipt}`, true)
    const { clock } = this.#settings
    const { outcome, forget } = await this.#session.ask(receipt)
    return within(outcome, clock, options, (why) => gaveUp(`receipt ${receipt}`, why, true)).finally(forget)
  }

  subscribe(filter: string, handler: MessageHandler): Promise<Subscription>
  subscribe(filter: string, options: SubscribeOptions, handler: MessageHandler): Promise<Subscription>
  async subscribe(
    filter: string,
    second: SubscribeOptions | MessageHandler,
    third?: MessageHandler,
  ): Promise<Subscription> {
    const options = typeof second === 'function' ? {} : second
    const handler = typeof second === 'function' ? second : third
    if (typeof handler !== 'function') {
      throw new SubscriptionError('invalid-argument', `subscribe to '${filter}': a handler is missing`)
    }
    if (this.#closing !== undefined) throw closedSubscription(filter)
    const { state, cause } = this.status
    if (state === 'error') {
      const why = `subscription to '${filter}': ${cause?.message}`
      throw new SubscriptionError('offline', why, { retryable: true, cause })
    }
    const { subscriptions } = this.#session
    const { handling, qos } = await subscriptions.subscribe(filter, options, handler)
    const unsubscribe = (call?: CallOptions): Promise<void> =>
      subscriptions.removeHandling(filter, handling, call)
    const renew = async (call?: CallOptions): Promise<void> => {
      await subscriptions.renew(filter, handling, call)
    }
    return { filter, qos, unsubscribe, renew, [Symbol.asyncDispose]: () => unsubscribe() }
  }

  async unsubscribe(filter: string, options: CallOptions = {}): Promise<void> {
    if (this.#closing !== undefined) throw closedSubscription(filter)
    await this.#session.subscriptions.unsubscribe(filter, options)
  }

  messages(filter: string, options: MessagesOptions = {}): AsyncIterableIterator<Message> {
    // Few pages read messages this way, so it is fetched by those that do, as are iterations of states.
    return fetched(async () =>
      this.makeStream((await import('../receiving/message-stream.js')).MessageStream, filter, options),
    )
  }

  states(): AsyncIterableIterator<StateChange> {
    return fetched(async () => this.makeIteration((await import('./state-iteration.js')).iterate))
  }

  protected makeIteration(iterateStates: typeof iterate): ReturnType<typeof iterate> {
    return iterateStates(this.#states, this.status)
  }

  onState(observer: (change: StateChange) => void): () => void {
    return this.#states.observe(observer)
  }

  drained(options: CallOptions = {}): Promise<void> {
    const idle = new Promise<void>((resolve) => this.#session.outgoing.whenIdle(resolve))
    return within(idle, this.#settings.clock, options, gaveUpDraining)
  }

  stats(): ClientStats {
    return this.#session.stats
  }

  explain(): Explanation {
    const isClosed = this.#closing !== undefined
    return this.#session.explain(this.#connector.facts, isClosed)
  }

  get deadLetters(): DeadLetters {
    return this.#session.outgoing.outcomes.deadLetters
  }

  reauthenticate(options: CallOptions = {}): Promise<void> {
    return within(this.#connector.reauthenticate(), this.#settings.clock, options, gaveUpConnecting)
  }

  reset(): void {
    if (this.#closing === undefined) this.#connector.reset()
  }

  close(options: CloseOptions = {}): Promise<CloseReport> {
    this.#closing ??= this.#close(options)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #enqueue(topic: string, payload: Uint8Array | string, options: PublishOptions): Promise<PublishResult> {
    const { state, cause } = this.status
    if (state === 'error') throw offline(topic, cause)
    const publication = makePublication(topic, payload, options)
    const promise = new Promise<PublishResult>((resolve, reject) => {
      publication.resolve = resolve
      publication.reject = reject
    })
    publication.settlesWhenStored = options.until === 'stored'
    if (options.timeoutMs !== undefined || options.signal !== undefined) {
      publication.deadline = Deadline.start(this.#settings.clock, options, (why) => {
        const mayBeDelivered = this.#session.outgoing.giveUp(publication)
        publication.fail(gaveUpPublishing(publication.topic, why, mayBeDelivered))
      })
    }
    try {
      this.#session.publish(publication)
    } catch (error) {
      publication.fail(error as Error)
    }
    return promise
  }

  protected makeStream(
    Stream: typeof MessageStream,
    filter: string,
    options: MessagesOptions,
  ): MessageStream {
    const { counters } = this.#session
    const subscribe = (handler: MessageHandler) => this.subscribe(filter, options, handler)
    const host = { subscribe, counters, connector: this.#connector, streams: this.#streams }
    return new Stream(host, filter, options)
  }

  #checkTopic(topic: string): void {
    try {
      assertTopicName(topic)
    } catch (error) {
      throw unfit(error)
    }
    this.#lastTopic = topic
  }

  /** Throws `PublishError`. */
  protected checkOptions(topic: string, options: PublishOptions): void {
    if (options.signal?.aborted) throw gaveUpPublishing(topic, 'aborted', false)
  }

  /** Settles with the first state that answers the question whether there is a connection. */
  #nextConnected(): { promise: Promise<ServerInformation>; stop: () => void } {
    let stop = (): void => {}
    const promise = new Promise<ServerInformation>((resolve, reject) => {
      const stopObserving = this.#states.observe(({ state, server, cause }) => {
        if (server !== undefined) resolve(server)
        else if (state === 'disconnected' || state === 'error') reject(cause ?? closedConnection())
      })
      stop = () => {
        stopObserving()
        reject(closedConnection())
      }
    })
    // A caller that stopped waiting has been told already.
    promise.catch(() => {})
    return { promise, stop }
  }

  async #close(options: CloseOptions): Promise<CloseReport> {
    const { clock } = this.#settings
    const { outgoing, incoming, subscriptions } = this.#session
    const endsAtMs = clock.now() + (options.timeoutMs ?? DEFAULT_CLOSE_MS)
    const left = (): { timeoutMs: number } => ({ timeoutMs: Math.max(0, endsAtMs - clock.now()) })
    for (const stream of [...this.#streams]) stream.end()
    if (options.drain !== false) await within(this.#drained(), clock, left(), gaveUpDraining).catch(() => {})
    const report: CloseReport = {
      unacknowledgedMessages: outgoing.unacknowledged,
      runningHandlers: incoming.running,
    }
    for (const stop of this.#connecting) stop()
    subscriptions.close(() => closedSubscription('...'))
    const gone = this.#connector.close()
    const stored = this.#session.close((publication) => this.#closedWith(publication))
    await within(Promise.all([gone, stored]), clock, left(), gaveUpDraining).catch(() => {})
    this.#connector.abandon()
    this.#states.end()
    return report
  }

  /**
   * The error for a message that is not acknowledged when the client closes; one in a store is sent by the next client
   * with that store.
   */
  #closedWith({ topic, stage }: Publication): PublishError {
    const isOurs = stage === 'queued' || stage === 'storing'
    return closedPublish(topic, this.#settings.store.commits || !isOurs)
  }

  /** Nothing is on its way any more, or there is no hope that it arrives. */
  #drained(): Promise<unknown> {
    const { outgoing, incoming } = this.#session
    const idle = [outgoing, incoming].map((half) => new Promise<void>((resolve) => half.whenIdle(resolve)))
    const hopeless = new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.state === 'disconnected' || this.state === 'error') resolve()
      }
      this.#states.observe(look)
      look()
    })
    return Promise.race([Promise.all(idle), hopeless])
  }
}

type Iterated<T> = Required<Pick<AsyncIterator<T>, 'next' | 'return'>>

/** The source of an iteration is fetched with the first question. */
function fetched<T>(open: () => Promise<Iterated<T>>): AsyncIterableIterator<T> {
  let opening: Promise<Iterated<T>> | undefined
  const call = async (name: keyof Iterated<T>): Promise<IteratorResult<T>> => {
    opening ??= open()
    return (await opening)[name]()
  }
  return {
    next: () => call('next'),
    return: () => call('return'),
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

function gaveUpConnecting(why: DeadlineCause): ConnectionError {
  const what = why === 'timeout' ? 'no connection in time' : 'aborted by the caller'
  return new ConnectionError(why, `connect: ${what}`, { retryable: why === 'timeout' })
}

function closedConnection(): ConnectionError {
  return new ConnectionError('closed', 'the client is closed; make a new one')
}

function closedSubscription(filter: string): SubscriptionError {
  return new SubscriptionError('closed', `subscription to '${filter}': the client is closed`)
}
