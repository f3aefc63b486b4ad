import type { Packet } from '@jamey/protocol'
import type { Connection } from './connection.js'
import type { Core } from './core.js'
import type { Persistence } from './persistence.js'
import { StoreHealth } from './store-health.js'

export type AcknowledgementType = 'puback' | 'pubrec' | 'pubrel' | 'pubcomp'

/** SUBSCRIBE and UNSUBSCRIBE of a connection that wait while the store fails. */
const MOST_ASKED = 100

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
  readonly health: StoreHealth
  readonly #persistence: Persistence
  readonly #onHeld: () => void
  #held: Held[] = []
  #afterCommit: (() => void)[] = []
  #committing: Promise<void> | undefined

  constructor(core: Core) {
    const { persistence, turn } = core
    this.#persistence = persistence
    this.#onHeld = () => turn.request()
    this.health = new StoreHealth(core, () => this.#begin())
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

  /** Called at the end of each turn. While the store fails, everything waits for its next try. */
  endTurn(): void {
    if (this.#committing !== undefined || this.health.isFailing) return
    if (this.#persistence.isDirty) return this.#begin()
    this.#release(this.#take())
    this.#callBack(this.#takeWaiting())
  }

  /** Resolves when nothing is left to commit, or what is left can not be. */
  async drain(): Promise<void> {
    this.endTurn()
    if (this.#committing === undefined && this.health.isFailing) this.#begin()
    while (this.#committing !== undefined) await this.#committing
  }

  #begin(): void {
    this.#committing ??= this.#commit()
  }

  async #commit(): Promise<void> {
    const held = this.#take()
    const waiting = this.#takeWaiting()
    try {
      await this.#persistence.commit()
      this.health.onCommitted()
      this.#release(held)
    } catch (error) {
      // What was staged still is: the next commit takes it along, and whoever waits waits for that.
      this.#held = [...held, ...this.#held]
      this.#afterCommit = [...waiting, ...this.#afterCommit]
      this.health.onFailed(error)
    }
    this.#committing = undefined
    if (this.health.isFailing) return this.#refuse()
    this.#callBack(waiting)
    if (this.#held.length > 0 || this.#persistence.isDirty) this.endTurn()
  }

  /**
   * Sends those away who have published and waited long enough. Their sessions stay, and what they sent, which may come
   * again. Who only subscribed would come back to do so again, ever more seldom: those wait, some packets of each.
   */
  #refuse(): void {
    const { refusal } = this.health
    if (refusal === undefined) return
    const { disconnectCode, reasonString } = refusal
    const held = this.#take()
    const asked = new Map<Connection, number>()
    for (const { connection, packet } of held) {
      const packets = (asked.get(connection) ?? 0) + 1
      asked.set(connection, packets)
      if (packet === undefined || packets > MOST_ASKED) connection.end(disconnectCode, reasonString)
    }
    this.#held = held.filter(({ connection }) => connection.state === 'open')
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
