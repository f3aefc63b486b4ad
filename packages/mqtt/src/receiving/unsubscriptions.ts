import { isFailure, type Unsuback, type Unsubscribe } from '@jamey/protocol'
import type { Connection } from '../connection/connection.js'
import type { MqttError, SubscriptionError } from '../model/errors.js'
import type { CallOptions } from '../model/options.js'
import type { ServerInformation } from '../model/server-information.js'
import type { Counters } from '../model/stats.js'
import type { Clock } from '../support/clock.js'
import type { AskedPackets, AskedRemoval, Entry } from './asked-packets.js'
import type { Dispatcher } from './dispatcher.js'
import { gaveUp, oversized, refusedSubscription } from './subscription-request.js'
import { type Waiter, waitFor } from './subscription-waiter.js'

/** Filters that are not wanted any more, until the server has confirmed it. */
export class Unsubscriptions {
  readonly #clock: Clock
  readonly #counters: Counters
  readonly #onFailure: (error: MqttError) => void
  readonly #dispatcher: Dispatcher
  readonly #asked: AskedPackets
  /** Callers that wait for removals which the server does not know yet, by filter. */
  readonly #unsent = new Map<string, Waiter[]>()
  /** The server has not confirmed it: what is on its way still finds its handlers. */
  readonly #leaving = new Map<string, Entry>()
  #connection: Connection | undefined
  #server: ServerInformation | undefined

  constructor(
    clock: Clock,
    counters: Counters,
    onFailure: (error: MqttError) => void,
    dispatcher: Dispatcher,
    asked: AskedPackets,
  ) {
    this.#clock = clock
    this.#counters = counters
    this.#onFailure = onFailure
    this.#dispatcher = dispatcher
    this.#asked = asked
  }

  /** Number of removals that are to be sent on this connection. */
  get size(): number {
    return this.#unsent.size
  }

  onConnected(connection: Connection, server: ServerInformation, isResumed: boolean): void {
    this.#connection = connection
    this.#server = server
    // The server knows nothing of them any more.
    if (!isResumed) for (const filter of [...this.#unsent.keys()]) this.withdraw(filter)
    this.send()
  }

  onDisconnected(): void {
    this.#connection = undefined
  }

  /** Handlers of the entry work until the server has confirmed. */
  leave(entry: Entry, options: CallOptions): Promise<void> {
    this.#leaving.set(entry.filter, entry)
    return this.ask(entry.filter, options)
  }

  ask(filter: string, options: CallOptions): Promise<void> {
    const waiters = this.#waitersOf(filter)
    if (this.#connection === undefined) {
      // The server learns it with the next connection, if it still has the session by then.
      this.forget(filter)
      return Promise.resolve()
    }
    const promise = waitFor(waiters, undefined, this.#clock, options, (why) => {
      // A caller that gave up wants to hear no more.
      this.forget(filter)
      return gaveUp(filter, why)
    })
    this.send()
    return promise.then(() => {})
  }

  /** Asks again for a removal whose answer will not come any more. */
  askAgain({ filter, waiters }: AskedRemoval): void {
    this.#waitersOf(filter).push(...waiters)
  }

  /** The server need not be told. */
  withdraw(filter: string): void {
    this.forget(filter)
    for (const waiter of this.#unsent.get(filter) ?? []) waiter.resolve(0)
    this.#unsent.delete(filter)
  }

  /** Forgets a filter whose handlers work no more. */
  forget(filter: string): void {
    const entry = this.#leaving.get(filter)
    if (entry === undefined) return
    this.#leaving.delete(filter)
    this.#dispatcher.delete(entry)
  }

  onUnsuback({ filter, waiters }: AskedRemoval, { reasonCodes, properties }: Unsuback): void {
    this.forget(filter)
    const reasonCode = reasonCodes[0] ?? 0
    for (const waiter of waiters) {
      if (!isFailure(reasonCode)) waiter.resolve(reasonCode)
      else waiter.reject(refusedSubscription(filter, reasonCode, properties?.reasonString))
    }
  }

  /** Sends UNSUBSCRIBE, as far as there are packet identifiers. */
  send(): void {
    for (const [filter, waiters] of this.#unsent) {
      if (this.#connection === undefined || !this.#asked.hasRoom) return
      this.#unsent.delete(filter)
      const packet: Unsubscribe = {
        type: 'unsubscribe',
        packetIdentifier: 1,
        filters: [filter],
        properties: undefined,
      }
      const fault = oversized(filter, packet, this.#server)
      if (fault !== undefined) {
        this.#keepAtServer(filter, waiters, fault)
        continue
      }
      packet.packetIdentifier = this.#asked.add({ kind: 'unsubscribe', filter, waiters })
      this.#connection.send(packet)
    }
  }

  close(): void {
    for (const filter of [...this.#unsent.keys(), ...this.#leaving.keys()]) this.withdraw(filter)
  }

  /** Callers that wait for a removal that was not sent yet. */
  #waitersOf(filter: string): Waiter[] {
    const waiters = this.#unsent.get(filter) ?? []
    this.#unsent.set(filter, waiters)
    return waiters
  }

  /** The server cannot be told that a filter is not wanted any more; what it sends for it has no handler. */
  #keepAtServer(filter: string, waiters: readonly Waiter[], error: SubscriptionError): void {
    this.#counters.subscriptionFailures++
    this.forget(filter)
    if (waiters.length === 0) this.#onFailure(error)
    for (const waiter of waiters) waiter.reject(error)
  }
}
