import { isFailure, ReasonCode, splitShared } from '@jamey/protocol'
import type { Context } from '../support/context.js'
import { Deadline } from '../support/deadline.js'
import { ConnectionFault } from '../support/errors.js'
import { onceKnown } from '../support/once-known.js'
import type { AuthenticationRequest, Identity } from './authenticator.js'
import {
  type BrokerHooks,
  type ClientInfo,
  type DisconnectInfo,
  type DroppedMessage,
  type DropReason,
  FAILED,
  type FilterOutcome,
  type PublishChange,
  type PublishOffer,
  type Refusal,
} from './hooks.js'
import { assertSendable } from './sendable.js'

type Answer<T> = T | typeof FAILED

const REFUSED: Refusal = { refuse: ReasonCode.unspecifiedError, reason: 'the server could not decide' }
const DENIED: Refusal = { refuse: ReasonCode.notAuthorized }

/** Asks the hooks. Nothing here throws or rejects unless it says so; an answer given at once is passed on at once. */
export class HookRunner {
  /** True where some hook is to judge each PUBLISH. */
  readonly judgesPublish: boolean
  readonly #context: Context
  readonly #hooks: BrokerHooks
  readonly #disconnections = new Set<Promise<unknown>>()

  constructor(context: Context, hooks: BrokerHooks) {
    this.#context = context
    this.#hooks = hooks
    this.judgesPublish = hooks.onPublish !== undefined || hooks.authorize !== undefined
  }

  /** True where some hook is told of subscriptions. */
  get observesFilters(): boolean {
    return this.#hooks.onSubscribe !== undefined || this.#hooks.onUnsubscribe !== undefined
  }

  /** True where some hook is told of messages that are dropped. */
  get observesDrops(): boolean {
    return this.#hooks.onDropped !== undefined
  }

  get authorizes(): boolean {
    return this.#hooks.authorize !== undefined
  }

  /** Rejects with `ConnectionFault`. */
  async authenticate(request: AuthenticationRequest, identity: Identity): Promise<Identity> {
    const answer = await this.#ask('authenticate', () => this.#hooks.authenticate?.(request, identity))
    if (answer === undefined) return identity
    const isIdentity = answer !== FAILED && 'mayPublish' in answer
    if (isIdentity) return answer
    throw faultOf(answer)
  }

  /** Rejects with `ConnectionFault`. */
  async connect(client: ClientInfo): Promise<void> {
    const answer = await this.#ask('onConnect', () => this.#hooks.onConnect?.(client))
    if (answer !== undefined) throw faultOf(answer)
  }

