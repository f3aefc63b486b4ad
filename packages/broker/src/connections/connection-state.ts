/**
 *     waiting --CONNECT--> authenticating --CONNACK 0--> open
 *        |                       |                        |
 *        +-----------------------+----------+-------------+
 *                                           v
 *                        closing (DISCONNECT is flushed) --> closed
 */
export type ConnectionState = 'waiting' | 'authenticating' | 'open' | 'closing' | 'closed'

export const TRANSITIONS: Record<ConnectionState, readonly ConnectionState[]> = {
  waiting: ['authenticating', 'closing', 'closed'],
  authenticating: ['open', 'closing', 'closed'],
  open: ['closing', 'closed'],
  closing: ['closed'],
  closed: [],
}
