import type { Bridge } from './bridge.js'
import type { CrossingCounts } from './crossing.js'

/** One direction. */
export interface DirectionStatus extends CrossingCounts {
  readonly from: string
  readonly to: string
  /** In the outbox. */
  readonly waiting: number
  readonly waitingBytes: number
  /** On their way, without an acknowledgement yet. */
  readonly inFlight: number
  /** Refused by the other side; `jamey outbox list --dir` has them. */
  readonly deadLetters: number
  /** Expired while they waited. */
  readonly expired: number
  readonly acknowledged: number
}

export interface BridgeStatus {
  readonly ready: boolean
  /** States of the connections, by side. */
  readonly sides: Readonly<Record<string, string>>
  readonly directions: readonly DirectionStatus[]
}

export function statusOf({ sides, crossings, isReady }: Bridge): BridgeStatus {
  const direction = (from: 0 | 1): DirectionStatus => {
    const to = sides[from === 0 ? 1 : 0]
    const { queuedMessages, queuedBytes, inFlightMessages, messagesAcknowledged, messagesExpired } =
      to.client.stats()
    return {
      from: sides[from].name,
      to: to.name,
      ...crossings[from].counts,
      waiting: queuedMessages,
      waitingBytes: queuedBytes,
      inFlight: inFlightMessages,
      deadLetters: to.client.deadLetters.size,
      expired: messagesExpired,
      acknowledged: messagesAcknowledged,
    }
  }
  return {
    ready: isReady,
    sides: Object.fromEntries(sides.map(({ name, client }) => [name, client.state])),
    directions: [direction(0), direction(1)],
  }
}
