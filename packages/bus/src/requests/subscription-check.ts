import { SubscriptionError } from '@jamey/mqtt'
import type { BusLog } from '../model/config.js'
import type { Clock } from '../support/clock.js'
import { NoResponderError, RemoteError, RequestTimeoutError } from '../support/errors.js'
import type { Health } from '../support/health.js'
import type { MqttPort, PortSubscription } from '../wire/mqtt-port.js'

/** Time after a connection in which the other members and the server do what has to be done first. */
const SETTLING_MS = 1000
/** Time without a request after which a service asks itself. */
const IDLE_MS = 15_000
const PING_TIMEOUT_MS = 5000
/** Time until it is looked at again whether a mended subscription works; doubled each time. */
const FIRST_RETRY_MS = 1000
const MAXIMUM_RETRY_MS = 30_000
/** Number of doublings where the server gives no answer: its store cannot write, say, and that is over any time. */
const SILENT_DOUBLINGS = 2

export interface SubscriptionCheckParts {
  readonly clientId: string
  readonly port: MqttPort
  readonly clock: Clock
  readonly log: BusLog
  readonly health: Health
  /** False where it lacks the permission to ask: only the server's word tells then. */
  readonly mayAsk: () => boolean
  /** Asks on the topic who hears it; resolves with the client identifier of who answered. */
  readonly ping: (timeoutMs: number) => Promise<string>
}

/**
 * `own`: this very subscription brought the question. `other`: another member heard it, or it could not be asked, so
 * that only the server's word tells of this one. `nobody`: the server says that nobody is subscribed. `silence`: no
 * answer.
 */
type Hearing = 'own' | 'other' | 'nobody' | 'silence'

/**
 * Looks after one subscription that requests come by. A server may say that it has a session and have lost what was
 * subscribed in it, and then nobody is told: the service waits for requests and the requesters for answers. So a
 * service that heard nothing for a while, or since it connected, asks itself through the server. What the answer can
 * not prove, for another member may have given it, the server is asked for anew.
 */
export class SubscriptionCheck {
  readonly #parts: SubscriptionCheckParts
  readonly #topic: string
  readonly #group: string
  readonly #heardAtMs: () => number
  #subscription: PortSubscription | undefined
  #stopWatching: (() => void) | undefined
  #connectedAtMs = 0
  #failures = 0
  /** The text that was logged last, until requests are heard again. */
  #said: string | undefined
  /** Counts what makes a look under way worthless: another connection, the end. */
  #round = 0
  #isEnded = false
  #timer: unknown

  /** `heardAtMs`: when the last request came, by the monotonic clock. */
  constructor(parts: SubscriptionCheckParts, topic: string, group: string, heardAtMs: () => number) {
    this.#parts = parts
    this.#topic = topic
    this.#group = group
    this.#heardAtMs = heardAtMs
  }

  begin(subscription: PortSubscription): void {
    if (this.#isEnded) return
    const { port } = this.#parts
    this.#subscription = subscription
    this.#stopWatching = port.onState(({ state }) => {
      this.#round++
      this.#schedule(undefined)
      if (state === 'connected') this.#arrive()
    })
    if (port.state === 'connected') this.#arrive()
  }

  end(): void {
    this.#isEnded = true
    this.#round++
    this.#stopWatching?.()
    this.#schedule(undefined)
    this.#parts.health.clear(this.#name)
  }

  get #name(): string {
    return `${this.#group}/${this.#topic}`
  }

  #arrive(): void {
    this.#connectedAtMs = this.#parts.clock.now()
    this.#failures = 0
    this.#schedule(SETTLING_MS)
  }

  #schedule(delayMs: number | undefined): void {
    const { clock } = this.#parts
    clock.clearTimeout(this.#timer)
    this.#timer = delayMs === undefined ? undefined : clock.setTimeout(() => void this.#look(), delayMs)
  }

  async #look(): Promise<void> {
    const heardAtMs = this.#heardAtMs()
    const quietMs = this.#parts.clock.now() - heardAtMs
    if (heardAtMs > this.#connectedAtMs && quietMs < IDLE_MS) return this.#hear(IDLE_MS - quietMs)
    const round = this.#round
    const hearing = await this.#ask()
    if (round !== this.#round) return
    if (hearing === 'own') return this.#hear(IDLE_MS)
    const refusal = await this.#renew(hearing)
    if (round !== this.#round) return
    if (hearing === 'other' && refusal === undefined) this.#hear(IDLE_MS)
    else this.#miss(hearing, refusal)
  }

  async #ask(): Promise<Hearing> {
    const { ping, mayAsk, clientId, log } = this.#parts
    if (!mayAsk()) return 'other'
    try {
      return (await ping(PING_TIMEOUT_MS)) === clientId ? 'own' : 'other'
    } catch (error) {
      if (error instanceof NoResponderError) return 'nobody'
      if (error instanceof RequestTimeoutError) return 'silence'
      // A server that does not know the question refuses it, and so has heard it.
      if (!(error instanceof RemoteError)) {
        log.debug(
          { event: 'bus.requests.unasked', err: error, topic: this.#topic },
          'could not ask whether requests are heard',
        )
      }
      return 'other'
    }
  }

  /** The reason why the server does not give the subscription; undefined where it does. */
  async #renew(hearing: Hearing): Promise<Error | undefined> {
    const isUnheard = hearing !== 'other'
    try {
      await this.#subscription?.renew({ timeoutMs: PING_TIMEOUT_MS, isUnheard })
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  #hear(nextLookMs: number): void {
    const { health, log } = this.#parts
    const was = this.#failures
    this.#failures = 0
    this.#said = undefined
    health.clear(this.#name)
    if (was > 0)
      log.info(
        { event: 'bus.requests.heard', topic: this.#topic, group: this.#group, looks: was },
        'requests are heard again',
      )
    this.#schedule(nextLookMs)
  }

  #miss(hearing: Hearing, refusal: Error | undefined): void {
    const { health } = this.#parts
    const isSilent = refusal instanceof SubscriptionError && refusal.code === 'timeout'
    const retryMs = Math.min(MAXIMUM_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++)
    if (isSilent) this.#failures = Math.min(this.#failures, SILENT_DOUBLINGS)
    // A single answer may be late because this process was busy.
    if (hearing !== 'silence' || refusal !== undefined || this.#failures > 1) {
      const message = this.#tell(retryMs, refusal)
      health.set(this.#name, { kind: refusal === undefined ? 'unheard' : 'refused', message })
    }
    this.#schedule(retryMs)
  }

  /** Logs what is the matter, where that is news, and gives it in words. */
  #tell(retryMs: number, refusal: Error | undefined): string {
    const { log } = this.#parts
    const facts = { topic: this.#topic, group: this.#group, retryMs }
    const said = this.#said
    if (refusal === undefined) {
      const message = `nobody hears the requests on ${this.#topic}; its subscription was asked for anew`
      if (message !== said) log.warn({ event: 'bus.requests.unheard', ...facts }, message)
      this.#said = message
      return message
    }
    const message = `the requests on ${this.#topic} are not heard, for the server does not give the subscription: ${refusal.message}`
    if (message !== said) log.warn({ event: 'bus.requests.refused', ...facts, err: refusal }, message)
    this.#said = message
    return message
  }
}
