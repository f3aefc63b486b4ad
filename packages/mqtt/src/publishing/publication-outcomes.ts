import { isFailure, type Puback, type Pubcomp, type Pubrec } from '@jamey/protocol'
import { type MqttError, PublishError } from '../model/errors.js'
import type { StoredSession } from '../model/session-store.js'
import type { Counters } from '../model/stats.js'
import type { DeadLetterContext } from './dead-letter-operations.js'
import { DeadLetterQueue } from './dead-letter-queue.js'
import type { Publication } from './publication.js'
import { refused } from './publish-errors.js'
import { resultOf, SUCCESS } from './publish-result.js'
import { Receipts } from './receipts.js'
import type { StoreWriter } from './store-writer.js'

/** Ends messages that wait no more: their record goes, and whoever waits is told, or whoever asks later. */
export class PublicationOutcomes {
  readonly receipts: Receipts
  readonly deadLetters: DeadLetterQueue
  readonly #counters: Counters
  readonly #storeWriter: StoreWriter
  readonly #report: (error: MqttError) => void

  constructor(context: DeadLetterContext) {
    const { counters, report, store, storeWriter } = context
    this.#report = report
    this.#counters = counters
    this.#storeWriter = storeWriter
    this.receipts = new Receipts(store, storeWriter)
    this.deadLetters = new DeadLetterQueue(context, this.receipts)
  }

  /** Loads what an earlier process left. */
  restore(session: StoredSession): void {
    this.receipts.open(session.identifier)
    this.deadLetters.restore(session.deadLetters)
  }

  /** The server answered. */
  answered(publication: Publication, packet: Puback | Pubrec | Pubcomp): void {
    const { reasonCode, properties } = packet
    if (isFailure(reasonCode)) {
      this.#counters.messagesRefused++
      return this.failed(publication, refused(publication.topic, reasonCode, properties?.reasonString))
    }
    this.#counters.messagesAcknowledged++
    this.done(publication, properties === undefined && reasonCode === 0 ? SUCCESS : resultOf(packet))
  }

  /** The server has it. */
  done(publication: Publication, result = SUCCESS): void {
    this.#storeWriter.transactions?.remove(publication)
    publication.stage = 'settled'
    publication.settle(result)
    this.receipts.settle(publication.sequence, result)
  }

  /** The caller gave up in time, or learns otherwise that it will not be delivered. */
  withdrawn(publication: Publication): void {
    this.#storeWriter.transactions?.remove(publication)
    publication.stage = 'settled'
  }

  /** It will not be delivered: whoever waits is told, and what nobody waits for becomes a dead letter or is given up. */
  failed(publication: Publication, error: Error): void {
    publication.stage = 'settled'
    if (publication.hasCaller || publication.isAbandoned || !(error instanceof PublishError)) {
      this.#storeWriter.transactions?.remove(publication)
      return publication.fail(error)
    }
    if (error.code !== 'expired' && error.code !== 'dropped') return this.deadLetters.add(publication, error)
    const { code, message, reasonCode } = error
    this.#storeWriter.transactions?.remove(publication)
    this.#storeWriter.giveUp(publication.sequence, { code, message, reasonCode })
    this.receipts.fail(publication.sequence, error)
  }

  /** Its record cannot be read. */
  damaged(sequence: number, error: PublishError): void {
    this.receipts.fail(sequence, error)
    this.#report(error)
  }

  /** The store cannot be read, so messages in it must wait longer. */
  unreadable(error: PublishError): void {
    this.#report(error)
  }
}
