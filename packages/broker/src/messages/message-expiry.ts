import type { PublishProperties } from '@jamey/protocol'
import type { Clock } from '../support/clock.js'

/** Moment at which a message received now expires, by the monotonic clock; infinity: never. Section 3.3.2.3.3 */
export function expiryOf(properties: PublishProperties | undefined, clock: Clock): number {
  const seconds = properties?.messageExpiryInterval
  return seconds === undefined ? Number.POSITIVE_INFINITY : clock.now() + seconds * 1000
}

/** True where a delivery that has not begun must not begin any more. [MQTT-3.3.2-5] */
export function hasExpired(expiresAtMs: number, clock: Clock): boolean {
  return expiresAtMs !== Number.POSITIVE_INFINITY && expiresAtMs <= clock.now()
}

/** Seconds that are left of the interval, so that it ends at the same moment everywhere. [MQTT-3.3.2-6] */
export function remainingExpirySeconds(expiresAtMs: number, nowMs: number): number {
  return Math.max(Math.ceil((expiresAtMs - nowMs) / 1000), 0)
}
