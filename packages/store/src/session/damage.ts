import { rangeOf } from '../lmdb/key-range.js'
import type { LmdbEnvironment } from '../lmdb/lmdb-environment.js'
import { StoreError } from '../lmdb/store-error.js'
import {
  bytesOf,
  LEDGER_KEY,
  type Ledger,
  newLedger,
  numberOf,
  readLedger,
  readPublish,
  readReason,
  SessionKey,
} from './records.js'

/** Reads a value; undefined where it cannot be read, which `onDamage` is told. */
export function readable<Value>(read: () => Value, onDamage: (error: StoreError) => void): Value | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'damaged') throw error
    onDamage(error)
    return undefined
  }
}

/** Nobody asked for anything that could reject; whoever wants to know listens to the process's warnings. */
export function warnOf(damage: Error): void {
  process.emitWarning(damage.message, { type: 'StoreWarning', code: 'STORE_DAMAGED' })
}

/** The ledger of the store; counted anew where its record is missing or cannot be read. Throws `StoreError`. */
export function ledgerOf(environment: LmdbEnvironment): Ledger {
  const record = readable(() => {
    const reader = environment.get(LEDGER_KEY)
    return reader && readLedger(reader)
  }, warnOf)
  return record ?? countedLedger(environment)
}

function countedLedger(environment: LmdbEnvironment): Ledger {
  let nextSequence = 0
  const count = (kind: (typeof SessionKey)['publish' | 'deadLetter']) => {
    const amount = { messages: 0, bytes: 0 }
    for (const { key, value } of environment.entries(rangeOf([kind]))) {
      const sequence = numberOf(key)
      amount.messages++
      nextSequence = Math.max(nextSequence, sequence + 1)
      // A message that cannot be read is told when its turn comes.
      const publish = readable(
        () => {
          const reader = environment.reader(key, value)
          if (kind === SessionKey.deadLetter) readReason(reader)
          return readPublish(sequence, reader)
        },
        () => {},
      )
      if (publish !== undefined) amount.bytes += bytesOf(publish)
    }
    return amount
  }
  return {
    ...newLedger(),
    waiting: count(SessionKey.publish),
    deadLetters: count(SessionKey.deadLetter),
    nextSequence,
  }
}
