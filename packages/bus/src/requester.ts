import {
  type DataInput,
  inboxFilter,
  inboxTopic,
  PING_ACTION,
  type RequestContract,
  type ResponseData,
  remoteFailureSchema,
} from '@jamey/contracts'
import { Deadline, type Message as MqttMessage, PublishError, type PublishResult } from '@jamey/mqtt'
import { ReasonCode } from '@jamey/protocol'
import type { Clock } from './clock.js'
import type { Counters } from './counters.js'
import { assertIdentifiers, checkData, decodeEnvelope, type Envelope } from './envelope.js'
import {
  AbortedError,
  BusError,
  DuplicateRequestError,
  NoResponderError,
  RemoteError,
  RequestTimeoutError,
} from './errors.js'
import { latin1 } from './incoming-request.js'
import type { RequestOptions } from './message.js'
import type { MqttPort, PortSubscription } from './mqtt-port.js'
import { exchangeProperties, type Publisher } from './publisher.js'
import { type Repeatable, Repetitions } from './repetitions.js'
import { fateOf } from './request-fate.js'
import { assertLevel } from './topic-level.js'
import { randomUuid } from './uuid.js'

/** The longest delay that timers can hold, 24.8 days. */
const LONGEST_TIMEOUT_MS = 2_147_483_647
/**
 * For so long after it connected, a server that knows nobody may only have been restarted: whoever serves comes back
 * like we did. So often it is asked again.
 */
const ARRIVAL_MS = 2000
const ARRIVAL_RETRY_MS = 200
/** How long after a deadline the client, whose own is the same, may take to say whether the request has left. */
const LAST_WORD_MS = 20
/** More than anybody asks. */
const SERVICES_KEPT = 100

export interface RequesterParts {
  readonly clientId: string
  readonly port: MqttPort
  readonly clock: Clock
  readonly counters: Counters
  readonly publisher: Publisher
}

/** A request whose answer is awaited. */
interface Waiting extends Repeatable {
  readonly key: string
  readonly contract: RequestContract
  readonly replyTo: string
  readonly correlationId: string
  readonly options: RequestOptions
  /** By the monotonic clock. */
  readonly dueAtMs: number
  readonly resolve: (data: unknown) => void
  readonly reject: (error: unknown) => void
  /** What is sent again; undefined where to carry it out twice may do harm. */
  readonly bytes: Buffer | undefined
  deadline: Deadline | undefined
  /** `handed-over`: the client has it, and may have sent it or not. */
  /** Until it is sent again, for nobody was there. */
  timer: unknown
  stage: 'unsent' | 'handed-over' | 'taken'
  isSettled: boolean
}

