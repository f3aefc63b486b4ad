import type { Envelope } from './envelope.js'
import type { Message } from './message.js'

/** From whom and for whom a message is. */
export type Origin = Pick<Message<unknown>, 'sender' | 'principal'>

/** What the envelope says of itself. */
export function originOf({ metadata: { client_id: clientId } }: Envelope): Origin {
  return { sender: { clientId, isVerified: false }, principal: { clientId, permissions: undefined } }
}
