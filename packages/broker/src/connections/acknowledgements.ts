import type { Packet } from '@jamey/protocol'
import type { Message } from '../messages/message.js'
import type { ClientLink } from '../sessions/client-link.js'
import type { PausablePublisher, PendingAcknowledgement, QueueCapacity } from '../sessions/queue-capacity.js'
import {
  type AcknowledgementTarget,
  type AcknowledgementType,
  type EarlyAcknowledgement,
  type GroupCommit,
  NO_TURN,
} from '../storage/group-commit.js'
import type { Counters } from '../support/counters.js'

/** The connection whose packets are acknowledged. */
interface AcknowledgedConnection extends PausablePublisher {
  readonly context: { readonly counters: Counters; readonly groupCommit: GroupCommit | undefined }
  readonly sender: ClientLink & AcknowledgementTarget
}

/** PUBACK or PUBREC that waits until a receiver of what it answers has room, or all have acknowledged that. */
class HeldAcknowledgement implements PendingAcknowledgement, EarlyAcknowledgement {
  readonly type: AcknowledgementType
  readonly packetIdentifier: number
  readonly reasonCode: number
  isReady: boolean
  /** The commit that it waits for; see `GroupCommit.hold`. */
  turn: number
  since = 0
  readonly #of: Acknowledgements

  constructor(
    of: Acknowledgements,
    type: AcknowledgementType,
    packetIdentifier: number,
    reasonCode: number,
    isReady: boolean,
    turn: number,
  ) {
    this.#of = of
    this.type = type
    this.packetIdentifier = packetIdentifier
    this.reasonCode = reasonCode
    this.isReady = isReady
    this.turn = turn
  }

  release(): void {
    if (this.isReady) return
    this.isReady = true
    this.#of.giveReady()
  }

  /** All who got what it answers have acknowledged that. */
  settle(): void {
    this.turn = NO_TURN
    this.release()
  }
}

/** Acknowledgements of what one connection sent, in the order in which that came. [MQTT-4.6.0-2] [MQTT-4.6.0-3] */
export class Acknowledgements {
  readonly #connection: AcknowledgedConnection
  /** Acknowledgements that wait, in order; present while there are any. */
  #held: Set<HeldAcknowledgement> | undefined

  constructor(connection: AcknowledgedConnection) {
    this.#connection = connection
  }

  /** An acknowledgement that promises something: with a store it leaves after the commit of this turn, or of the given. */
  acknowledge(
    type: AcknowledgementType,
    packetIdentifier: number,
    reasonCode: number,
    turn = this.#turn,
  ): void {
    if (this.#held !== undefined && (type === 'puback' || type === 'pubrec')) {
      this.#hold(type, packetIdentifier, reasonCode, true, turn)
    } else this.#give(type, packetIdentifier, reasonCode, turn)
  }

  /** PUBACK of a request or an answer: once all who got that have acknowledged it, or with the next commit. */
  acknowledgeEarly(
    message: Message,
    groupCommit: GroupCommit,
    packetIdentifier: number,
    reasonCode: number,
  ): void {
    const acknowledgement = this.#hold('puback', packetIdentifier, reasonCode, false)
    message.onSettled = () => acknowledgement.settle()
    groupCommit.holdEarly(acknowledgement)
  }

  /** Acknowledges a message that waits in a crowded queue once that queue allows it. */
  acknowledgeWhenRoomier(
    queue: QueueCapacity,
    type: AcknowledgementType,
    packetIdentifier: number,
    reasonCode: number,
  ): void {
    this.#connection.context.counters.acknowledgementsDelayed++
    queue.hold(this.#hold(type, packetIdentifier, reasonCode, false))
    queue.pause(this.#connection)
  }

  /** Writes SUBACK or UNSUBACK, with a store after the commit; `then` runs when the packet was written. */
  acknowledgeWith(packet: Packet, then: () => void): void {
    const { context, sender } = this.#connection
    if (context.groupCommit !== undefined) return context.groupCommit.holdPacket(sender, packet, then)
    sender.write(packet)
    then()
  }

  /** Gives the first ones that need wait no longer; the first that must wait holds back all behind it. */
  giveReady(): void {
    const held = this.#held
    if (held === undefined) return
    for (const first of held) {
      if (!first.isReady) return
      held.delete(first)
      if (first.type === 'puback') this.#connection.sender.heldPubacks--
      this.#give(first.type, first.packetIdentifier, first.reasonCode, first.turn)
    }
    this.#held = undefined
  }

  get #turn(): number {
    return this.#connection.context.groupCommit?.turn ?? NO_TURN
  }

  #hold(
    type: AcknowledgementType,
    packetIdentifier: number,
    reasonCode: number,
    isReady: boolean,
    turn = this.#turn,
  ): HeldAcknowledgement {
    const acknowledgement = new HeldAcknowledgement(this, type, packetIdentifier, reasonCode, isReady, turn)
    if (type === 'puback') this.#connection.sender.heldPubacks++
    this.#held ??= new Set()
    this.#held.add(acknowledgement)
    return acknowledgement
  }

  #give(type: AcknowledgementType, packetIdentifier: number, reasonCode: number, turn: number): void {
    const { context, sender } = this.#connection
    if (context.groupCommit === undefined) sender.writeAcknowledgement(type, packetIdentifier, reasonCode)
    else context.groupCommit.hold(sender, type, packetIdentifier, reasonCode, turn)
  }
}
