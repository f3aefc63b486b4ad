import type { Packet } from '@jamey/protocol'
import type { Connection } from './connection.js'
import type { Log } from './log.js'
import type { Persistence } from './persistence.js'

export type AcknowledgementType = 'puback' | 'pubrec' | 'pubrel' | 'pubcomp'

interface Held {
  connection: Connection
  /** SUBACK and UNSUBACK travel whole; the frequent ones as their parts. */
  packet: Packet | undefined
  after: (() => void) | undefined
  type: AcknowledgementType
  packetIdentifier: number
  reasonCode: number
}

/** As `Connection.acknowledge`, for SUBACK and UNSUBACK; `then` runs when the packet was written. */
export function acknowledgeWith(connection: Connection, packet: Packet, then: () => void): void {
  const { gate } = connection.core
  if (gate !== undefined) return gate.holdPacket(connection, packet, then)
  connection.write(packet)
  then()
}

/**
 * Holds acknowledgements back until what they promise is on disk. Everything of one turn of the event loop is one
 * commit; what arrives meanwhile is the next. So many clients share the price of one `fsync`.
 */
export class CommitGate {
  readonly #persistence: Persistence
  readonly #log: Log
  readonly #onHeld: () => void
  #held: Held[] = []
  #afterCommit: (() => void)[] = []
  /** What was staged is not durable, though nothing is staged since: the next commit takes it along. */
  #hasFailed = false
  #committing: Promise<void> | undefined

  /** `onHeld` has `endTurn` called soon. */
  constructor(persistence: Persistence, log: Log, onHeld: () => void) {
    this.#persistence = persistence
    this.#log = log
    this.#onHeld = onHeld
  }

  hold(
    connection: Connection,
    type: AcknowledgementType,
    packetIdentifier: number,
    reasonCode: number,
  ): void {
    if (type === 'puback') connection.answers.heldPubacks++
    this.#held.push({ connection, packet: undefined, after: undefined, type, packetIdentifier, reasonCode })
    this.#onHeld()
  }

  /** `after` runs when the packet was sent. */
  holdPacket(connection: Connection, packet: Packet, after: () => void): void {
    this.#held.push({ connection, packet, after, type: 'pubcomp', packetIdentifier: 0, reasonCode: 0 })
    this.#onHeld()
  }

  /** Calls back, once and in a later turn, when everything that is staged by now is durable. */
  afterCommit(callback: () => void): void {
    this.#afterCommit.push(callback)
    this.#onHeld()
  }

  /** Called at the end of each turn. */
  endTurn(): void {
    if (this.#committing !== undefined) return
    if (!this.#persistence.isDirty) {
      this.#release(this.#take())
      if (!this.#hasFailed) this.#callBack(this.#takeWaiting())
      return
    }
    this.#committing = this.#commit()
  }

  /** Resolves when nothing is left to commit. */
  async drain(): Promise<void> {
    this.endTurn()
    while (this.#committing !== undefined) await this.#committing
  }

  async #commit(): Promise<void> {
    const held = this.#take()
    const waiting = this.#takeWaiting()
    try {
      await this.#persistence.commit()
      this.#hasFailed = false
      this.#release(held)
    } catch (error) {
      this.#log.error({ err: error }, 'the store could not commit; connections that wait for it are ended')
      for (const { connection } of held) connection.fail(error)
      this.#hasFailed = true
      this.#afterCommit = [...waiting, ...this.#afterCommit]
    }
    this.#committing = undefined
    if (!this.#hasFailed) this.#callBack(waiting)
    if (this.#held.length > 0 || this.#persistence.isDirty) this.endTurn()
  }

  #take(): Held[] {
    const held = this.#held
    // The array goes even when it is empty: what is held from now on waits for another commit than this.
    this.#held = []
    return held
  }

  #takeWaiting(): (() => void)[] {
    const waiting = this.#afterCommit
    this.#afterCommit = []
    return waiting
  }

  #callBack(waiting: readonly (() => void)[]): void {
    for (const callback of waiting) callback()
  }

  #release(held: readonly Held[]): void {
    for (const { connection, packet, after, type, packetIdentifier, reasonCode } of held) {
      if (type === 'puback') connection.answers.heldPubacks--
      if (packet === undefined) connection.writeAcknowledgement(type, packetIdentifier, reasonCode)
      else {
        connection.write(packet)
        after?.()
      }
    }
  }
}
