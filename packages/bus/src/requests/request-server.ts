import { type Address, PING_ACTION, type RemoteFailure, type RequestContract } from '@jamey/contracts'
import type { Message as MqttMessage } from '@jamey/mqtt'
import { type Origin, type Origins, SenderError } from '../messaging/origin.js'
import type { Principal, Request } from '../model/message.js'
import type { Tracing } from '../model/tracing.js'
import { MessageError, RequestError } from '../support/errors.js'
import type { Latencies } from '../support/latencies.js'
import { Addresses, strangeTopic } from '../wire/addresses.js'
import { checkData, checkRequestData, decodeEnvelope, type Envelope } from '../wire/envelope.js'
import { identityOf, type ReplyAddress, remainingMsOf, replyAddressOf } from '../wire/request-properties.js'
import { type Answer, type AnswerCache, TakenRequest } from './answer-cache.js'
import { AnswerOutlet, type AnswerOutletParts } from './answer-outlet.js'
import { abortedFailure, failureOf, notPermitted, overloadedFailure, unknownAction } from './failures.js'
import type { LeaseMember, Turn } from './lease.js'
import { ServedRequestContext } from './request-context.js'
import { answerOf, type Incoming, type Served, ServedRequest } from './served-request.js'
import type { ServingQueue } from './serving-queue.js'
import { type Arrived, MAXIMUM_KEPT, StandbyRequests } from './standby-requests.js'

export interface RequestServerParts extends AnswerOutletParts {
  readonly clientId: string
  readonly origins: Origins
  readonly acceptUnverified: boolean
  readonly latencies: Latencies
  readonly tracing: Tracing | undefined
}

type Outcome = { data: unknown } | { error: RemoteFailure }

/**
 * Takes the requests of one subscription, hands each to the handler of its action and publishes the answer.
 * `handle` settles, and the request is acknowledged with it, only after its answer was published.
 */
export class RequestServer implements LeaseMember {
  readonly actions = new Map<string, Served>()
  readonly #contract: Pick<RequestContract, 'topic' | 'service' | 'maximumBytes'>
  readonly #addresses: Addresses
  readonly #parts: RequestServerParts
  readonly #cache: AnswerCache
  readonly #outlet: AnswerOutlet
  #heardAtMs = Number.NEGATIVE_INFINITY
  #held = 0
  readonly #standby = new StandbyRequests()
  readonly #running = new Map<
    ServedRequestContext,
    { action: string; sinceMs: number; done: Promise<void> }
  >()

  constructor(
    parts: RequestServerParts,
    cache: AnswerCache,
    contract: Pick<RequestContract, 'topic' | 'service' | 'maximumBytes'>,
  ) {
    this.#parts = parts
    this.#cache = cache
    this.#outlet = new AnswerOutlet(parts)
    this.#contract = contract
    this.#addresses = new Addresses(contract)
  }

  get service(): string {
    return this.#contract.service
  }

  /** Moment at which the last message came, by the monotonic clock. */
  get heardAtMs(): number {
    return this.#heardAtMs
  }

