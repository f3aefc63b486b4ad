import type { StoredAmount } from '@jamey/mqtt'
import { DROPPED_BY_HAND, publishedAnew, receiptOf } from '@jamey/mqtt/internals'
import type { LmdbSessionStore } from '../session/lmdb-session-store.js'
import { bytesOf } from '../session/records.js'
import type { DropOutcome, OutboxChanges, OutboxKind, OutboxMessage } from './outbox.js'
import { pageOf, recordOf } from './page.js'

/** The changes of whoever owns the store for the moment. */
export class OwnedOutbox implements OutboxChanges {
  readonly #store: LmdbSessionStore

  constructor(store: LmdbSessionStore) {
    this.#store = store
  }

  async retry(sequence: number): Promise<number | undefined> {
    const found = await recordOf(this.#store, sequence)
    if (!isDeadLetter(found)) return undefined
    const { identifier, nextSequence } = await this.#store.open()
    const { topic, payload, qos, retain, properties } = found
    // First in again, then out, in one transaction.
    this.#store.append({ sequence: nextSequence, topic, payload, qos, retain, properties })
    this.#store.removeDeadLetter(sequence, bytesOf(found))
    this.#store.giveUp(sequence, publishedAnew(found.reason, receiptOf(identifier, nextSequence)))
    await this.#store.commit()
    return nextSequence
  }

  async drop(sequence: number): Promise<DropOutcome> {
    const found = await recordOf(this.#store, sequence)
    if (found === undefined) return 'absent'
    if ('isReleased' in found && found.isReleased) return 'received'
    const bytes = 'error' in found ? await this.#unreadableBytes(found.kind) : bytesOf(found)
    if (found.kind === 'waiting') this.#store.remove(sequence, bytes)
    else this.#store.removeDeadLetter(sequence, bytes)
    this.#store.giveUp(sequence, DROPPED_BY_HAND)
    await this.#store.commit()
    return 'dropped'
  }

  /**
   * Bytes that the ledger counts and no record accounts for: the first damaged record that is dropped takes all of
   * them.
   */
  async #unreadableBytes(kind: OutboxKind): Promise<number> {
    const { waiting, deadLetters } = await this.#store.open()
    const counted: StoredAmount = kind === 'waiting' ? waiting : deadLetters
    let readableBytes = 0
    let after: number | undefined = -1
    while (after !== undefined) {
      const page = await pageOf(this.#store, { kind, after, maximumMessages: 1000 })
      for (const message of page.messages) readableBytes += bytesOf(message)
      after = page.next
    }
    return Math.max(0, counted.bytes - readableBytes)
  }
}

function isDeadLetter(
  found: Awaited<ReturnType<typeof recordOf>>,
): found is OutboxMessage & { reason: NonNullable<OutboxMessage['reason']> } {
  return found !== undefined && 'reason' in found && found.reason !== undefined
}
