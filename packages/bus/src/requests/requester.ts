import type { Permissions } from '@jamey/auth'
import {
  type Binding,
  type DataInput,
  PING_ACTION,
  type RemoteFailure,
  type RequestContract,
  type ResponseData,
  remoteFailureSchema,
} from '@jamey/contracts'
import { type Message as MqttMessage, PublishError, type PublishResult } from '@jamey/mqtt'
import { Deadline } from '@jamey/mqtt/internals'
import { ReasonCode } from '@jamey/protocol'
import type { Origins } from '../messaging/origin.js'
import { assertPermitted } from '../messaging/permission-check.js'
import { exchangeProperties, type Publisher, withTrace } from '../messaging/publisher.js'
import type { RequestOptions } from '../model/message.js'
import type { TracedSending } from '../model/tracing.js'
import type { Clock } from '../support/clock.js'
import type { Counters } from '../support/counters.js'
import {
  AnswerMismatchError,
  BusError,
  DuplicateRequestError,
  NoResponderError,
  RemoteError,
  RequestTimeoutError,
} from '../support/errors.js'
import type { Latencies } from '../support/latencies.js'
import { randomUuid } from '../support/uuid.js'
import { assertBound, bindingOf } from '../wire/answer-binding.js'
import {
  assertIdentifiers,
  checkData,
  checkRequestData,
  decodeEnvelope,
  type Envelope,
} from '../wire/envelope.js'
import type { MqttPort } from '../wire/mqtt-port.js'
import { ReplyTopics } from '../wire/reply-topics.js'
import { latin1 } from '../wire/request-properties.js'
import type { ServerStamp } from '../wire/server-stamp.js'
import { Arrival } from './arrival.js'
import { Inbox } from './inbox.js'
import { aborted, closed, type TimedOptions, timed, timedOut } from './request-end.js'
import { type Repeatable, Resending } from './resending.js'

/** Time between the attempts while a server may only have been restarted. */
const ARRIVAL_RETRY_MS = 200
/** Far more than a server takes to answer. */
const RENEWAL_MS = 5000
/** Time after a deadline that the client, whose own is the same, may take to say whether the request has left. */
const LAST_WORD_MS = 20

export interface RequesterParts {
  readonly clientId: string
  readonly port: MqttPort
  readonly clock: Clock
  readonly counters: Counters
  readonly latencies: Latencies
  readonly permissions: Permissions
  readonly publisher: Publisher
  readonly origins: Origins
  readonly stamp: ServerStamp
  /** Told of answers that are dropped because of who gave them. */
  readonly report: (error: unknown, context: { kind?: string; topic: string; correlationId?: string }) => void
}

/** A request whose answer is awaited. */
interface Waiting extends Repeatable {
  readonly key: string
  readonly contract: RequestContract
  /** The request's topic, in whichever form the server of that moment takes. */
  readonly topic: string
  readonly replyTo: string
  readonly correlationData: string
  readonly options: TimedOptions
  /** Moment of the deadline, by the monotonic clock. */
  readonly dueAtMs: number
  readonly resolve: (data: unknown) => void
  readonly reject: (error: unknown) => void
  /** The bytes that are sent again; undefined where to carry it out twice may do harm. */
  readonly bytes: Buffer | undefined
  /** The request that the answer has to be about, where the contract wants it to say so. */
  readonly binding: Binding | undefined
  deadline: Deadline | undefined
  /** The timer until it is sent again, because nobody was there. */
  timer: unknown
  /** `handed-over`: the client has it, and may have sent it or not. */
  stage: 'unsent' | 'handed-over' | 'taken'
  readonly traced: TracedSending | undefined
  isSettled: boolean
}

/** The asking side of request and response: one inbox per client, and the requests that wait for answers in it. */
export class Requester {
  readonly #parts: RequesterParts
  readonly #waiting = new Map<string, Waiting>()
  readonly #replyTopics: ReplyTopics
  readonly #resending: Resending<Waiting>
  readonly #inbox: Inbox
  #isClosed = false
  readonly #arrival: Arrival

