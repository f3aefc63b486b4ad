import type { AcknowledgementType } from './commit-gate.js'
import type { Connection } from './connection.js'
import type { QueueRoom } from './queue-room.js'

/** PUBACK or PUBREC that waits until a receiver of what it answers has room. */
export interface HeldAnswer {
  readonly of: Answers
  readonly type: AcknowledgementType
  readonly packetIdentifier: number
  readonly reasonCode: number
  isReady: boolean
  /** For the `QueueRoom` it waits for. */
  since: number
}

/** What one connection is told about what it sent, in the order in which that came. */
export class Answers {
  readonly #connection: Connection
  /** PUBACKs that wait: their publishes still count against our Receive Maximum. */
  heldPubacks = 0
  /** Nothing more is read until its queue has room. */
  pausedFor: QueueRoom | undefined
  /** In order; present while there are any. [MQTT-4.6.0-2] [MQTT-4.6.0-3] */
  #held: Set<HeldAnswer> | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** An acknowledgement that promises something; with a store it leaves after the commit. */
  acknowledge(type: AcknowledgementType, packetIdentifier: number, reasonCode: number): void {
    if (this.#held !== undefined && (type === 'puback' || type === 'pubrec')) {
      this.#hold(type, packetIdentifier, reasonCode, true)
    } else this.#give(type, packetIdentifier, reasonCode)
  }

  /** As `acknowledge`, of what waits in a queue that is crowded: when that allows it. */
  acknowledgeWhenRoomier(
    room: QueueRoom,
    type: AcknowledgementType,
    packetIdentifier: number,
    reasonCode: number,
  ): void {
    this.#connection.core.counters.acknowledgementsDelayed++
    room.hold(this.#hold(type, packetIdentifier, reasonCode, false))
    room.pause(this.#connection)
  }

  /** It need wait no longer, once those before it need not either. */
  release(answer: HeldAnswer): void {
    answer.isReady = true
    const held = this.#held
    if (held === undefined) return
    for (const first of held) {
      if (!first.isReady) return
      held.delete(first)
      if (first.type === 'puback') this.heldPubacks--
      this.#give(first.type, first.packetIdentifier, first.reasonCode)
    }
    this.#held = undefined
  }

  #hold(
    type: AcknowledgementType,
    packetIdentifier: number,
    reasonCode: number,
    isReady: boolean,
  ): HeldAnswer {
    const answer = { of: this, type, packetIdentifier, reasonCode, isReady, since: 0 }
    if (type === 'puback') this.heldPubacks++
    this.#held ??= new Set()
    this.#held.add(answer)
    return answer
  }

  #give(type: AcknowledgementType, packetIdentifier: number, reasonCode: number): void {
    const { core } = this.#connection
    if (core.gate === undefined) this.#connection.writeAcknowledgement(type, packetIdentifier, reasonCode)
    else core.gate.hold(this.#connection, type, packetIdentifier, reasonCode)
  }
}