/** The asking side of request and response: one inbox per client, and the requests that wait for answers in it. */
export class Requester {
  readonly #parts: RequesterParts
  readonly #waiting = new Map<string, Waiting>()
  /** Where answers arrive whose correlation id is ours, by the service that gives them. */
  readonly #answersTopics = new Map<string, string>()
  readonly #repetitions: Repetitions<Waiting>
  #inbox: Promise<PortSubscription> | undefined
  #isInboxOpen = false
  #isClosed = false
  readonly #stopWatching: () => void
  #connectedAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: RequesterParts) {
    this.#parts = parts
    this.#stopWatching = parts.port.onState(({ state }) => {
      if (state === 'connected') this.#connectedAtMs = parts.clock.monotonicNow()
    })
    this.#repetitions = new Repetitions(
      parts.clock,
      () => this.#waiting.values(),
      (waiting) => this.#repeat(waiting),
    )
  }

  get waiting(): number {
    return this.#waiting.size
  }

  request<C extends RequestContract>(
    contract: C,
    data: DataInput<C>,
    options: RequestOptions,
  ): Promise<ResponseData<C>> {
    try {
      return this.#request(contract, data, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Fails what still waits. */
  close(): void {
    this.#isClosed = true
    this.#stopWatching()
    for (const waiting of [...this.#waiting.values()]) this.#fail(waiting, closed(waiting))
  }

  #request<C extends RequestContract>(
    contract: C,
    data: DataInput<C>,
    options: RequestOptions,
  ): Promise<ResponseData<C>> {
    const { clientId, clock, publisher, counters, port } = this.#parts
    const { topic, action } = contract
    assertTimeout(options.timeoutMs)
    if (this.#isClosed) throw closed()
    // Nothing is tried any more (the breaker is open, say): to wait for the deadline would help nobody.
    if (port.status.state === 'error') throw port.status.cause ?? closed()
    if (options.signal?.aborted) throw aborted({ contract, options }, false)
    const payload = { action, data: checkData(contract.schema, topic, data) }
    publisher.authorize(topic)
    assertIdentifiers(topic, options)
    const { messageId = randomUuid(), correlationId = randomUuid(), traceparent } = options
    // A correlation id of the caller's runs through a chain that may ask several times. Then the response topic is
    // the request's own, so that the pair of both still names this request and only its repetitions.
    const isOurs = options.correlationId === undefined
    const { service } = contract
    const replyTo = isOurs ? this.#answersTopicOf(service) : inboxTopic(clientId, service, messageId)
    const key = keyOf(replyTo, correlationId)
    if (this.#waiting.has(key)) throw new DuplicateRequestError(correlationId)
    counters.requests++
    const bytes = publisher.write({ topic, messageId, payload, correlationId, replyTo, traceparent })
    const dueAtMs = clock.monotonicNow() + options.timeoutMs
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        key,
        contract,
        replyTo,
        correlationId,
        options,
        dueAtMs,
        // What it resolves with was checked against the contract's own schema.
        resolve: resolve as (data: unknown) => void,
        reject,
        bytes: (options.isRepeatable ?? contract.isRepeatable === true) ? bytes : undefined,
        deadline: undefined,
        timer: undefined,
        stage: 'unsent',
        isSettled: false,
        nextAtMs: Number.POSITIVE_INFINITY,
        handedOverAtMs: 0,
        repetitions: 0,
      }
      this.#wait(waiting)
      if (this.#isInboxOpen) return this.#send(waiting, bytes)
      this.#openInbox().then(
        () => this.#send(waiting, bytes),
        (error) => this.#failUnsent(waiting, error),
      )
    })
  }

  #answersTopicOf(service: string): string {
    let topic = this.#answersTopics.get(service)
    if (topic !== undefined) return topic
    assertLevel('service', service)
    topic = inboxTopic(this.#parts.clientId, service, 'answers')
    if (this.#answersTopics.size >= SERVICES_KEPT) this.#answersTopics.clear()
    this.#answersTopics.set(service, topic)
    return topic
  }

  #wait(waiting: Waiting): void {
    const { key, options } = waiting
    const { clock } = this.#parts
    this.#waiting.set(key, waiting)
    waiting.deadline = Deadline.start(clock, options, (why) => {
      const giveUp = (): void => {
        const mayBeDelivered = waiting.stage !== 'unsent'
        this.#fail(
          waiting,
          why === 'timeout' ? timedOut(waiting, mayBeDelivered) : aborted(waiting, mayBeDelivered),
        )
      }
      if (waiting.stage !== 'handed-over') return giveUp()
      // The client gives it up now, too, and alone knows whether it has left: see `#failUnsent`.
      waiting.deadline = Deadline.start(clock, { timeoutMs: LAST_WORD_MS }, giveUp)
    })
  }

  /** Whoever settles a request first wins, which true tells; settling leaves nothing behind. */
  #settle(waiting: Waiting): boolean {
    const { key, deadline, timer } = waiting
    if (this.#waiting.get(key) !== waiting) return false
    this.#waiting.delete(key)
    deadline?.cancel()
    this.#parts.clock.clearTimeout(timer)
    waiting.isSettled = true
    if (this.#waiting.size === 0) this.#repetitions.stop()
    return true
  }

  #fail(waiting: Waiting, error: unknown): void {
    if (!this.#settle(waiting)) return
    if (error instanceof RequestTimeoutError) this.#parts.counters.requestsTimedOut++
    waiting.reject(error)
  }

  #send(waiting: Waiting, bytes: Buffer): void {
    const { clock } = this.#parts
    const remainingMs = waiting.dueAtMs - clock.monotonicNow()
    // Whoever gave up in the meantime must not have the request carried out after all.
    if (this.#waiting.get(waiting.key) !== waiting || remainingMs <= 0) return
    waiting.stage = 'handed-over'
    this.#publish(waiting, bytes, remainingMs).then(
      ({ reasonCode }) => {
        waiting.stage = 'taken'
        if (reasonCode === ReasonCode.noMatchingSubscribers) this.#missed(waiting, bytes)
        else if (waiting.bytes !== undefined && !waiting.isSettled) this.#repetitions.handedOver(waiting)
      },
      (error) => this.#failUnsent(waiting, error),
    )
  }

  /** Nobody got it, so that it may be sent again whatever it asks for. */
  #missed(waiting: Waiting, bytes: Buffer): void {
    const { clock } = this.#parts
    if (waiting.isSettled) return
    const { topic, action } = waiting.contract
    // Whether anybody is there is what a ping asks.
    if (action === PING_ACTION || clock.monotonicNow() - this.#connectedAtMs >= ARRIVAL_MS) {
      return this.#fail(waiting, new NoResponderError(topic, action))
    }
    waiting.stage = 'unsent'
    waiting.timer = clock.setTimeout(() => this.#send(waiting, bytes), ARRIVAL_RETRY_MS)
  }

  #publish(waiting: Waiting, bytes: Buffer, remainingMs: number): Promise<PublishResult> {
    const { contract, replyTo, correlationId, options } = waiting
    return this.#parts.publisher.send(contract.topic, bytes, {
      // After a restart nobody would wait for its answer.
      isDurable: false,
      qos: contract.qos,
      retain: false,
      properties: exchangeProperties(replyTo, correlationId, remainingMs),
      timeoutMs: remainingMs,
      signal: options.signal,
    })
  }

  /**
   * The same request under the same identity: whoever has carried it out, or is at it, answers with that answer. That
   * it meets nobody now proves nothing, for the first one was taken; and the inbox may be what the server has lost.
   */
  #repeat(waiting: Waiting): void {
    const { clock, counters, port } = this.#parts
    const { bytes, dueAtMs } = waiting
    const remainingMs = dueAtMs - clock.monotonicNow()
    if (bytes === undefined || remainingMs <= 0 || port.state !== 'connected') return
    counters.requestsRepeated++
    this.#inbox
      ?.then((inbox) => {
        // Asked for before, so that it is there when the answer comes. What fails is made up for by the deadline.
        inbox.renew({ timeoutMs: remainingMs }).catch(() => {})
        return this.#publish(waiting, bytes, remainingMs)
      })
      .catch(() => {})
  }

  /** One subscription for all answers, made with the first request; the client restores it after a reconnect. */
  #openInbox(): Promise<PortSubscription> {
    if (this.#inbox !== undefined) return this.#inbox
    const { port, clientId } = this.#parts
    const inbox = port.subscribe(inboxFilter(clientId), { qos: 1 }, (message) => this.#handleAnswer(message))
    this.#inbox = inbox
    inbox.then(
      () => {
        this.#isInboxOpen = true
      },
      () => {
        // The next request tries again.
        this.#inbox = undefined
      },
    )
    return inbox
  }

  #handleAnswer(message: MqttMessage): void {
    const { counters } = this.#parts
    const { topic } = message
    const correlationData = message.properties?.correlationData
    let waiting: Waiting | undefined
    if (correlationData !== undefined) {
      waiting = this.#waiting.get(keyOf(topic, latin1(correlationData)))
      // An answer that nobody waits for is dropped without being read.
      if (waiting === undefined) {
        counters.answersDropped++
        return
      }
    }
    try {
      const envelope = decodeEnvelope(topic, message.payload)
      waiting ??= this.#waiting.get(keyOf(topic, envelope.metadata.correlation_id))
      if (waiting === undefined) counters.answersDropped++
      else this.#takeAnswer(waiting, topic, envelope)
    } catch (error) {
      counters.invalid++
      if (waiting !== undefined) this.#fail(waiting, error)
    }
  }

  #takeAnswer(waiting: Waiting, topic: string, { payload: { data, error } }: Envelope): void {
    this.#repetitions.answered(waiting)
    if (error === undefined) {
      const checked = checkData(waiting.contract.responseSchema, topic, data)
      if (this.#settle(waiting)) waiting.resolve(checked)
    } else {
      const failure = checkData(remoteFailureSchema, topic, error, 'payload.error')
      this.#fail(waiting, new RemoteError(failure.kind, failure.message, failure.retryable))
    }
    this.#parts.counters.received++
  }

  /** A publish that was given up because the deadline passed is a time-out of the request. */
  #failUnsent(waiting: Waiting, error: unknown): void {
    const { options, dueAtMs, stage } = waiting
    const isLate = this.#parts.clock.monotonicNow() >= dueAtMs - 1
    // What the bus itself refuses, the rate limit say, never came to the client.
    const isHeldBack = error instanceof PublishError ? !error.mayBeDelivered : error instanceof BusError
    const mayBeDelivered = stage !== 'unsent' && !isHeldBack
    if (options.signal?.aborted) this.#fail(waiting, aborted(waiting, mayBeDelivered))
    else this.#fail(waiting, isLate ? timedOut(waiting, mayBeDelivered, error) : error)
  }
}

