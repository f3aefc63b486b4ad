import {
  type DataInput,
  inboxFilter,
  inboxTopic,
  type RequestContract,
  type ResponseData,
  remoteFailureSchema,
} from '@jamey/contracts'
import type { Message as MqttMessage } from '@jamey/mqtt'
import { ReasonCode } from '@jamey/protocol'
import type { Clock } from './clock.js'
import type { Counters } from './counters.js'
import { assertIdentifiers, checkData, decodeEnvelope, type Envelope } from './envelope.js'
import {
  AbortedError,
  DuplicateRequestError,
  NoResponderError,
  RemoteError,
  RequestTimeoutError,
} from './errors.js'
import { latin1 } from './incoming-request.js'
import type { RequestOptions } from './message.js'
import type { MqttPort } from './mqtt-port.js'
import { exchangeProperties, type Publisher } from './publisher.js'
import { randomUuid } from './uuid.js'

/** The longest delay that timers can hold, 24.8 days. */
const LONGEST_TIMEOUT_MS = 2_147_483_647

export interface RequesterParts {
  readonly clientId: string
  readonly port: MqttPort
  readonly clock: Clock
  readonly counters: Counters
  readonly publisher: Publisher
}

/** A request whose answer is awaited. Whoever settles it first wins; settling leaves nothing behind. */
interface Waiting {
  readonly contract: RequestContract
  readonly deadline: number
  settle(outcome: { data: unknown } | { error: unknown }): void
}

/** Everything one request is sent with. */
interface Outgoing {
  readonly contract: RequestContract
  readonly data: unknown
  readonly messageId: string
  readonly correlationId: string
  readonly replyTo: string
  readonly options: RequestOptions
}

/** The asking side of request and response: one inbox per client, and the requests that wait for answers in it. */
export class Requester {
  readonly #parts: RequesterParts
  readonly #waiting = new Map<string, Waiting>()
  #inbox: Promise<unknown> | undefined
  #isClosed = false

  constructor(parts: RequesterParts) {
    this.#parts = parts
  }

  get waiting(): number {
    return this.#waiting.size
  }

