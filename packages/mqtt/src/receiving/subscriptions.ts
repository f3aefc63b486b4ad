import {
  assertTopicFilter,
  isFailure,
  type Suback,
  type Subscribe,
  type SubscriptionRequest,
  type Unsuback,
} from '@jamey/protocol'
import type { Connection } from '../connection/connection.js'
import type { MqttError } from '../model/errors.js'
import { SubscriptionError } from '../model/errors.js'
import type { CallOptions, MessageHandler, SubscribeOptions } from '../model/options.js'
import type { ServerInformation } from '../model/server-information.js'
import type { Counters } from '../model/stats.js'
import type { Clock } from '../support/clock.js'
import { AskedPackets, type Entry } from './asked-packets.js'
import { Dispatcher } from './dispatcher.js'
import { Handling } from './handling.js'
import { RefusalRetry } from './refusal-retry.js'
import {
  faultOf,
  gaveUp,
  invalidFilter,
  mayPass,
  oversized,
  refusedSubscription,
  requestFor,
  unsupported,
  wants,
} from './subscription-request.js'
import { takeWaiters, type Waiter, waitFor } from './subscription-waiter.js'
import { Unsubscriptions } from './unsubscriptions.js'

export interface Grant {
  readonly handling: Handling
  readonly qos: number
}

/**
 * The subscriptions this client wants, and what became of each at the server. One packet per filter, so that a
 * refusal concerns nothing else. [promise 11]
 */
export class Subscriptions {
  readonly dispatcher = new Dispatcher()
  readonly #clock: Clock
  readonly #counters: Counters
  readonly #onFailure: (error: MqttError) => void
  readonly #entries = new Map<string, Entry>()
  readonly asked = new AskedPackets()
  readonly #removals: Unsubscriptions
  /** Entries to be asked for on this connection as soon as there is room; true where they were asked for before. */
  readonly #postponed = new Map<Entry, boolean>()
  readonly #refusals: RefusalRetry
  #connection: Connection | undefined
  #server: ServerInformation | undefined

  constructor(clock: Clock, counters: Counters, onFailure: (error: MqttError) => void) {
    this.#clock = clock
    this.#counters = counters
    this.#onFailure = onFailure
    this.#removals = new Unsubscriptions(clock, counters, onFailure, this.dispatcher, this.asked)
    this.#refusals = new RefusalRetry(clock, () => {
      for (const entry of [...this.#entries.values()]) this.#ask(entry)
    })
  }

