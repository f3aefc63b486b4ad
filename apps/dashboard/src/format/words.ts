/** What the API names by identifiers, in words. */

/** Why messages were dropped, and why something was refused; by the names that the broker counts them under. */
const REASONS: Readonly<Record<string, string>> = {
  slow: 'QoS 0, the subscriber was too slow',
  overflow: 'the queue of the session was full',
  expired: 'the message expired',
  'too-large': 'larger than the subscriber takes',
  denied: 'the session may no longer receive it',
  connections: 'connections beyond the limits',
  descriptors: 'connections, for want of file descriptors',
  authentications: 'credentials that were not accepted',
  publishes_denied: 'publishing without permission',
  publishes_by_hook: 'messages that a check refused',
  publishes_queue_full: 'messages to full queues',
  publishes_store: 'messages that could not be stored',
  subscriptions_denied: 'subscribing without permission',
  retained: 'retained messages beyond the limits',
}

/** A reason that is not known here stands as it is, without its signs. */
export const reasonInWords = (reason: string): string =>
  (Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined) ?? reason.replaceAll(/[_-]/g, ' ')

/** What a latency is of: `commits`, or the topic and the action of a request that a component serves. */
export function latencyInWords(name: string): string {
  if (name === 'commits') return 'writing to disk'
  const [, part, action] = /^jamey\/([^/ ]+)\S* (\S+)$/.exec(name) ?? []
  if (part === undefined || action === undefined) return name
  if (part === 'api') return 'API calls over MQTT'
  return `${part}: ${action.replaceAll('_', ' ')}`
}

/** The last part of a path, of either kind of separator. */
export const fileName = (path: string): string => path.split(/[/\\]/).findLast((part) => part !== '') ?? path

/** The beginning of an envelope as we write it, up to what it carries. */
const HEAD = /^\{"message_id":".*?"payload":\{"action":"[^"]*","data":/s

/** What an envelope carries, also where its end is cut off; any other payload as it is. */
export function payloadPreview(text: string): string {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return text.replace(HEAD, '')
  }
  const { message_id, payload } = (parsed ?? {}) as {
    message_id?: unknown
    payload?: { data?: unknown } | null
  }
  return typeof message_id !== 'string' || payload?.data === undefined ? text : JSON.stringify(payload.data)
}
