import { ReasonCode } from '@jamey/protocol'
import type { Context } from '../support/context.js'

/** Over the limit, connections are ended until this much of it is left, so that it is not reached with every byte. */
const RELIEF = 7 / 8

/** A connection, as far as it holds bytes. */
interface Holder {
  readonly remoteAddress: string
  readonly session: { readonly clientId: string } | undefined
  /** Bytes that the connection holds, as `reckon` found them last. */
  readonly heldBytes: number
  reckon(): number
  end(reasonCode: number, reasonString: string): void
  destroy(): void
}

interface HoldersContext extends Context {
  readonly connections: Iterable<Holder>
}

/**
 * What all connections together hold: what came of packets that are not whole, and what was written and the system has
 * not taken. Over `limits.heldBytes` those that hold most are ended, one after the other, and at once: in one turn of
 * the event loop two mebibytes of every connection may come.
 */
export class HeldBytes {
  readonly #context: HoldersContext
  #total = 0
  #isRelieving = false

  constructor(context: HoldersContext) {
    this.#context = context
  }

  get total(): number {
    return this.#total
  }

  /** A connection holds so many bytes more, or less. */
  change(byBytes: number): void {
    this.#total += byBytes
    if (this.#total <= this.#context.limits.heldBytes || this.#isRelieving) return
    this.#isRelieving = true
    this.#relieve()
    this.#isRelieving = false
  }

  #relieve(): void {
    const { connections, counters, limits, shortageLog } = this.#context
    // A socket tells only when all is taken, so each is asked what it holds by now.
    for (const connection of connections) connection.reckon()
    if (this.#total <= limits.heldBytes) return
    const largest = [...connections].sort((a, b) => b.heldBytes - a.heldBytes)
    for (const connection of largest) {
      const { total: bytes } = this
      if (bytes <= limits.heldBytes * RELIEF) return
      counters.endedForBytes++
      const about = { clientId: connection.session?.clientId, remoteAddress: connection.remoteAddress }
      const fields = { ...about, bytes: connection.heldBytes, ofAll: bytes, limit: limits.heldBytes }
      shortageLog.error(
        { event: 'broker.bytes.exceeded', ...fields },
        'all connections together hold too many bytes; those that hold most are ended',
      )
      drop(connection)
    }
  }
}

function drop(connection: Holder): void {
  connection.end(
    ReasonCode.quotaExceeded,
    'the server holds too many bytes, and most of them for this connection',
  )
  // A peer that reads nothing would leave its bytes here until the time for DISCONNECT is over.
  if (connection.reckon() > 0) connection.destroy()
}