  constructor(parts: RequesterParts) {
    this.#parts = parts
    this.#replyTopics = new ReplyTopics(parts.clientId, parts.stamp)
    this.#inbox = new Inbox(parts.port, parts.clientId, (message) => this.#handleAnswer(message))
    this.#arrival = new Arrival(parts.port, parts.clock)
    this.#resending = new Resending(
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
      return this.#request(contract, data, timed(options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Fails what still waits. */
  close(): void {
    this.#isClosed = true
    this.#arrival.stop()
    for (const waiting of [...this.#waiting.values()]) this.#fail(waiting, closed(waiting))
  }

  #request<C extends RequestContract>(
    contract: C,
    data: DataInput<C>,
    options: TimedOptions,
  ): Promise<ResponseData<C>> {
    const { clientId, clock, publisher, counters, port } = this.#parts
    const { action } = contract
    if (this.#isClosed) throw closed()
    // Nothing is tried any more (the breaker is open, say): to wait for the deadline would help nobody.
    if (port.status.state === 'error') throw port.status.cause ?? closed()
    if (options.signal?.aborted) throw aborted({ contract, options }, false)
    const payload = { action, data: checkRequestData(contract.schema, contract.topic, data) }
    const topic = this.#parts.stamp.topicFor(contract.topic)
    publisher.authorize(topic)
    if (options.onBehalfOf !== undefined) {
      assertPermitted(this.#parts.permissions, 'act-for', options.onBehalfOf.clientId)
    }
    assertIdentifiers(topic, options)
    const { messageId = randomUuid(), correlationId = randomUuid(), onBehalfOf } = options
    const { service } = contract
    const isOfChain = options.correlationId !== undefined
    const asked = { topic, service, messageId, correlationId, isOfChain }
    const { replyTo, correlationData } = this.#replyTopics.expect(asked)
    const key = keyOf(replyTo, correlationData)
    if (this.#waiting.has(key)) throw new DuplicateRequestError(correlationId)
    counters.requests++
    const given = { topic, messageId, correlationId, traceparent: options.traceparent }
    const traced = publisher.trace('request', contract, given)
    const traceparent = traced?.traceparent ?? options.traceparent
    const draft = { topic, messageId, payload, correlationId, replyTo, traceparent, onBehalfOf }
    const bytes = publisher.write(draft)
    const binding = contract.isBound === true ? bindingOf(draft, clientId) : undefined
    const dueAtMs = clock.now() + options.timeoutMs
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        key,
        contract,
        topic,
        replyTo,
        correlationData,
        options,
        dueAtMs,
        // The data it resolves with was checked against the contract's own schema.
        resolve: resolve as (data: unknown) => void,
        reject,
        bytes: (options.isRepeatable ?? contract.isRepeatable === true) ? bytes : undefined,
        binding,
        deadline: undefined,
        timer: undefined,
        stage: 'unsent',
        traced,
        isSettled: false,
        nextAtMs: Number.POSITIVE_INFINITY,
        handedOverAtMs: 0,
        repetitions: 0,
        refusals: 0,
      }
      this.#wait(waiting)
      if (this.#inbox.isOpen) return this.#send(waiting, bytes)
      this.#inbox.open().then(
        () => this.#send(waiting, bytes),
        (error) => this.#failUnsent(waiting, error),
      )
    })
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

  /** Ends the wait for an answer; true for the first caller alone. Nothing is left behind. */
  #settle(waiting: Waiting): boolean {
    const { key, deadline, timer } = waiting
    if (this.#waiting.get(key) !== waiting) return false
    this.#waiting.delete(key)
    deadline?.cancel()
    const { clock, latencies } = this.#parts
    clock.clearTimeout(timer)
    waiting.isSettled = true
    const { topic, action } = waiting.contract
    latencies.observe(topic, action, clock.now() - waiting.dueAtMs + waiting.options.timeoutMs)
    if (this.#waiting.size === 0) this.#resending.stop()
    return true
  }

  #fail(waiting: Waiting, error: unknown): void {
    if (!this.#settle(waiting)) return
    waiting.traced?.end(error)
    if (error instanceof RequestTimeoutError) {
      this.#parts.counters.requestsTimedOut++
      // The answer may have come to nothing because the server has lost the inbox.
      if (!this.#isClosed) this.#inbox.renew(RENEWAL_MS)
    }
    waiting.reject(error)
  }

  #send(waiting: Waiting, bytes: Buffer): void {
    const { clock } = this.#parts
    const remainingMs = waiting.dueAtMs - clock.now()
    // A requester that gave up in the meantime must not have the request carried out after all.
    if (this.#waiting.get(waiting.key) !== waiting || remainingMs <= 0) return
    waiting.stage = 'handed-over'
    this.#publish(waiting, bytes, remainingMs).then(
      ({ reasonCode }) => {
        waiting.stage = 'taken'
        if (reasonCode === ReasonCode.noMatchingSubscribers) this.#missed(waiting, bytes)
        else if (waiting.bytes !== undefined && !waiting.isSettled) this.#resending.handedOver(waiting)
      },
      (error) => {
        if (isDenied(error) && this.#arrival.isUnderway) this.#sendLater(waiting, bytes)
        else this.#failUnsent(waiting, error)
      },
    )
  }

  /** Nobody got it, so that it may be sent again whatever it asks for. */
  #missed(waiting: Waiting, bytes: Buffer): void {
    const { topic, action } = waiting.contract
    // A ping asks whether anybody is there, so it ends at once where nobody is.
    if (action !== PING_ACTION && this.#arrival.isUnderway) this.#sendLater(waiting, bytes)
    else this.#fail(waiting, new NoResponderError(topic, action))
  }

  #sendLater(waiting: Waiting, bytes: Buffer): void {
    if (waiting.isSettled) return
    waiting.stage = 'unsent'
    waiting.timer = this.#parts.clock.setTimeout(() => this.#send(waiting, bytes), ARRIVAL_RETRY_MS)
  }

  #publish(waiting: Waiting, bytes: Buffer, remainingMs: number): Promise<PublishResult> {
    const { contract, topic, replyTo, correlationData, options, traced } = waiting
    const properties = exchangeProperties(replyTo, correlationData, remainingMs)
    return this.#parts.publisher.send(topic, bytes, {
      // Nobody would wait for its answer after a restart.
      isDurable: false,
      qos: contract.qos,
      retain: false,
      properties: withTrace(properties, traced?.traceparent ?? options.traceparent),
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
    const remainingMs = dueAtMs - clock.now()
    if (bytes === undefined || remainingMs <= 0 || port.state !== 'connected') return
    counters.requestsRepeated++
    // The inbox is asked for first, so that it is there when the answer comes. The deadline makes up for a failure.
    if (waiting.refusals === 0) this.#inbox.renew(remainingMs)
    this.#publish(waiting, bytes, remainingMs).catch(() => {})
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
      else this.#takeAnswer(waiting, message, envelope)
    } catch (error) {
      if (error instanceof AnswerMismatchError) counters.answersMismatched++
      else counters.invalid++
      if (waiting !== undefined) this.#fail(waiting, error)
    }
  }

  #takeAnswer(waiting: Waiting, message: MqttMessage, envelope: Envelope): void {
    const { topic } = message
    const { data, error } = envelope.payload
    if (!this.#isGenuine(message, envelope)) return
    this.#resending.answered(waiting)
    if (error === undefined) {
      const { contract, binding } = waiting
      const checked = checkData(contract.responseSchema, topic, data)
      if (binding !== undefined) assertBound(contract, checked, binding)
      if (!this.#settle(waiting)) return
      waiting.traced?.end()
      waiting.resolve(checked)
    } else {
      this.#takeFailure(waiting, checkData(remoteFailureSchema, topic, error, 'payload.error'))
    }
    this.#parts.counters.received++
  }

  #takeFailure(waiting: Waiting, failure: RemoteFailure): void {
    const { kind, message, retryable, retry_after_ms: delayMs, details } = failure
    const { bytes, dueAtMs } = waiting
    const mayWait = retryable && delayMs !== undefined && bytes !== undefined
    if (mayWait && this.#resending.putOff(waiting, delayMs, dueAtMs)) return
    this.#fail(waiting, new RemoteError(kind, message, retryable, { retryAfterMs: delayMs, details }))
  }

  /** True where the server names the sender that an answer names; a forged one must not end the wait for the other. */
  #isGenuine(message: MqttMessage, envelope: Envelope): boolean {
    const { counters, origins, report } = this.#parts
    try {
      origins.of(message, envelope, undefined)
      return true
    } catch (error) {
      const { correlation_id: correlationId } = envelope.metadata
      counters.refusedSenders++
      report(error, { kind: 'sender-refused', topic: message.topic, correlationId })
      return false
    }
  }

  /** A publish that was given up because the deadline passed is a time-out of the request. */
  #failUnsent(waiting: Waiting, error: unknown): void {
    const { options, dueAtMs, stage } = waiting
    const isLate = this.#parts.clock.now() >= dueAtMs - 1
    // A refusal of the bus itself, such as of the rate limit, never came to the client.
    const isHeldBack = error instanceof PublishError ? !error.mayBeDelivered : error instanceof BusError
    const mayBeDelivered = stage !== 'unsent' && !isHeldBack
    if (options.signal?.aborted) this.#fail(waiting, aborted(waiting, mayBeDelivered))
    else this.#fail(waiting, isLate ? timedOut(waiting, mayBeDelivered, error) : error)
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof PublishError && error.reasonCode === ReasonCode.notAuthorized
}

function keyOf(replyTo: string, correlationData: string): string {
  return `${replyTo} ${correlationData}`
}
