import type { PublishError } from '../model/errors.js'
import type { Settings } from '../model/settings.js'
import type { Counters } from '../model/stats.js'
import type { Publication } from './publication.js'
import { expired } from './publish-errors.js'

/** Called when the message is published. Reading the clock is saved where its age does not matter. */
export function startAging(publication: Publication, { queue, clock }: Settings): void {
  const hasInterval = publication.properties?.messageExpiryInterval !== undefined
  if (hasInterval || queue.maximumAgeMs !== Number.POSITIVE_INFINITY) publication.queuedAt = clock.now()
}

/**
 * What has waited longer than it may is not sent, unless it may have been [MQTT-4.3.3-7]; what goes on has that much
 * less time left. [MQTT-3.3.2-6]
 */
export function expiryRefusal(
  publication: Publication,
  { queue, clock }: Settings,
  counters: Counters,
): PublishError | undefined {
  const { queuedAt, properties } = publication
  if (queuedAt === undefined) return undefined
  const interval = properties?.messageExpiryInterval
  const waitedMs = clock.now() - queuedAt
  const allowedMs = Math.min(queue.maximumAgeMs, (interval ?? Number.POSITIVE_INFINITY) * 1000)
  if (waitedMs >= allowedMs && waitedMs > 0 && !publication.isInDoubt) {
    counters.messagesExpired++
    return expired(publication.topic, waitedMs)
  }
  if (interval !== undefined && waitedMs >= 1000) {
    const messageExpiryInterval = Math.max(1, interval - Math.floor(waitedMs / 1000))
    publication.properties = { ...properties, messageExpiryInterval }
  }
  return undefined
}
