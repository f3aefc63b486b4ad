import { PublishError, type PublishErrorCode } from './errors.js'
import type { Journal } from './journal.js'
import type { SessionStore, StoredReason } from './session-store.js'

/** The store's identifier, and the number of the message. */
const RECEIPT = /^([0-9a-f]+)\.(\d{1,16})$/

/** The number of the message. Throws `PublishError` where the store never gave such a receipt. */
export function readReceipt(receipt: string, identifier: string, journal: Journal): number {
  const found = RECEIPT.exec(receipt)
  const sequence = Number(found?.[2])
  if (found?.[1] === identifier && journal.hasUsed(sequence)) return sequence
  throw new PublishError(
    'invalid-argument',
    `receipt ${JSON.stringify(String(receipt).slice(0, 60))}: expected one that this store gave ` +
      `(${identifier}.<number>)`,
  )
}

/**
 * True where the message was acknowledged, false where that is still to come; rejects where it will not be. Whoever
 * asks is told of what changes from now on.
 */
export async function hasEnded(
  receipt: string,
  sequence: number,
  store: SessionStore,
  journal: Journal,
  isWaiting: (sequence: number) => boolean,
): Promise<boolean> {
  // The store must know all that changed before.
  await journal.settled()
  if (!store.commits && isWaiting(sequence)) return false
  const outcome = await store.find(sequence)
  if (outcome === undefined) return true
  if (outcome.state === 'waiting') return false
  throw failureOf(receipt, outcome.reason)
}

function failureOf(receipt: string, { code, message, reasonCode }: StoredReason): PublishError {
  return new PublishError(code as PublishErrorCode, `receipt ${receipt}: ${message}`, { reasonCode })
}