  disconnect(client: ClientInfo, info: DisconnectInfo): void {
    const answer = this.#ask('onDisconnect', () => this.#hooks.onDisconnect?.(client, info))
    if (!(answer instanceof Promise)) return
    this.#disconnections.add(answer)
    answer.then(() => this.#disconnections.delete(answer))
  }

  subscribed(client: ClientInfo, filters: readonly string[], reasonCodes: readonly number[]): void {
    this.#tell('onSubscribe', () => this.#hooks.onSubscribe?.(client, outcomesOf(filters, reasonCodes)))
  }

  unsubscribed(client: ClientInfo, filters: readonly string[], reasonCodes: readonly number[]): void {
    this.#tell('onUnsubscribe', () => this.#hooks.onUnsubscribe?.(client, outcomesOf(filters, reasonCodes)))
  }

  /** Tells the hooks in a later turn, since what drops the message may be in the middle of its work. */
  dropped(message: DroppedMessage, client: ClientInfo, reason: DropReason): void {
    const { topic, payload, qos, retain, properties, publishedBy } = message
    const told = { topic, payload, qos, retain, properties, publishedBy }
    queueMicrotask(() => this.#tell('onDropped', () => this.#hooks.onDropped?.(told, client, reason)))
  }

  /** Resolves when every `onDisconnect` has ended. */
  async drain(): Promise<void> {
    await Promise.all(this.#disconnections)
  }

  allows(
    client: ClientInfo,
    action: 'publish' | 'subscribe',
    topic: string,
    group?: string,
  ): boolean | Promise<boolean> {
    const answer = this.#ask('authorize', () => this.#hooks.authorize?.(client, action, topic, group) ?? true)
    return onceKnown(answer, (allowed) => allowed === true)
  }

  /** The filters, as sent, among those asked for that are denied. */
  async denied(client: ClientInfo, filters: readonly string[]): Promise<ReadonlySet<string>> {
    const answers = await Promise.all(
      filters.map((sent) => {
        const { group, filter } = splitShared(sent)
        return this.allows(client, 'subscribe', filter, group)
      }),
    )
    return new Set(filters.filter((_, i) => answers[i] !== true))
  }

  /** Asks the hooks whether a message may be published, and answered where it asks to be. */
  allowsMessage(
    client: ClientInfo,
    topic: string,
    responseTopic: string | undefined,
  ): boolean | Promise<boolean> {
    return onceKnown(this.allows(client, 'publish', topic), (mayPublish) => {
      if (!mayPublish || responseTopic === undefined) return mayPublish
      return this.allows(client, 'subscribe', responseTopic)
    })
  }

  /** A message as it may go on, or why not. */
  judge(client: ClientInfo, offer: PublishOffer): PublishOffer | Refusal | Promise<PublishOffer | Refusal> {
    const isAllowed = this.allowsMessage(client, offer.topic, offer.properties?.responseTopic)
    return onceKnown(isAllowed, (allowed) => {
      if (!allowed) return DENIED
      const answer = this.#ask('onPublish', () => this.#hooks.onPublish?.(offer, client))
      return onceKnown(answer, (change) => this.#changed(offer, change))
    })
  }

  #changed(offer: PublishOffer, answer: Answer<PublishChange | Refusal | undefined>): PublishOffer | Refusal {
    if (answer === undefined) return offer
    if (answer === FAILED) return REFUSED
    if ('refuse' in answer) return isFailure(answer.refuse) ? answer : REFUSED
    const { topic = offer.topic, payload = offer.payload } = answer
    const properties = own(answer.properties) ?? offer.properties
    const changed = { ...offer, topic, payload, properties }
    try {
      assertSendable(changed, this.#context)
    } catch (error) {
      this.#log('onPublish', error)
      return REFUSED
    }
    return changed
  }

  /** Tells one that decides nothing, and waits for nothing. */
  #tell(name: keyof BrokerHooks, call: () => unknown): void {
    try {
      const answer = call()
      if (isThenable(answer)) answer.then(undefined, (error) => this.#count(name, error))
    } catch (error) {
      this.#count(name, error)
    }
  }

  #count(name: keyof BrokerHooks, error: unknown): void {
    this.#context.counters.hooksFailed++
    this.#context.log.error(
      { event: 'broker.hook.failed', err: error, hook: name },
      'a hook failed; nothing depends on it',
    )
  }

  #ask<T>(
    name: keyof BrokerHooks,
    // biome-ignore lint/suspicious/noConfusingVoidType: as the hooks have it.
    call: () => T | void | Promise<T | void>,
  ): Answer<T | undefined> | Promise<Answer<T | undefined>> {
    try {
      const answer = call() ?? undefined
      if (isThenable(answer)) return this.#within(name, answer)
      return this.#checked(name, answer)
    } catch (error) {
      return this.#log(name, error)
    }
  }

  // biome-ignore lint/suspicious/noConfusingVoidType: as the hooks have it.
  #within<T>(name: keyof BrokerHooks, promise: PromiseLike<T | void>): Promise<Answer<T | undefined>> {
    const { clock, limits } = this.#context
    return new Promise((resolve) => {
      const deadline = new Deadline(clock, () => {
        resolve(this.#log(name, new Error(`no answer within ${limits.hookTimeoutMs} ms`)))
      })
      deadline.set(clock.now() + limits.hookTimeoutMs)
      const settle = (answer: Answer<T | undefined>): void => {
        deadline.clear()
        resolve(answer)
      }
      promise.then(
        (answer) => settle(this.#checked(name, answer ?? undefined)),
        (error) => settle(this.#log(name, error)),
      )
    })
  }

  /** Any hook answers with nothing, an object, or `authorize` with a boolean. */
  #checked<T>(name: keyof BrokerHooks, answer: T): Answer<T> {
    if (name === 'onDisconnect' || answer === undefined) return answer
    const isRight = name === 'authorize' ? typeof answer === 'boolean' : isAnswerOf(name, answer)
    if (isRight) return answer
    return this.#log(name, new Error(`it answered with what a hook cannot answer: ${typeof answer}`))
  }

  #log(name: keyof BrokerHooks, error: unknown): typeof FAILED {
    this.#context.counters.hooksFailed++
    this.#context.log.error(
      { event: 'broker.hook.refused', err: error, hook: name },
      'a hook failed; what it was asked about is refused',
    )
    return FAILED
  }
}

function outcomesOf(filters: readonly string[], reasonCodes: readonly number[]): FilterOutcome[] {
  return filters.map((filter, i) => ({ filter, reasonCode: reasonCodes[i] as number }))
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function isAnswerOf(name: keyof BrokerHooks, answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null) return false
  if ('refuse' in answer) return typeof answer.refuse === 'number'
  if (name === 'authenticate') return 'mayPublish' in answer && 'mayReceive' in answer
  return name === 'onPublish'
}

function faultOf(answer: Exclude<Answer<object>, symbol> | typeof FAILED): ConnectionFault {
  const { refuse, reason } = answer !== FAILED && 'refuse' in answer ? (answer as Refusal) : REFUSED
  const reasonCode = isFailure(refuse) ? refuse : ReasonCode.unspecifiedError
  return new ConnectionFault(reasonCode, reason ?? 'refused by the server')
}

/** Properties without those of one connection, which are not the hook's to set. */
function own(properties: PublishOffer['properties']): PublishOffer['properties'] {
  if (properties === undefined) return undefined
  const { topicAlias: _alias, subscriptionIdentifiers: _identifiers, ...others } = properties
  return others
}
