import type { Publish } from '@jamey/protocol'
import type { Message } from '../model/message.js'
import { digestOf } from '../support/bytes.js'

/** What a session store knows a received QoS 2 message by, until its exchange is over: see `SessionStore.receive`. */
export interface Exchange {
  readonly packetIdentifier: number
  readonly digest: number
}

/** Of a message that a client handed to a handler; undefined where its QoS is not 2. */
export function exchangeOf(message: Message): Exchange | undefined {
  if (message.qos !== 2) return undefined
  // Handlers get the packet itself.
  const { packetIdentifier } = message as Message & Pick<Publish, 'packetIdentifier'>
  return { packetIdentifier, digest: digestOf(message.topic, message.payload) }
}