function keyOf(replyTo: string, correlationId: string): string {
  return `${replyTo} ${correlationId}`
}

function timedOut(
  { contract, options }: Waiting,
  mayBeDelivered: boolean,
  cause?: unknown,
): RequestTimeoutError {
  const { topic, action } = contract
  return new RequestTimeoutError(topic, action, options.timeoutMs, { cause, mayBeDelivered })
}

function aborted(
  { contract, options }: Pick<Waiting, 'contract' | 'options'>,
  mayBeDelivered: boolean,
): AbortedError {
  const what = `The request '${contract.action}' on ${contract.topic} was aborted; ${fateOf(mayBeDelivered)}.`
  return new AbortedError('request-aborted', what, { cause: options.signal?.reason, mayBeDelivered })
}

function closed(waiting?: Waiting): AbortedError {
  const mayBeDelivered = waiting !== undefined && waiting.stage !== 'unsent'
  const what = `The bus was closed before the request was answered; ${fateOf(mayBeDelivered)}.`
  return new AbortedError('bus-closed', what, { mayBeDelivered })
}

function assertTimeout(timeoutMs: number): void {
  if (timeoutMs > 0 && timeoutMs <= LONGEST_TIMEOUT_MS) return
  throw new RangeError(
    `A request needs timeoutMs from 1 to ${LONGEST_TIMEOUT_MS} milliseconds; it is ${timeoutMs}.`,
  )
}
