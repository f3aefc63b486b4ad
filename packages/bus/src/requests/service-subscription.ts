import type { Permissions } from '@jamey/auth'
import { type Message as MqttMessage, type SubscribeOptions, SubscriptionError } from '@jamey/mqtt'
import { ReasonCode } from '@jamey/protocol'
import { assertPermitted } from '../messaging/permission-check.js'
import type { BusLog, SharedSubscriptions } from '../model/config.js'
import { AbortedError, RemoteError, RequestTimeoutError } from '../support/errors.js'
import type { Health } from '../support/health.js'
import type { MqttPort, PortSubscription } from '../wire/mqtt-port.js'
import type { Lease, LeaseMember, Turn } from './lease.js'

export interface ServiceSubscriptionParts {
  readonly clientId: string
  readonly permissions: Permissions
  readonly port: MqttPort
  readonly log: BusLog
  readonly health: Health
  readonly sharedSubscriptions: SharedSubscriptions
  /** By which members agree who serves where each gets every request. */
  readonly lease: Lease
  /** Asks on the topic who hears it; resolves with the client identifier of who answered. */
  readonly ping: (timeoutMs: number) => Promise<string>
  /** Aborted when nobody is to be served any more. */
  readonly closing: AbortSignal
}

export interface Wanted {
  readonly topic: string
  readonly group: string
  readonly options: SubscribeOptions
  /** What carries the requests out. */
  readonly member: LeaseMember
  /** `turn`: where every member of the group gets the message. */
  readonly handle: (message: MqttMessage, turn?: Turn) => Promise<void> | undefined
}

type Form = 'shared' | 'alone'

/** Far more than a question to oneself takes; a server that takes `$share/...` for a plain topic never brings it. */
const PROBE_MS = 2000

/**
 * One service's place at the requests of a topic: within its group where the server shares, alone where it does not.
 * That is known only of a server that is connected, and of one of MQTT 3.1.1 not even then: some share, some refuse
 * (NATS), and some take `$share/...` for a topic of that name (RabbitMQ). So there a question to the topic tells.
 */
export class ServiceSubscription implements PortSubscription {
  readonly #parts: ServiceSubscriptionParts
  readonly #wanted: Wanted
  #form: Form = 'shared'
  #subscription: PortSubscription | undefined

  private constructor(parts: ServiceSubscriptionParts, wanted: Wanted) {
    this.#parts = parts
    this.#wanted = wanted
  }

  /** Waits for a connection. Rejects with `SubscriptionError`, and with `AbortedError` where the bus is closed before. */
  static async take(parts: ServiceSubscriptionParts, wanted: Wanted): Promise<ServiceSubscription> {
    await connected(parts)
    const place = new ServiceSubscription(parts, wanted)
    const form = place.#known
    if (form === undefined) await place.#findOut()
    else await place.#sit(form)
    return place
  }

  async unsubscribe(): Promise<void> {
    this.#parts.health.remark(this.#name, undefined)
    await this.#subscription?.unsubscribe()
    await this.#parts.lease.leave(this.#name)
  }

  /** `isUnheard`: nothing that was sent to the topic came. */
  async renew(options: { timeoutMs: number; isUnheard?: boolean }): Promise<void> {
    const form = this.#known ?? (options.isUnheard === true ? 'alone' : this.#form)
    if (form !== this.#form) return this.#sit(form)
    try {
      await this.#subscription?.renew(options)
    } catch (error) {
      if (this.#form === 'alone' || !isSharingRefused(error)) throw error
      await this.#sit('alone')
    }
  }

  get #name(): string {
    return `${this.#wanted.group}/${this.#wanted.topic}`
  }

  /** The form that the server, or whoever configured this, says; undefined where neither does. */
  get #known(): Form | undefined {
    const { sharedSubscriptions, port } = this.#parts
    if (sharedSubscriptions !== 'auto') return sharedSubscriptions === 'available' ? 'shared' : 'alone'
    const server = port.serverInformation
    if (server === undefined || server.protocolVersion === 4) return undefined
    return server.sharedSubscriptionAvailable ? 'shared' : 'alone'
  }