  async request<C extends RequestContract>(
    contract: C,
    data: DataInput<C>,
    options: RequestOptions,
  ): Promise<ResponseData<C>> {
    const { clientId, publisher, counters, port } = this.#parts
    assertTimeout(options.timeoutMs)
    if (this.#isClosed) throw closed()
    // Nothing is tried any more (the breaker is open, say): to wait for the deadline would help nobody.
    if (port.status.state === 'error') throw port.status.cause ?? closed()
    if (options.signal?.aborted) throw aborted(contract, options.signal)
    const checked = checkData(contract.schema, contract.topic, data)
    publisher.authorize(contract.topic)
    assertIdentifiers(contract.topic, options)
    const { messageId = randomUuid(), correlationId = randomUuid() } = options
    // A correlation id of the caller's runs through a chain that may ask several times. Then the response topic is
    // the request's own, so that the pair of both still names this request and only its repetitions.
    const replyTo = inboxTopic(clientId, options.correlationId === undefined ? 'answers' : messageId)
    const key = keyOf(replyTo, correlationId)
    if (this.#waiting.has(key)) throw new DuplicateRequestError(correlationId)
    counters.requests++
    return new Promise((resolve, reject) => {
      const waiting = this.#wait(key, contract, options, resolve, reject)
      this.#send(key, waiting, { contract, data: checked, messageId, correlationId, replyTo, options }).catch(
        (error: unknown) => waiting.settle({ error: this.#failureOf(error, waiting, options) }),
      )
    })
  }

  /** Fails what still waits. */
  close(): void {
    this.#isClosed = true
    for (const waiting of [...this.#waiting.values()]) waiting.settle({ error: closed() })
  }

  #wait<C extends RequestContract>(
    key: string,
    contract: C,
    options: RequestOptions,
    resolve: (data: ResponseData<C>) => void,
    reject: (error: unknown) => void,
  ): Waiting {
    const { clock, counters } = this.#parts
    const { signal, timeoutMs } = options
    const onAbort = (): void => waiting.settle({ error: aborted(contract, signal) })
    const timer = clock.setTimeout(() => waiting.settle({ error: timedOut(contract, timeoutMs) }), timeoutMs)
    const waiting: Waiting = {
      contract,
      deadline: clock.now() + timeoutMs,
      settle: (outcome) => {
        if (this.#waiting.get(key) !== waiting) return
        this.#waiting.delete(key)
        clock.clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        if ('data' in outcome) return resolve(outcome.data as ResponseData<C>)
        if (outcome.error instanceof RequestTimeoutError) counters.requestsTimedOut++
        reject(outcome.error)
      },
    }
    this.#waiting.set(key, waiting)
    signal?.addEventListener('abort', onAbort, { once: true })
    return waiting
  }

  async #send(key: string, waiting: Waiting, outgoing: Outgoing): Promise<void> {
    const { publisher, clock } = this.#parts
    const { contract, messageId, correlationId, replyTo, options } = outgoing
    const { topic, action } = contract
    const bytes = publisher.write({
      topic,
      messageId,
      payload: { action, data: outgoing.data },
      correlationId,
      replyTo,
      traceparent: options.traceparent,
    })
    await this.#openInbox()
    const remainingMs = waiting.deadline - clock.now()
    // Whoever gave up in the meantime must not have the request carried out after all.
    if (this.#waiting.get(key) !== waiting || remainingMs <= 0) return
    const result = await publisher.send(topic, bytes, {
      // After a restart nobody would wait for its answer.
      isDurable: false,
      qos: contract.qos,
      retain: false,
      properties: exchangeProperties(replyTo, Buffer.from(correlationId, 'latin1'), remainingMs),
      timeoutMs: remainingMs,
      signal: options.signal,
    })
    if (result.reasonCode === ReasonCode.noMatchingSubscribers) {
      waiting.settle({ error: new NoResponderError(topic, action) })
    }
  }

  /** One subscription for all answers, made with the first request; the client restores it after a reconnect. */
  #openInbox(): Promise<unknown> {
    if (this.#inbox !== undefined) return this.#inbox
    const inbox = this.#parts.port.subscribe(inboxFilter(this.#parts.clientId), { qos: 1 }, async (message) =>
      this.#handleAnswer(message),
    )
    this.#inbox = inbox
    inbox.catch(() => {
      // The next request tries again.
      if (this.#inbox === inbox) this.#inbox = undefined
    })
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
      else this.#settle(waiting, topic, envelope)
    } catch (error) {
      counters.invalid++
      waiting?.settle({ error })
    }
  }

  #settle(waiting: Waiting, topic: string, { payload: { data, error } }: Envelope): void {
    if (error === undefined) {
      waiting.settle({ data: checkData(waiting.contract.responseSchema, topic, data) })
    } else {
      const failure = checkData(remoteFailureSchema, topic, error, 'payload.error')
      waiting.settle({ error: new RemoteError(failure.kind, failure.message, failure.retryable) })
    }
    this.#parts.counters.received++
  }

  /** A publish that was given up because the deadline passed is a time-out of the request. */
  #failureOf(error: unknown, waiting: Waiting, options: RequestOptions): unknown {
    if (options.signal?.aborted) return aborted(waiting.contract, options.signal)
    const isLate = this.#parts.clock.now() >= waiting.deadline - 1
    return isLate ? timedOut(waiting.contract, options.timeoutMs, error) : error
  }
}

function keyOf(replyTo: string, correlationId: string): string {
  return `${replyTo} ${correlationId}`
}

function timedOut(contract: RequestContract, timeoutMs: number, cause?: unknown): RequestTimeoutError {
  return new RequestTimeoutError(contract.topic, contract.action, timeoutMs, cause)
}

function aborted(contract: RequestContract, signal: AbortSignal | undefined): AbortedError {
  const what = `The request '${contract.action}' on ${contract.topic} was aborted; it may have been carried out.`
  return new AbortedError('request-aborted', what, signal?.reason)
}

function closed(): AbortedError {
  return new AbortedError('bus-closed', 'The bus was closed before the request was answered.')
}

function assertTimeout(timeoutMs: number): void {
  if (timeoutMs > 0 && timeoutMs <= LONGEST_TIMEOUT_MS) return
  throw new RangeError(
    `A request needs timeoutMs from 1 to ${LONGEST_TIMEOUT_MS} milliseconds; it is ${timeoutMs}.`,
  )
}