  /**
   * Rejects where the answer could not be published, so that the request is sent again. `turn`: where every member of the
   * group gets the request, whether this one carries it out.
   */
  handle(message: MqttMessage, turn?: Turn): Promise<void> | undefined {
    const { clock, counters, origins } = this.#parts
    const address = this.#addresses.read(message.topic)
    let envelope: Envelope
    let origin: Origin
    try {
      if (address === undefined) throw strangeTopic(this.#contract, message.topic)
      this.#assertWithin(message)
      envelope = decodeEnvelope(message.topic, message.payload)
      origin = this.#known(origins.of(message, envelope, address), message)
    } catch (error) {
      return this.#refuse(message, address, error as MessageError)
    }
    const { sender } = origin
    const { service } = this.#contract
    const reply = replyAddressOf(message, envelope, { clientId: sender.clientId, service })
    if (reply !== undefined && !this.#mayAnswer(reply)) return this.#refuseAddress(message, envelope, reply)
    const remainingMs = remainingMsOf(message, envelope, clock)
    if (remainingMs <= 0) {
      counters.servedLate++
      return undefined
    }
    this.#heardAtMs = clock.now()
    const deadline = this.#heardAtMs + remainingMs
    if (envelope.payload.action === PING_ACTION) return reply && this.#pong(reply, deadline)
    const arrivedAtMs = this.#heardAtMs
    const request = { message, envelope, address: address as Address, origin, reply, arrivedAtMs, deadline }
    const mayServe = turn?.mayServe ?? true
    if (turn === undefined || mayServe === true) return this.#admit(request)
    return mayServe === false ? this.#keep(request, turn) : this.#hold(request, turn, mayServe)
  }

  /** For how long the oldest request has been here, in milliseconds, that others have to carry out should this one die. */
  get pendingMs(): number {
    for (const { action, sinceMs } of this.#running.values()) {
      if (this.actions.get(action)?.acknowledged !== 'taken') return this.#parts.clock.now() - sinceMs
    }
    return 0
  }

  /** Carries out what came since, for who should have done it is gone. */
  takeOver(answeredUntilMs: number): void {
    for (const request of this.#standby.take(answeredUntilMs, this.#parts.clock.now())) {
      // What it was delivered by has been acknowledged.
      this.#admit(request)?.catch(() => {})
    }
  }

  /** Another member carries it out, unless it dies before; what may not be carried out twice is left to its requester. */
  #keep(request: Arrived, { answeredUntilMs }: Turn): undefined {
    const { action } = request.envelope.payload
    if (this.actions.get(action)?.contract.isRepeatable === true) this.#standby.keep(request, answeredUntilMs)
  }

  /** Until it is decided who carries it out. */
  async #hold(request: Arrived, turn: Turn, mayServe: Promise<boolean>): Promise<void> {
    if (this.#held >= MAXIMUM_KEPT) return
    this.#held++
    const isOurs = await mayServe.finally(() => this.#held--)
    if (!isOurs) return this.#keep(request, turn)
    if (request.deadline > this.#parts.clock.now()) return this.#admit(request)
    this.#parts.counters.servedLate++
  }

  #admit({ message, envelope, address, origin, reply, deadline }: Arrived): Promise<void> | undefined {
    const { origins } = this.#parts
    const { sender } = origin
    let principal: Principal
    try {
      principal = origins.principalOf(message, envelope, origin)
    } catch (error) {
      return reply && this.#refuseForGood(envelope, reply, deadline, error)
    }
    const key = identityOf(envelope, principal.clientId, reply)
    const { topic } = address
    const incoming = { message, envelope, topic, sender, principal, reply, key, deadline }
    const taken = this.#cache.get(key)
    return taken === undefined ? this.#take(incoming) : this.#answerAgain(taken, incoming)
  }

  /** Resolves when nothing is being worked on for `action`. */
  async idle(action: string): Promise<void> {
    const running = [...this.#running.values()].filter((work) => work.action === action)
    await Promise.allSettled(running.map((work) => work.done))
  }

  abort(reason: unknown): void {
    for (const context of this.#running.keys()) context.abort(reason)
  }

  /** Refuses a request that is far too large before it is read, so that it takes nobody's time. */
  #assertWithin({ topic, payload }: MqttMessage): void {
    const { maximumBytes = Number.POSITIVE_INFINITY } = this.#contract
    if (payload.length <= maximumBytes) return
    throw new MessageError(
      topic,
      'envelope',
      `has ${payload.length} bytes; at most ${maximumBytes} are taken`,
    )
  }

  /** Throws where nobody vouches for the sender, and that does not do. */
  #known(origin: Origin, { topic }: MqttMessage): Origin {
    if (origin.sender.isVerified || this.#parts.acceptUnverified) return origin
    const { clientId } = origin.sender
    const fault = `is ${JSON.stringify(clientId)}, and neither the server nor the topic says so; it has to come on ${topic}/${clientId}`
    throw new SenderError(topic, 'metadata.client_id', fault)
  }

  #mayAnswer(reply: ReplyAddress & { isForeign: boolean }): boolean {
    return !reply.isForeign && this.#parts.publisher.mayPublish(reply.topic)
  }

  #refuseAddress({ topic }: MqttMessage, { metadata }: Envelope, reply: ReplyAddress): undefined {
    const { counters, report } = this.#parts
    counters.invalid++
    const fault = `must lie in the inbox of the sender, at the level of ${this.service}, and be one that this client may publish to; it is ${JSON.stringify(reply.topic)}`
    const correlationId = metadata.correlation_id
    report(new MessageError(topic, 'metadata.reply_to', fault), { topic, correlationId })
  }

  /** Refuses a sender that asks for somebody it may not act for. */
  #refuseForGood(
    envelope: Envelope,
    reply: ReplyAddress,
    deadline: number,
    cause: unknown,
  ): Promise<void> | undefined {
    const { action } = envelope.payload
    const error = this.#failureOf(cause, envelope)
    return this.#outlet.publish(
      this.#outlet.write(reply, { action, error }, envelope.metadata.traceparent),
      deadline,
    )
  }

  /** Past whatever is waiting for its turn: it asks whether requests arrive, not how soon they are answered. */
  #pong(reply: ReplyAddress, deadline: number): Promise<void> | undefined {
    const data = { client_id: this.#parts.clientId }
    return this.#outlet.publish(this.#outlet.write(reply, { action: PING_ACTION, data }), deadline)
  }

  #take(incoming: Incoming): Promise<void> | undefined {
    const { message, envelope, key, deadline } = incoming
    const { action } = envelope.payload
    const whose = incoming.principal.clientId
    const queue = this.actions.get(action)?.queue
    if (queue?.enter(whose, message.payload.length) === false) return this.#refuseForNow(incoming)
    const context = new ServedRequestContext(this.#parts.clock, message.topic, action, deadline)
    const taken = new TakenRequest(key, deadline)
    this.#cache.add(taken)
    this.#parts.counters.serving++
    const turn = queue?.begin(whose)
    const done =
      turn === undefined
        ? this.#work(incoming, taken, context, queue)
        : turn.then(() => this.#workInTurn(incoming, taken, context, queue))
    taken.published = done
    this.#running.set(context, { action, sinceMs: this.#parts.clock.now(), done })
    return this.#acknowledgement(action, done)
  }

  /** When a request is to be acknowledged; undefined: at once, whatever becomes of its answer. */
  #acknowledgement(action: string, published: Promise<void>): Promise<void> | undefined {
    if (this.actions.get(action)?.acknowledged !== 'taken') return published
    published.catch(() => {})
    return undefined
  }

  /** Works on a request when its sender's turn has come; its time may have run out while it waited. */
  #workInTurn(
    incoming: Incoming,
    taken: TakenRequest,
    context: ServedRequestContext,
    queue: ServingQueue | undefined,
  ): Promise<void> {
    if (taken.deadline <= this.#parts.clock.now()) context.expire()
    return this.#work(incoming, taken, context, queue)
  }

  #refuseForNow({ envelope, principal, reply, deadline }: Incoming): Promise<void> | undefined {
    this.#parts.counters.overloaded++
    if (reply === undefined) return undefined
    const { action } = envelope.payload
    const error = overloadedFailure(action, principal)
    const answer = this.#outlet.write(reply, { action, error }, envelope.metadata.traceparent)
    return this.#outlet.publish(answer, deadline)
  }

  async #work(
    incoming: Incoming,
    taken: TakenRequest,
    context: ServedRequestContext,
    queue: ServingQueue | undefined,
  ): Promise<void> {
    const { clock, counters, latencies } = this.#parts
    const { action } = incoming.envelope.payload
    const sinceMs = clock.now()
    try {
      // Awaited in any case: until then, `#take` has not noted that it is under way.
      const outcome = await this.#outcomeOf(incoming, context)
      // Of actions that nobody serves there would be no end.
      if (this.actions.has(action)) latencies.observe(this.#contract.topic, action, clock.now() - sinceMs)
      queue?.end()
      const answer = this.#write(incoming, outcome)
      this.#cache.finish(taken, answer, clock.now())
      // A failure that may pass is no answer to somebody who tries again with the same ids.
      if ('error' in outcome && outcome.error.retryable) this.#cache.remove(taken)
      const isLate = taken.deadline <= clock.now()
      if (isLate) counters.servedLate++
      else counters.served++
      if (!isLate && answer !== undefined) await this.#outlet.publish(answer, taken.deadline)
      await context.brought
    } finally {
      queue?.leave(incoming.principal.clientId, incoming.message.payload.length)
      context.settle()
      this.#running.delete(context)
      counters.serving--
    }
  }

  /** A repetition of a request in progress shares its answer; of one that was answered, gets the answer again. */
  #answerAgain(taken: TakenRequest, incoming: Incoming): Promise<void> | undefined {
    this.#parts.counters.servedAgain++
    taken.deadline = Math.max(taken.deadline, incoming.deadline)
    if (taken.published !== undefined) {
      return this.#acknowledgement(incoming.envelope.payload.action, taken.published)
    }
    return taken.answer && this.#outlet.publish(taken.answer, incoming.deadline)
  }

  #outcomeOf(incoming: Incoming, context: ServedRequestContext): Outcome | Promise<Outcome> {
    const { counters } = this.#parts
    const { envelope, topic } = incoming
    const { action } = envelope.payload
    if (context.isAborted) return { error: abortedFailure(action) }
    const served = this.actions.get(action)
    if (served === undefined) {
      counters.invalid++
      return { error: unknownAction(action, topic, this.actions.keys()) }
    }
    let payload: unknown
    try {
      payload = checkRequestData(served.contract.schema, topic, envelope.payload.data)
    } catch (error) {
      counters.invalid++
      return { error: { kind: 'invalid-request', message: (error as Error).message, retryable: false } }
    }
    const permittedBy = served.permittedBy?.(payload) ?? topic
    if (incoming.principal.permissions?.mayPublish(permittedBy) === false) {
      return { error: notPermitted(incoming.principal, permittedBy) }
    }
    counters.received++
    return this.#ask(served, new ServedRequest(incoming, payload), context)
  }

  async #ask(served: Served, request: Request<unknown>, context: ServedRequestContext): Promise<Outcome> {
    const { topic, envelope } = request
    try {
      const result = await answerOf(served, request, context, this.#parts)
      return { data: checkData(served.contract.responseSchema, topic, result, 'response') }
    } catch (error) {
      return { error: this.#failureOf(error, envelope, context) }
    }
  }

  /** A handler's failure as a requester may know it: what was thrown for it, and nothing else. */
  #failureOf(error: unknown, envelope: Envelope, context?: ServedRequestContext): RemoteFailure {
    const { topic, payload } = envelope
    if (error instanceof RequestError) return failureOf(error)
    if (context?.isAborted === true) {
      return abortedFailure(payload.action)
    }
    const { counters, report } = this.#parts
    const correlationId = envelope.metadata.correlation_id
    counters.handlerFailures++
    report(error, { kind: 'handler-failed', topic, correlationId })
    const message = `'${payload.action}' failed; its service has reported why under correlation id ${correlationId}.`
    return { kind: 'internal', message, retryable: false }
  }

  /** Reports a message that is no request, or not its sender's, and tells the sender what is wrong with its bytes. */
  async #refuse(message: MqttMessage, address: Address | undefined, error: MessageError): Promise<void> {
    const { clock, counters, report } = this.#parts
    const { topic } = message
    if (error instanceof SenderError) {
      counters.refusedSenders++
      report(error, { kind: 'sender-refused', topic })
      return
    }
    counters.invalid++
    report(error, { kind: 'invalid-message', topic })
    const clientId = this.#senderOf(message, address)
    if (clientId === undefined) return
    const reply = replyAddressOf(message, undefined, { clientId, service: this.service })
    if (reply === undefined || !this.#mayAnswer(reply)) return
    const failure = { kind: 'invalid-message', message: error.message, retryable: false }
    const expirySeconds = message.properties?.messageExpiryInterval ?? 30
    const answer = this.#outlet.write(reply, { action: 'error', error: failure })
    await this.#outlet.publish(answer, clock.now() + expirySeconds * 1000)
  }

  /** The sender of these bytes, where the envelope does not say it. */
  #senderOf(message: MqttMessage, address: Address | undefined): string | undefined {
    try {
      return this.#parts.origins.verified(message, address)
    } catch {
      return undefined
    }
  }

  /** The answer to be published; undefined where none is wanted. */
  #write({ envelope, reply }: Incoming, outcome: Outcome): Answer | undefined {
    if (reply === undefined) return undefined
    const { action } = envelope.payload
    const { traceparent } = envelope.metadata
    try {
      return this.#outlet.write(reply, { action, ...outcome }, traceparent)
    } catch (error) {
      // Data that passed its contract and yet cannot be written as JSON is the handler's failure.
      return this.#outlet.write(reply, { action, error: this.#failureOf(error, envelope) }, traceparent)
    }
  }
}
