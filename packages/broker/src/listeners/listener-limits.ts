import { BrokerError } from '../support/errors.js'
import { type Limits, resolveLimits } from '../support/limits.js'

/** Limits that a listener may have of its own: those of one connection, and how many there are. */
export const LISTENER_LIMITS = [
  'connections',
  'connectPacketBytes',
  'packetBytes',
  'controlPacketBytes',
  'receiveMaximum',
  'topicAliases',
  'outboundTopicAliases',
  'keepAliveSeconds',
] as const

/**
 * In the place of the broker's, for what comes through one listener; a reload leaves them as they are. `connections` are
 * sockets that it has at a time, in any state, within what the broker allows of all.
 */
export type ListenerLimits = { readonly [name in (typeof LISTENER_LIMITS)[number]]?: number | undefined }

/** Throws `BrokerError`; `where` names the listener. */
export function assertLimits(given: ListenerLimits, where: string): void {
  for (const name of Object.keys(given)) {
    if (LISTENER_LIMITS.some((own) => own === name)) continue
    const message = `${where} limits.${name}: the broker has it for all; a listener may have ${LISTENER_LIMITS.join(', ')}`
    throw new BrokerError('limit-invalid', message)
  }
  resolveLimits(given)
}

/** The limits for one connection of a listener with limits of its own. */
export function termsOf(limits: Readonly<Limits>, own: ListenerLimits): Readonly<Limits> {
  const terms: Limits = { ...limits }
  for (const name of LISTENER_LIMITS) {
    const value = own[name]
    if (value !== undefined && name !== 'connections') terms[name] = value
  }
  return terms
}
