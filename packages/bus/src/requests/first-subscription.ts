import { type StateChange, SubscriptionError } from '@jamey/mqtt'
import type { BusLog } from '../model/config.js'
import type { Clock } from '../support/clock.js'
import { AbortedError } from '../support/errors.js'
import type { Health } from '../support/health.js'
import type { MqttPort } from '../wire/mqtt-port.js'

const FIRST_RETRY_MS = 1000
const MAXIMUM_RETRY_MS = 60_000

export interface FirstSubscriptionParts {
  readonly port: MqttPort
  readonly clock: Clock
  readonly log: BusLog
  readonly health: Health
}

/**
 * The way to a first subscription of a service. A server that refuses it may only have been unable to ask whoever
 * decides; nobody can tell. So a service that wants to wait asks again, ever more seldom, and says so each time.
 */
export class FirstSubscription<Granted> {
  /** Resolves once granted; rejects where nothing is tried any more. */
  readonly granted: Promise<Granted>
  readonly #parts: FirstSubscriptionParts
  readonly #name: string
  #giveUp: (error: Error) => void = () => {}
  #stopWatching: () => void = () => {}
  #timer: unknown

  /** `ask` asks the server once; `isPatient` tells whether a refusal is asked again after. */
  constructor(parts: FirstSubscriptionParts, name: string, isPatient: boolean, ask: () => Promise<Granted>) {
    this.#parts = parts
    this.#name = name
    const { port } = parts
    const over = new Promise<never>((_, reject) => {
      this.#giveUp = reject
      // A connection that is given up brings no answer.
      const look = ({ state, cause }: StateChange): void => {
        if (state === 'error') reject(cause ?? new AbortedError('bus-closed', 'The connection was given up.'))
      }
      this.#stopWatching = port.onState(look)
      look(port.status)
    })
    this.granted = Promise.race([over, isPatient ? this.#persist(ask) : ask()]).finally(() => this.#settle())
    this.granted.catch(() => {})
  }

  /** The bus is being closed: whoever waits waits no longer. */
  end(): void {
    this.#giveUp(new AbortedError('bus-closed', 'The bus was closed before requests were taken.'))
  }

  #settle(): void {
    const { clock, health } = this.#parts
    this.#stopWatching()
    clock.clearTimeout(this.#timer)
    health.clear(this.#name)
  }

  async #persist(ask: () => Promise<Granted>): Promise<Granted> {
    const { clock, log, health } = this.#parts
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(MAXIMUM_RETRY_MS, 2 * retryMs)) {
      try {
        return await ask()
      } catch (error) {
        if (!(error instanceof SubscriptionError) || error.code !== 'refused') throw error
        const message = `no requests are taken, for the server does not give the subscription: ${error.message}`
        log.warn({ event: 'bus.subscription.refused', err: error, retryMs }, message)
        health.set(this.#name, { kind: 'refused', message })
      }
      await new Promise<void>((resolve) => {
        this.#timer = clock.setTimeout(resolve, retryMs)
      })
    }
  }
}
