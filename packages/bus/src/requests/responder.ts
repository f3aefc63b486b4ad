import type { Permissions } from '@jamey/auth'
import { answersFilter, type Data, type RequestContract } from '@jamey/contracts'
import { assertPermitted } from '../messaging/permission-check.js'
import type { ServeHandler } from '../model/bus.js'
import type { SharedSubscriptions } from '../model/config.js'
import type { ServedContract, ServeOptions } from '../model/message.js'
import { AlreadyServedError, PermissionError } from '../support/errors.js'
import { assertLevel } from '../support/topic-level.js'
import type { PortSubscription } from '../wire/mqtt-port.js'
import { AnswerCache, type AnswerCacheLimits } from './answer-cache.js'
import { FirstSubscription, type FirstSubscriptionParts } from './first-subscription.js'
import { Lease, type LeaseParts } from './lease.js'
import { RequestServer, type RequestServerParts } from './request-server.js'
import type { Served } from './served-request.js'
import { filterAt, ServiceSubscription } from './service-subscription.js'
import { ServingQueue } from './serving-queue.js'
import { SubscriptionCheck } from './subscription-check.js'

const MAXIMUM_PER_SENDER = 10_000

export interface ResponderParts
  extends RequestServerParts,
    LeaseParts,
    Pick<FirstSubscriptionParts, 'port' | 'log' | 'health'> {
  readonly permissions: Permissions
  readonly cache: AnswerCacheLimits
  readonly sharedSubscriptions: SharedSubscriptions
  /** Asks the members of a service on a topic who hears it; resolves with the client identifier of who answered. */
  readonly ping: (topic: string, service: string, timeoutMs: number) => Promise<string>
}

/** One MQTT subscription of one group, shared by the actions that are served on its topic. */
interface ServedTopic {
  readonly server: RequestServer
  readonly check: SubscriptionCheck
  readonly first: FirstSubscription<PortSubscription>
  /** The actions that are about to end. */
  readonly stopping: Set<string>
  /** Present once it is left, since all of them are. */
  left: Promise<void> | undefined
}

/** The answering side of request and response. */
export class Responder {
  readonly #parts: ResponderParts
  readonly #topics = new Map<string, ServedTopic>()
  /** Request servers that may still be at work, those of topics that were stopped included. */
  readonly #servers = new Set<RequestServer>()
  readonly #cache: AnswerCache
  /** By the group whose members agree by it. */
  readonly #leases = new Map<string, Lease>()
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
    // A service that may publish to no inbox would let every requester wait out its deadline for nothing.
    if (!permissions.mayPublishWithin(answersFilter(service))) {
      throw new PermissionError(`publish:${answersFilter(service)}`, clientId)
    }
    const key = `${group}/${contract.topic}`
    const served =
      this.#topics.get(key) ?? this.#open(key, contract, { group, whenRefused: options.whenRefused })
    const { server } = served
    if (server.service !== service) throw anotherService(contract, server.service)
    if (server.actions.has(contract.action)) {
      throw new AlreadyServedError(contract.topic, contract.action, group)
    }
    // The request server checks data against the very contract that the handler's type comes from.
    const given = handler as Served['handler']
    const queue = new ServingQueue(concurrency, maximumPerSender, options.maximumBytesPerSender)
    const permittedBy = options.permittedBy as Served['permittedBy']
    const { acknowledged = 'answered' } = options
    server.actions.set(contract.action, { contract, handler: given, queue, permittedBy, acknowledged })
    try {
      await served.first.granted
    } catch (error) {
      server.actions.delete(contract.action)
      if (this.#topics.get(key) === served) this.#topics.delete(key)
      throw error
    }
    const stop = (): Promise<void> => this.#stop(key, served, contract.action)
    return { stop, [Symbol.asyncDispose]: stop }
  }

  /** Takes no more requests and waits for those already taken. */
  async drain(): Promise<void> {
    this.#closing.abort()
    for (const { first } of this.#topics.values()) first.end()
    await Promise.allSettled(
      [...this.#topics].flatMap(([key, served]) =>
        [...served.server.actions.keys()].map((action) => this.#stop(key, served, action)),
      ),
    )
  }

  /** Aborts what is still being worked on. */
  abort(reason: unknown): void {
    for (const server of this.#servers) server.abort(reason)
  }

  #open(
    key: string,
    contract: RequestContract,
    { group, whenRefused }: { readonly group: string; readonly whenRefused: ServeOptions['whenRefused'] },
  ): ServedTopic {
    const { topic, service } = contract
    const server = new RequestServer(this.#parts, this.#cache, contract)
    const ping = (timeoutMs: number) => this.#parts.ping(topic, service, timeoutMs)
    const mayAsk = () => this.#parts.publisher.mayPublish(topic)
    const check = new SubscriptionCheck(
      { ...this.#parts, mayAsk, ping },
      topic,
      group,
      () => server.heardAtMs,
    )
    let asked: Promise<PortSubscription> | undefined
    const first = new FirstSubscription(this.#parts, key, whenRefused === 'retry', () => {
      asked = this.#subscribe(contract, group, server, ping)
      return asked
    })
    first.granted.then(
      (granted) => check.begin(granted),
      () => {
        this.#servers.delete(server)
        // The caller gave up while the server was being asked: a grant after all must not bring requests.
        asked?.then((granted) => granted.unsubscribe()).catch(() => {})
      },
    )
    const served: ServedTopic = { server, check, first, stopping: new Set(), left: undefined }
    this.#topics.set(key, served)
    this.#servers.add(server)
    return served
  }

  #subscribe(
    { topic, qos }: RequestContract,
    group: string,
    server: RequestServer,
    ping: (timeoutMs: number) => Promise<string>,
  ): Promise<PortSubscription> {
    // A request that could not be answered stays unacknowledged, so that the server sends it again.
    const options = { qos, whenHandlerFails: 'leave' } as const
    const parts = { ...this.#parts, ping, lease: this.#leaseOf(group), closing: this.#closing.signal }
    return ServiceSubscription.take(parts, {
      topic,
      group,
      options,
      member: server,
      handle: server.handle.bind(server),
    })
  }

  #leaseOf(group: string): Lease {
    const known = this.#leases.get(group)
    if (known !== undefined) return known
    const lease = new Lease(this.#parts, group)
    this.#leases.set(group, lease)
    return lease
  }

  async #stop(key: string, served: ServedTopic, action: string): Promise<void> {
    const { server, check, stopping, first } = served
    if (!server.actions.has(action)) return server.idle(action)
    stopping.add(action)
    // Actions that are stopped at once end together: with one of them left, requests for the others would be refused.
    await Promise.resolve()
    if (stopping.size === server.actions.size && this.#topics.get(key) === served) {
      // Unsubscribed before the handlers are taken away, so that no request meets a request server without them.
      this.#topics.delete(key)
      check.end()
      served.left = first.granted.then((subscription) => subscription.unsubscribe())
    }
    await served.left
    server.actions.delete(action)
    stopping.delete(action)
    await server.idle(action)
    if (server.actions.size === 0) this.#servers.delete(server)
  }
}

/** Requests and answers of one subscription have one address. */
function anotherService({ topic, action, service }: RequestContract, served: string): TypeError {
  const found = `'${action}' says ${JSON.stringify(service)}`
  return new TypeError(`What is served on ${topic} is of one service, ${JSON.stringify(served)}; ${found}.`)
}