  /** The handler is in place when this returns; the promise settles with the server's answer. */
  subscribe(filter: string, options: SubscribeOptions, handler: MessageHandler): Promise<Grant> {
    const fault = faultOf(filter, options, this.#connection && this.#server)
    if (fault !== undefined) return Promise.reject(fault)
    const handling = new Handling(handler, options.whenHandlerFails === 'leave')
    const known = this.#entries.get(filter)
    const isLate = known?.state === 'asked' || known?.state === 'granted'
    const entry = this.#entryFor(filter, options)
    entry.handlings = entry.handlings.concat(handling)
    this.dispatcher.changed()
    entry.waiters ??= []
    const promise = this.#waitFor(entry.waiters, filter, options, handling)
    if (isLate) this.#requestRetained(entry, handling, options)
    else this.#ask(entry)
    return promise.then((qos) => ({ handling, qos }))
  }

  /** Asks again for what the server has granted; settles with its answer, and with a refusal keeps the handler. */
  renew(filter: string, handling: Handling, options: CallOptions = {}): Promise<unknown> {
    const entry = this.#entries.get(filter)
    if (entry === undefined || !entry.handlings.includes(handling)) return Promise.reject(ended(filter))
    const wasGranted = entry.state === 'granted'
    if (entry.state !== 'asked') entry.state = 'unsent'
    entry.waiters ??= []
    const promise = this.#waitFor(entry.waiters, filter, options, undefined)
    this.#ask(entry, wasGranted)
    return promise
  }

  /** Removes one handler, and the subscription with the last one, which works until the server has confirmed that. */
  removeHandling(filter: string, handling: Handling, options: CallOptions = {}): Promise<void> {
    const entry = this.#entries.get(filter)
    if (entry === undefined || !entry.handlings.includes(handling)) return Promise.resolve()
    if (entry.handlings.length === 1) return this.#remove(entry, options)
    entry.handlings = entry.handlings.filter((other) => other !== handling)
    this.dispatcher.changed()
    return Promise.resolve()
  }

  /** Removes all handlers of a filter; they work until the server has confirmed it. */
  unsubscribe(filter: string, options: CallOptions): Promise<void> {
    const entry = this.#entries.get(filter)
    if (entry !== undefined) return this.#remove(entry, options)
    try {
      assertTopicFilter(filter)
    } catch (error) {
      return Promise.reject(invalidFilter(error as Error))
    }
    // A resumed session may hold a subscription that this process never made.
    return this.#removals.ask(filter, options)
  }

  /**
   * `isInDoubt`: the session that was resumed may be a new one, and then has none of our subscriptions. So it is where
   * the server was away, for it may have been restarted: VerneMQ 2.1.2 says that a session begun with Clean Start is
   * present then, and delivers nothing. Shared ones are always in doubt: Mosquitto 2.0.11 forgets them over a restart.
   * Asking for what is there already changes nothing. [MQTT-3.8.4-3]
   */
  onConnected(
    connection: Connection,
    server: ServerInformation,
    isResumed: boolean,
    isInDoubt: boolean,
  ): void {
    this.#connection = connection
    this.#server = server
    this.#removals.onConnected(connection, server, isResumed)
    for (const entry of this.#entries.values()) {
      const mayBeGone = isInDoubt || entry.filter.startsWith('$share/')
      const wasGranted = isResumed && mayBeGone && entry.state === 'granted'
      if (wasGranted || (!isResumed && entry.state !== 'withheld')) entry.state = 'unsent'
      if (!isResumed) for (const { ignoredIdentifiers } of entry.handlings) ignoredIdentifiers?.clear()
      if (entry.state === 'unsent') this.#ask(entry, wasGranted)
    }
  }

  /** Answers will not come any more; what was asked is asked again with the next connection. */
  onDisconnected(): void {
    this.#connection = undefined
    this.#removals.onDisconnected()
    this.#refusals.stop()
    this.#postponed.clear()
    for (const asked of this.asked.take()) {
      if (asked.kind === 'subscribe') {
        if (asked.entry.state === 'asked') asked.entry.state = 'unsent'
      } else if (!this.#entries.has(asked.filter)) this.#removals.askAgain(asked)
      else for (const waiter of asked.waiters) waiter.resolve(0)
    }
  }

  onSuback(packet: Suback): void {
    const asked = this.asked.get(packet.packetIdentifier)
    if (asked?.kind !== 'subscribe') return
    this.#release(packet.packetIdentifier)
    const { entry, request } = asked
    // An entry that was asked again in the meantime, with other options, is decided by that answer; one that was
    // unsubscribed by none.
    const isWanted = this.#entries.get(entry.filter) === entry
    if (!isWanted || entry.state !== 'asked' || entry.request !== request) return
    const reasonCode = packet.reasonCodes[0] ?? 0x80
    if (isFailure(reasonCode)) {
      const error = refusedSubscription(entry.filter, reasonCode, packet.properties?.reasonString)
      return this.refuse(entry, error)
    }
    entry.state = 'granted'
    entry.granted = reasonCode
    for (const waiter of takeWaiters(entry)) waiter.resolve(reasonCode)
  }

  onUnsuback(packet: Unsuback): void {
    const asked = this.asked.get(packet.packetIdentifier)
    if (asked?.kind !== 'unsubscribe') return
    this.#release(packet.packetIdentifier)
    this.#removals.onUnsuback(asked, packet)
  }

  close(makeError: () => SubscriptionError): void {
    this.onDisconnected()
    for (const entry of this.#entries.values()) {
      for (const waiter of takeWaiters(entry)) waiter.reject(makeError())
      this.dispatcher.delete(entry)
    }
    this.#entries.clear()
    this.#removals.close()
  }

  #entryFor(filter: string, options: SubscribeOptions): Entry {
    const existing = this.#entries.get(filter)
    if (existing !== undefined) {
      const request = wants(existing.request, options)
      if (request !== undefined || existing.state === 'withheld') existing.state = 'unsent'
      existing.request = request ?? existing.request
      return existing
    }
    // Handlers that are leaving make room for those that come.
    this.#removals.withdraw(filter)
    const entry: Entry = {
      filter,
      identifiers: [],
      request: requestFor(filter, options),
      handlings: [],
      state: 'unsent',
      granted: 0,
      waiters: undefined,
    }
    this.#entries.set(filter, entry)
    this.dispatcher.add(entry)
    return entry
  }

  /** A page that cannot fetch it does without the retained messages. */
  async #requestRetained(entry: Entry, handling: Handling, options: SubscribeOptions): Promise<void> {
    const late = await import('./late-handler.js').catch(() => undefined)
    if (this.#entries.get(entry.filter) !== entry) return
    late?.requestRetained(this.dispatcher, entry, handling, options)
    if (entry.state === 'granted') for (const waiter of takeWaiters(entry)) waiter.resolve(entry.granted)
    this.#ask(entry)
  }

  /**
   * `isAgain`: the subscription may be there, whose retained messages have come already; or the server may know it and
   * not serve it. VerneMQ 2.1.2 does not look into that where nothing is new, so the identifier is.
   */
  #ask(entry: Entry, isAgain = false): void {
    const connection = this.#connection
    if (connection === undefined || entry.state !== 'unsent') return
    const { filter, request } = entry
    if (isAgain) this.dispatcher.renumber(entry)
    const packet: Subscribe = {
      type: 'subscribe',
      packetIdentifier: 1,
      subscriptions: [isAgain ? withoutKnownRetained(request) : request],
      properties: this.#server?.subscriptionIdentifiersAvailable
        ? { subscriptionIdentifier: entry.identifiers.at(-1) }
        : undefined,
    }
    const fault = unsupported(filter, this.#server) ?? oversized(filter, packet, this.#server)
    if (fault !== undefined) return this.refuse(entry, fault)
    if (!this.asked.hasRoom) {
      this.#postponed.set(entry, isAgain)
      return
    }
    entry.state = 'asked'
    packet.packetIdentifier = this.asked.add({ kind: 'subscribe', filter, entry, request })
    connection.send(packet)
  }

  /** Handlers that asked for it just now lose it; for those that had it before it stays wanted. */
  refuse(entry: Entry, error: SubscriptionError): void {
    const waiters = takeWaiters(entry)
    entry.state = 'unsent'
    this.#counters.subscriptionFailures++
    const refused = new Set(waiters.map((waiter) => waiter.handling))
    entry.handlings = entry.handlings.filter((handling) => !refused.has(handling))
    this.dispatcher.changed()
    if (entry.handlings.length === 0) this.#forget(entry)
    else {
      this.#onFailure(error)
      if (mayPass(error)) this.#refusals.schedule()
    }
    for (const waiter of waiters) waiter.reject(error)
  }

  #remove(entry: Entry, options: CallOptions): Promise<void> {
    this.#entries.delete(entry.filter)
    this.#postponed.delete(entry)
    for (const waiter of takeWaiters(entry)) waiter.reject(ended(entry.filter))
    return this.#removals.leave(entry, options)
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.filter)
    this.#postponed.delete(entry)
    this.dispatcher.delete(entry)
  }

  #waitFor(
    waiters: Waiter[],
    filter: string,
    options: CallOptions,
    handling: Handling | undefined,
  ): Promise<number> {
    return waitFor(waiters, handling, this.#clock, options, (why) => {
      if (handling !== undefined) this.removeHandling(filter, handling).catch(() => {})
      // A caller that gave up wants to hear no more, in either case.
      if (!this.#entries.has(filter)) this.#removals.forget(filter)
      return gaveUp(filter, why)
    })
  }

  /** A packet was answered: what waited for its identifier may go. */
  #release(packetIdentifier: number): void {
    this.asked.delete(packetIdentifier)
    this.#sendPostponed()
  }

  #sendPostponed(): void {
    this.#removals.send()
    for (const [entry, isAgain] of this.#postponed) {
      if (!this.asked.hasRoom) return
      this.#postponed.delete(entry)
      this.#ask(entry, isAgain)
    }
  }

  /** Bounds how many packets may wait for their answers on a connection. */
  allow(packets: number): void {
    this.asked.most = packets
    this.#sendPostponed()
  }

  /** Nothing is asked, or is to be asked on this connection. */
  get isIdle(): boolean {
    return this.asked.size + this.#postponed.size + this.#removals.size === 0
  }
}

function ended(filter: string): SubscriptionError {
  return new SubscriptionError('aborted', `subscribe to '${filter}': unsubscribed meanwhile`)
}

/** Section 3.8.3.1: 1 is for subscriptions that are new. */
function withoutKnownRetained(request: SubscriptionRequest): SubscriptionRequest {
  return request.retainHandling === 0 ? { ...request, retainHandling: 1 } : request
}
