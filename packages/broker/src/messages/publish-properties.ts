import type { PublishProperties } from '@jamey/protocol'

/** Frozen properties that many packets share, with their copies without topic alias. */
const WITHOUT_ALIAS = new WeakMap<PublishProperties, PublishProperties>()

/**
 * What of a received PUBLISH travels on; the alias belongs to one connection. [MQTT-3.3.2-7] It is taken out of the
 * packet's own properties, which have it no more.
 */
export function forwardable(properties: PublishProperties | undefined): PublishProperties | undefined {
  if (properties?.topicAlias === undefined) return properties
  if (Object.isFrozen(properties)) return withoutAlias(properties)
  properties.topicAlias = undefined
  return properties
}

function withoutAlias(shared: PublishProperties): PublishProperties {
  let others = WITHOUT_ALIAS.get(shared)
  if (others === undefined) {
    others = Object.freeze({ ...shared, topicAlias: undefined })
    WITHOUT_ALIAS.set(shared, others)
  }
  return others
}
