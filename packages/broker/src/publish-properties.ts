import type { PublishProperties } from '@jamey/protocol'
import type { Clock } from './clock.js'

/** What of a received PUBLISH travels on; the alias belongs to one connection. [MQTT-3.3.2-7] */
export function forwardable(properties: PublishProperties | undefined): PublishProperties | undefined {
  if (properties?.topicAlias === undefined) return properties
  const { topicAlias: _, ...others } = properties
  return others
}

/** Milliseconds since 1970 at which a message received now expires; infinity: never. */
export function expiryOf(properties: PublishProperties | undefined, clock: Clock): number {
  const seconds = properties?.messageExpiryInterval
  return seconds === undefined ? Number.POSITIVE_INFINITY : clock.now() + seconds * 1000
}
