import type { QoS } from '@jamey/protocol'
import type { Session } from './session.js'
import type { SharedGroup } from './shared-group.js'

/** What one session wants under one filter. */
export interface Subscription {
  readonly session: Session
  /** As sent, `$share/<group>/` included: the key within its session. */
  readonly filter: string
  /** Without `$share/<group>/`. */
  readonly path: string
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
  readonly subscriptionIdentifier: number | undefined
  readonly group: SharedGroup | undefined
}
