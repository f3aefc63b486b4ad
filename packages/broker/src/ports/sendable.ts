import { encodedBytes, type Publish } from '@jamey/protocol'
import type { Context } from '../support/context.js'
import { countLevels } from '../support/topic-bounds.js'
import type { PublishOffer } from './hooks.js'

/** Throws for what a receiver's connection could not encode, which would be its end instead of that of who made it. */
export function assertSendable(
  { topic, payload, qos, retain, properties }: Omit<PublishOffer, 'isWill'>,
  { limits }: Context,
): void {
  if (!(payload instanceof Uint8Array)) throw new TypeError('payload: expected a Uint8Array')
  if (topic.startsWith('$SYS/') || countLevels(topic) > limits.topicLevels) {
    throw new RangeError(`topic: ${JSON.stringify(topic)} is the broker's own or has too many levels`)
  }
  const publish: Publish = {
    type: 'publish',
    topic,
    payload,
    qos,
    retain,
    dup: false,
    packetIdentifier: qos === 0 ? 0 : 1,
    properties,
  }
  const bytes = encodedBytes(publish, 5)
  if (bytes > limits.packetBytes) throw new RangeError(`${bytes} bytes are more than limits.packetBytes`)
}
