import type { RemoteFailure } from '@jamey/contracts'
import { MqttError, PublishError } from '@jamey/mqtt'
import { ReasonCode } from '@jamey/protocol'
import { exchangeProperties, type Publisher } from '../messaging/publisher.js'
import type { BusLog } from '../model/config.js'
import type { Clock } from '../support/clock.js'
import type { Counters } from '../support/counters.js'
import { randomUuid } from '../support/uuid.js'
import { type Envelope, isTraceparent } from '../wire/envelope.js'
import type { ReplyAddress } from '../wire/request-properties.js'
import type { Answer } from './answer-cache.js'

export interface AnswerOutletParts {
  readonly clock: Clock
  readonly counters: Counters
  readonly publisher: Publisher
  readonly log: BusLog
  /** Told of failures that have nobody here to throw to. */
  readonly report: (error: unknown, context: { kind?: string; topic: string; correlationId?: string }) => void
}

/** Time between two warnings about requesters that do not read. */
const WARNING_INTERVAL_MS = 60_000

/** The way out of answers. One that nobody takes is no reason for others to wait. */
export class AnswerOutlet {
  readonly #parts: AnswerOutletParts
  #warnedAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: AnswerOutletParts) {
    this.#parts = parts
  }

  /** Throws where the data cannot be written as JSON. */
  write(reply: ReplyAddress, payload: Envelope['payload'], traceparent?: string): Answer {
    const { topic, correlationId, correlationData } = reply
    const trace = traceparent !== undefined && isTraceparent(traceparent) ? traceparent : undefined
    const draft = { topic, messageId: randomUuid(), payload, correlationId, traceparent: trace }
    const bytes = this.#parts.publisher.write(draft)
    return { topic, action: payload.action, correlationId, bytes, correlationData }
  }

  /**
   * Rejects where trying again may help; otherwise the request is done with, since sent again it would only fail
   * again: nobody waits any more, or the server does not take this answer.
   */
  publish(answer: Answer, deadline: number): Promise<void> | undefined {
    const delivered = this.#deliver(answer, deadline)
    return delivered?.catch((error: unknown) => {
      if (this.#isLate(deadline)) return undefined
      const failure = this.#failureInPlaceOf(answer, error)
      if (failure !== undefined) return this.#tellInstead(answer, failure, deadline)
      return this.#giveUp(answer, error)
    })
  }

  #deliver({ topic, bytes, correlationData }: Answer, deadline: number): Promise<void> | undefined {
    const { clock, counters, publisher } = this.#parts
    const remainingMs = deadline - clock.now()
    if (remainingMs <= 0) {
      counters.servedLate++
      return undefined
    }
    const delivered = publisher.deliver(topic, bytes, {
      qos: 1,
      retain: false,
      isDurable: false,
      isPaced: false,
      properties: exchangeProperties(undefined, correlationData, remainingMs),
      timeoutMs: remainingMs,
    })
    return delivered.then(nothing)
  }

  #isLate(deadline: number): boolean {
    const { clock, counters } = this.#parts
    if (clock.now() < deadline - 1) return false
    counters.servedLate++
    return true
  }

  /** A failure of a few bytes, for which there may be room: then the requester need not wait for its deadline. */
  #failureInPlaceOf({ topic, bytes }: Answer, error: unknown): RemoteFailure | undefined {
    if (!(error instanceof PublishError)) return undefined
    if (error.reasonCode === ReasonCode.quotaExceeded) {
      this.#noteUnread(topic, bytes.length)
      const message = `The answer has ${bytes.length} bytes, and the server has no room for them beside what this client has not read yet; read that, and ask again.`
      return { kind: 'overloaded', message, retryable: true }
    }
    if (error.code !== 'packet-too-large') return undefined
    this.#parts.report(error, { kind: 'answer-refused', topic })
    const message = `The answer has ${bytes.length} bytes, which is more than the server takes; ask for less.`
    return { kind: 'answer-too-large', message, retryable: false }
  }

  /** Sends a failure in the place of an answer. Where there is no room for that either, nothing is owed any more. */
  #tellInstead(answer: Answer, error: RemoteFailure, deadline: number): Promise<void> | undefined {
    const { action } = answer
    const instead = this.write(answer, { action, error })
    return this.#deliver(instead, deadline)?.catch((refusal: unknown) => {
      if (refusal instanceof PublishError && refusal.reasonCode === ReasonCode.quotaExceeded) return
      if (!this.#isLate(deadline)) this.#giveUp(instead, refusal)
    })
  }

  #giveUp({ topic }: Answer, error: unknown): undefined {
    if (error instanceof MqttError && error.retryable) throw error
    this.#parts.report(error, { kind: 'answer-refused', topic })
  }

  #noteUnread(topic: string, bytes: number): void {
    const { clock, counters, log } = this.#parts
    counters.answersUnread++
    const nowMs = clock.now()
    const isNews = nowMs - this.#warnedAtMs >= WARNING_INTERVAL_MS
    if (isNews) this.#warnedAtMs = nowMs
    const words = 'a requester does not read its answers, and gets no more of them until it does'
    if (isNews) log.warn({ event: 'bus.answers.unread', topic, bytes, unread: counters.answersUnread }, words)
    else log.debug({ event: 'bus.answers.unread', topic, bytes }, words)
  }
}

function nothing(): void {}
