import type { Permissions } from '@jamey/auth'
import { answersFilter, type Data, type RequestContract, type ResponseInput } from '@jamey/contracts'
import { assertPermitted } from '../messaging/permission-check.js'
import type { SharedSubscriptions } from '../model/config.js'
import type { Request, RequestContext, ServedContract, ServeOptions } from '../model/message.js'
import { AlreadyServedError, PermissionError } from '../support/errors.js'
import { assertLevel } from '../support/topic-level.js'
import type { PortSubscription } from '../wire/mqtt-port.js'
import { Admission, type AdmissionParts } from './admission.js'
import { AnswerCache, type AnswerCacheLimits } from './answer-cache.js'
import { Attendance } from './attendance.js'
import { type Served, ServingDesk, type ServingParts } from './serving-desk.js'
import { filterAt, ServingPlace } from './serving-place.js'
import { ServingQueue } from './serving-queue.js'

const MAXIMUM_PER_SENDER = 10_000

export interface ResponderParts extends ServingParts, Pick<AdmissionParts, 'port' | 'log' | 'health'> {
  readonly permissions: Permissions
  readonly cache: AnswerCacheLimits
  readonly sharedSubscriptions: SharedSubscriptions
  /** Asks the members of a service on a topic who hears it; resolves with the client identifier of who answered. */
  readonly ping: (topic: string, service: string, timeoutMs: number) => Promise<string>
}

export type ServeHandler<C extends RequestContract> = (
  request: Request<Data<C>>,
  context: RequestContext,
) => ResponseInput<C> | Promise<ResponseInput<C>>

/** One MQTT subscription of one group, shared by the actions that are served on its topic. */
interface Station {
  readonly desk: ServingDesk
  readonly attendance: Attendance
  readonly admission: Admission<PortSubscription>
}

/** The answering side of request and response. */
export class Responder {
  readonly #parts: ResponderParts
  readonly #stations = new Map<string, Station>()
  /** Every desk that may still be at work, those of stations that were stopped included. */
  readonly #desks = new Set<ServingDesk>()
  readonly #cache: AnswerCache
  readonly #closing = new AbortController()

  constructor(parts: ResponderParts) {
    this.#parts = parts
    this.#cache = new AnswerCache(parts.cache)
  }

  async serve<C extends RequestContract>(
    contract: C,
    options: ServeOptions<Data<C>>,
    handler: ServeHandler<C>,
  ): Promise<ServedContract> {
    const { permissions, clientId } = this.#parts
    const { service } = contract
    const { group = service } = options
    const { concurrency = Number.POSITIVE_INFINITY, maximumPerSender = MAXIMUM_PER_SENDER } = options
    assertLevel('service', service)
    assertLevel('group', group)
    const form = this.#parts.sharedSubscriptions === 'unavailable' ? 'alone' : 'shared'
    assertPermitted(permissions, 'subscribe', filterAt(form, group, contract.topic))
    // Without one inbox to answer into, every requester would wait out its deadline for nothing.
    if (!permissions.mayPublishWithin(answersFilter(service))) {
      throw new PermissionError(`publish:${answersFilter(service)}`, clientId)
    }
    const key = `${group}/${contract.topic}`
    const station =
      this.#stations.get(key) ?? this.#open(key, contract, { group, whenRefused: options.whenRefused })
    const { desk } = station
    if (desk.service !== service) throw anotherService(contract, desk.service)
    if (desk.actions.has(contract.action)) {
      throw new AlreadyServedError(contract.topic, contract.action, group)
    }
    // The desk checks data against the very contract that the handler's type comes from.
    const given = handler as Served['handler']
    const queue = new ServingQueue(concurrency, maximumPerSender)
    const permittedBy = options.permittedBy as Served['permittedBy']
    desk.actions.set(contract.action, { contract, handler: given, queue, permittedBy })
    try {
      await station.admission.granted
    } catch (error) {
      desk.actions.delete(contract.action)
      if (this.#stations.get(key) === station) this.#stations.delete(key)
      throw error
    }
    return { stop: () => this.#stop(key, station, contract.action) }
  }

  /** Takes no more requests and waits for those already taken. */
  async drain(): Promise<void> {
    this.#closing.abort()
    for (const { admission } of this.#stations.values()) admission.end()
    await Promise.allSettled(
      [...this.#stations].flatMap(([key, station]) =>
        [...station.desk.actions.keys()].map((action) => this.#stop(key, station, action)),
      ),
    )
  }

  /** Aborts what is still being worked on. */
  abort(reason: unknown): void {
    for (const desk of this.#desks) desk.abort(reason)
  }

  #open(
    key: string,
    contract: RequestContract,
    { group, whenRefused }: { readonly group: string; readonly whenRefused: ServeOptions['whenRefused'] },
  ): Station {
    const { topic, service } = contract
    const desk = new ServingDesk(this.#parts, this.#cache, contract)
    const ping = (timeoutMs: number) => this.#parts.ping(topic, service, timeoutMs)
    const attendance = new Attendance({ ...this.#parts, ping }, topic, group, () => desk.heardAtMs)
    let asked: Promise<PortSubscription> | undefined
    const admission = new Admission(this.#parts, key, whenRefused === 'retry', () => {
      asked = this.#subscribe(contract, group, desk, ping)
      return asked
    })
    admission.granted.then(
      (granted) => attendance.begin(granted),
      () => {
        this.#desks.delete(desk)
        // Given up while the server was being asked: what it grants after all must not bring requests.
        asked?.then((granted) => granted.unsubscribe()).catch(() => {})
      },
    )
    const station = { desk, attendance, admission }
    this.#stations.set(key, station)
    this.#desks.add(desk)
    return station
  }

  #subscribe(
    { topic, qos }: RequestContract,
    group: string,
    desk: ServingDesk,
    ping: (timeoutMs: number) => Promise<string>,
  ): Promise<PortSubscription> {
    // A request that could not be answered stays unacknowledged, so that the server sends it again.
    const options = { qos, whenHandlerFails: 'leave' } as const
    const parts = { ...this.#parts, ping, closing: this.#closing.signal }
    return ServingPlace.take(parts, { topic, group, options, handle: desk.handle.bind(desk) })
  }

  async #stop(key: string, station: Station, action: string): Promise<void> {
    const { desk, attendance } = station
    if (!desk.actions.has(action)) return desk.idle(action)
    if (desk.actions.size === 1 && this.#stations.get(key) === station) {
      // Unsubscribed before the handler is taken away, so that no request meets a desk without it.
      this.#stations.delete(key)
      attendance.end()
      const subscription = await station.admission.granted
      await subscription.unsubscribe()
    }
    desk.actions.delete(action)
    await desk.idle(action)
    if (desk.actions.size === 0) this.#desks.delete(desk)
  }
}

/** Requests and answers of one subscription have one address. */
function anotherService({ topic, action, service }: RequestContract, served: string): TypeError {
  const found = `'${action}' says ${JSON.stringify(service)}`
  return new TypeError(`What is served on ${topic} is of one service, ${JSON.stringify(served)}; ${found}.`)
}
