import type { ServedContract } from '@jamey/bus'
import type { Logger } from 'pino'
import { serveApi } from '../api/api-router.js'
import type { GatewayBus } from '../api/gateway-bus.js'
import { Problem, retryAfter } from '../problems/problem.js'

/**
 * Keeps the API router served: begins when the bus is first connected, and again with the next connection where that
 * failed. Once served, the bus itself renews the subscription.
 */
export class RouterSupervisor {
  /**
   * Resolves once the router is served. Rejects where that cannot come about by itself: the broker refuses it, the
   * bus gave up connecting, or the router is stopped.
   */
  readonly ready: Promise<void>
  readonly #bus: GatewayBus
  readonly #log: Logger
  #resolveReady: () => void = () => {}
  #rejectReady: (reason: Error) => void = () => {}
  #served: Promise<ServedContract> | undefined
  #stopWatching: (() => void) | undefined
  #isServed = false
  #isStopped = false

  constructor(bus: GatewayBus, log: Logger) {
    this.#bus = bus
    this.#log = log
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve
      this.#rejectReady = reject
    })
    // Nobody has to wait for it, and then its rejection is no fault.
    this.ready.catch(() => {})
  }

  /** Resolves when served, or at once where the bus is not connected; throws what the bus throws. */
  async start(): Promise<void> {
    this.#stopWatching = this.#bus.onState(({ state, cause }) => {
      if (state === 'connected') this.#serve().catch((error: unknown) => this.#handleRefusal(error))
      else if (state === 'error') this.#rejectReady(cause ?? new Error('the bus gave up connecting'))
    })
    if (this.#bus.state === 'connected') await this.#serve()
  }

  /** The reason why this router takes no calls; undefined when it does. */
  unreadiness(): Problem | undefined {
    // The bus may have found a fault itself: that nobody hears the calls, say.
    const [fault] = this.#bus.faults
    if (fault !== undefined) {
      return new Problem('unavailable', `The gateway cannot work: ${fault.message}.`, {
        headers: retryAfter(1_000),
      })
    }
    if (this.#isServed) return undefined
    return new Problem('unavailable', 'The gateway does not route calls yet.', { headers: retryAfter(1_000) })
  }

  /** Resolves when the calls that were taken are answered. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#stopWatching?.()
    this.#rejectReady(new Error('the gateway was stopped before its router was served'))
    const served = await this.#served?.catch(() => undefined)
    await served?.stop()
  }

  async #serve(): Promise<void> {
    if (this.#isStopped || this.#served !== undefined) return
    const attempt = serveApi(this.#bus)
    this.#served = attempt
    try {
      await attempt
      this.#isServed = true
      this.#resolveReady()
    } catch (error) {
      this.#served = undefined
      throw error
    }
  }

  #handleRefusal(error: unknown): void {
    this.#log.error(
      { event: 'gateway.router.refused', err: error },
      'the API router cannot be served; the next connection tries again',
    )
    if (error instanceof Error && 'retryable' in error && error.retryable === false) this.#rejectReady(error)
  }
}