  async #findOut(): Promise<void> {
    try {
      await this.#sit('shared')
    } catch (error) {
      if (!(error instanceof SubscriptionError) || error.code !== 'refused') throw error
      return this.#sit('alone')
    }
    const { ping, log } = this.#parts
    const { topic } = this.#wanted
    try {
      await ping(PROBE_MS)
    } catch (error) {
      // A service that refuses the question has heard it.
      if (error instanceof RemoteError) return
      if (!(error instanceof RequestTimeoutError)) {
        log.debug(
          { event: 'bus.sharing.unasked', err: error, topic },
          'could not ask whether the server shares',
        )
      }
      await this.#sit('alone')
    }
  }

  /** Takes the other place before the one it has is left, so that no request is missed. */
  async #sit(form: Form): Promise<void> {
    const { port, permissions } = this.#parts
    const { topic, group, options, handle } = this.#wanted
    const former = this.#subscription
    const turn = form === 'alone' && (await this.#join()) ? this.#parts.lease : undefined
    try {
      const filter = filterAt(form, group, topic)
      assertPermitted(permissions, 'subscribe', filter)
      this.#subscription = await port.subscribe(
        filter,
        options,
        (message) => handle(message, turn) ?? undefined,
      )
    } catch (error) {
      if (form === 'alone' || !isSharingRefused(error)) throw error
      return this.#sit('alone')
    }
    this.#form = form
    this.#tell(turn !== undefined)
    await former?.unsubscribe()
    if (form === 'shared') await this.#parts.lease.leave(this.#name)
  }

  /** A topic that ends with its own client identifier is served by nobody else. */
  get #isOwn(): boolean {
    return this.#wanted.topic.endsWith(`/${this.#parts.clientId}`)
  }

  /** Whether the members agree who of them serves. */
  async #join(): Promise<boolean> {
    const { lease, log } = this.#parts
    if (this.#isOwn || !lease.isPossible) return false
    try {
      await lease.join(this.#name, this.#wanted.member)
      return true
    } catch (error) {
      await lease.leave(this.#name)
      log.warn(
        { event: 'bus.lease.unavailable', err: error, group: this.#wanted.group },
        'members cannot agree who serves',
      )
      return false
    }
  }

  #tell(isByTurns: boolean): void {
    const { health, log } = this.#parts
    const { topic, group } = this.#wanted
    if (this.#form === 'shared' || this.#isOwn) return health.remark(this.#name, undefined)
    const how = isByTurns
      ? 'one of several instances serves'
      : 'of several instances each serves every request'
    const remark = `${topic} is served without its group, for the server has no shared subscriptions: ${how}`
    log.warn({ event: 'bus.sharing.unavailable', topic, group }, remark)
    health.remark(this.#name, remark.slice(`${topic} `.length), topic)
  }
}

/**
 * What is subscribed to: requests come on the topic, and one level below it, where the topic tells who asks. The right
 * to be in a group is one of its own, and so is that to the topics themselves.
 */
export function filterAt(form: Form, group: string, topic: string): string {
  return form === 'shared' ? `$share/${group}/${topic}/#` : `${topic}/#`
}

/** Resolves once there is a connection, and with it the server's word. */
function connected({ port, closing }: ServiceSubscriptionParts): Promise<void> {
  if (port.state === 'connected') return Promise.resolve()
  return new Promise((resolve, reject) => {
    const settle = (conclude: () => void) => (): void => {
      stopWatching()
      closing.removeEventListener('abort', give)
      conclude()
    }
    const give = settle(() => reject(new AbortedError('bus-closed', 'The bus was closed before it served.')))
    const take = settle(resolve)
    const stopWatching = port.onState(({ state }) => {
      if (state === 'connected') take()
    })
    closing.addEventListener('abort', give)
    if (closing.aborted) give()
  })
}

function isSharingRefused(error: unknown): boolean {
  return (
    error instanceof SubscriptionError &&
    (error.code === 'not-supported' || error.reasonCode === ReasonCode.sharedSubscriptionsNotSupported)
  )
}
