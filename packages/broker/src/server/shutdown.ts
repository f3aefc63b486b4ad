import { ReasonCode } from '@jamey/protocol'
import type { Connection } from '../connections/connection.js'
import type { SessionRegistry } from '../sessions/session-registry.js'
import type { Wills } from '../sessions/wills.js'
import type { GroupCommit } from '../storage/group-commit.js'
import type { Clock } from '../support/clock.js'
import { Deadline } from '../support/deadline.js'
import { BrokerError } from '../support/errors.js'

export interface CloseOptions {
  /**
   * Milliseconds in which clients may finish what is under way: acknowledgements in both directions, and what waits
   * for them; 1000 by default. With 0 they are told at once.
   */
  readonly graceMs?: number | undefined
  /**
   * Reason code for clients of MQTT 5.0: 0x8B by default, 0x9C or 0x9D where they are to use another server. Section
   * 4.13.
   */
  readonly reasonCode?: 0x8b | 0x9c | 0x9d | undefined
  /** The other server; makes the reason 0x9C unless it is said to be 0x9D. */
  readonly serverReference?: string | undefined
}

/** The parts that end with the broker. */
interface Ending {
  readonly clock: Clock
  readonly connections: ReadonlySet<Connection>
  readonly groupCommit: GroupCommit | undefined
  readonly sessions: SessionRegistry
  readonly wills: Wills
  /** Called when the last connection is gone. */
  whenEmpty: (() => void) | undefined
}

/** The last part of the grace is for the goodbyes. */
const GOODBYE_SHARE = 0.25
const MAXIMUM_GOODBYE_MS = 250
const REASON = 'the server is shutting down'

/** Ends every connection once nothing is under way on it, and all that are left when the time is over. */
export class Shutdown {
  readonly #core: Ending
  readonly #graceMs: number
  readonly #reasonCode: number
  readonly #serverReference: string | undefined

  /** Throws `BrokerError`. */
  constructor(core: Ending, { graceMs = 1000, reasonCode, serverReference }: CloseOptions) {
    const { serverShuttingDown, useAnotherServer, serverMoved } = ReasonCode
    const isElsewhere = reasonCode === useAnotherServer || reasonCode === serverMoved
    if (reasonCode !== undefined && reasonCode !== serverShuttingDown && !isElsewhere) {
      throw new BrokerError(
        'close-invalid',
        `close reasonCode: got ${reasonCode}; expected 0x8B, 0x9C or 0x9D`,
      )
    }
    if (serverReference !== undefined && reasonCode === serverShuttingDown) {
      throw new BrokerError('close-invalid', 'close serverReference goes with reasonCode 0x9C or 0x9D')
    }
    this.#core = core
    this.#graceMs = graceMs
    this.#serverReference = serverReference
    this.#reasonCode = reasonCode ?? (serverReference === undefined ? serverShuttingDown : useAnotherServer)
  }

  /** Resolves when no connection is left, at the latest when the grace is over. */
  async run(): Promise<void> {
    const { connections, clock, groupCommit } = this.#core
    const endsAtMs = clock.now() + this.#graceMs
    await this.#publishWills(endsAtMs)
    // Accepted messages are acknowledged before DISCONNECT.
    await groupCommit?.drain()
    if (connections.size === 0) return
    const goodbyeMs = Math.min(this.#graceMs * GOODBYE_SHARE, MAXIMUM_GOODBYE_MS)
    const drained = new Deadline(clock, () => {
      for (const connection of [...connections]) this.#end(connection)
    })
    const over = new Deadline(clock, () => {
      for (const connection of [...connections]) connection.destroy()
    })
    await new Promise<void>((resolve) => {
      this.#core.whenEmpty = resolve
      over.set(endsAtMs)
      drained.set(endsAtMs - goodbyeMs)
      for (const connection of [...connections]) {
        if (this.#graceMs === 0 || connection.state !== 'open') this.#end(connection)
        else this.look(connection)
      }
    })
    drained.clear()
    over.clear()
  }

  /**
   * Of sessions that end with this process: those who are still connected get them. The wills of stored sessions are
   * for its next life. [MQTT-3.1.2-8]
   */
  async #publishWills(untilMs: number): Promise<void> {
    const { sessions, wills, clock } = this.#core
    const ending = [...sessions.values()].filter(({ isStored, will }) => !isStored && will !== undefined)
    const judged = ending.map((session) => wills.publish(session)).filter((will) => will !== undefined)
    if (judged.length === 0) return
    await new Promise<void>((resolve) => {
      const over = new Deadline(clock, resolve)
      over.set(untilMs)
      void Promise.all(judged).then(() => {
        over.clear()
        resolve()
      })
    })
  }

  /** Ends the connection if nothing is under way on it; called again whenever its client said something. */
  look(connection: Connection): void {
    if (connection.state !== 'open' || isBusy(connection)) return
    const { groupCommit } = this.#core
    if (groupCommit === undefined) return this.#end(connection)
    void groupCommit.drain().then(() => {
      if (!isBusy(connection)) this.#end(connection)
    })
  }

  /** Refuses a connection whose CONNECT came after the shutdown began. */
  refuse(connection: Connection): void {
    this.#end(connection)
  }

  #end(connection: Connection): void {
    const isIn = connection.state === 'open'
    // CONNACK does not have 0x8B.
    const isTold = isIn || this.#reasonCode !== ReasonCode.serverShuttingDown
    const reasonCode = isTold ? this.#reasonCode : ReasonCode.serverUnavailable
    connection.end(reasonCode, REASON, 'shutdown', this.#serverReference)
  }
}

function isBusy({ session, holds, sender }: Connection): boolean {
  if (session === undefined) return false
  const { outgoing, incoming } = session
  return (
    holds > 0 || sender.heldPubacks > 0 || incoming.size > 0 || outgoing.inFlight > 0 || outgoing.queued > 0
  )
}
