import type { PublishError } from '../model/errors.js'
import type { Settings } from '../model/settings.js'
import type { Counters } from '../model/stats.js'
import type { Publication } from './publication.js'
import { expired } from './publish-errors.js'

/** Keeps messages from being sent that waited longer than they may. */
export class Expiry {
  readonly #settings: Settings
  readonly #counters: Counters

  constructor(settings: Settings, counters: Counters) {
    this.#settings = settings
    this.#counters = counters
  }

  /** To be called when the message is published. Reading the clock is saved where its age does not matter. */
  begin(publication: Publication): void {
    const hasInterval = publication.properties?.messageExpiryInterval !== undefined
    const hasBound = this.#settings.queue.maximumAgeMs !== Number.POSITIVE_INFINITY
    if (hasInterval || hasBound) publication.queuedAt = this.#settings.clock.now()
  }

  /**
   * What has waited longer than it may is not sent, unless it may have been [MQTT-4.3.3-7]; what goes on has that much
   * less time left. [MQTT-3.3.2-6]
   */
  refusalOf(publication: Publication): PublishError | undefined {
    const { queuedAt, properties } = publication
    const interval = properties?.messageExpiryInterval
    if (queuedAt === undefined) return undefined
    const waitedMs = this.#settings.clock.now() - queuedAt
    const allowedMs = Math.min(
      this.#settings.queue.maximumAgeMs,
      (interval ?? Number.POSITIVE_INFINITY) * 1000,
    )
    if (waitedMs >= allowedMs && waitedMs > 0 && !publication.isInDoubt) {
      this.#counters.messagesExpired++
      return expired(publication.topic, waitedMs)
    }
    if (interval !== undefined && waitedMs >= 1000) {
      const messageExpiryInterval = Math.max(1, interval - Math.floor(waitedMs / 1000))
      publication.properties = { ...properties, messageExpiryInterval }
    }
    return undefined
  }
}
