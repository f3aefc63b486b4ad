import type { StoredPublish, StoredReason } from '@jamey/mqtt'
import { RecordReader } from '../lmdb/record-reader.js'
import { RecordWriter } from '../lmdb/record-writer.js'
import type { MigrationRecords, Schema } from '../lmdb/schema.js'
import {
  bytesOf,
  deadLetterValue,
  LEDGER_KEY,
  ledgerValue,
  NOTHING,
  newLedger,
  numberOf,
  readPublish,
  readReason,
  SessionKey,
  sessionKey,
} from './records.js'

export const SESSION_SCHEMA: Schema = {
  kind: 'jamey session store',
  version: 2,
  migrations: new Map([[1, fromVersion1]]),
}

/** Format 1 had no ledger, and kept the publish of a dead letter among those that wait. */
function fromVersion1({ path, range, put, remove }: MigrationRecords): void {
  const writer = new RecordWriter()
  const reasons = new Map<number, StoredReason>()
  for (const { key, value } of range([SessionKey.deadLetter])) {
    reasons.set(numberOf(key), readReason(new RecordReader(value, path, key)))
  }
  const moved: StoredPublish[] = []
  const amounts = { waiting: { ...NOTHING }, deadLetters: { ...NOTHING } }
  let nextSequence = 0
  for (const { key, value } of range([SessionKey.publish])) {
    const sequence = numberOf(key)
    const publish = readPublish(sequence, new RecordReader(value, path, key))
    const isDeadLetter = reasons.has(sequence)
    const amount = isDeadLetter ? amounts.deadLetters : amounts.waiting
    amount.messages++
    amount.bytes += bytesOf(publish)
    if (isDeadLetter) moved.push(publish)
    nextSequence = sequence + 1
  }
  for (const publish of moved) {
    const { sequence } = publish
    remove(sessionKey(writer, SessionKey.publish, sequence))
    const value = deadLetterValue(writer, publish, reasons.get(sequence) as StoredReason, Date.now())
    put(sessionKey(writer, SessionKey.deadLetter, sequence), value)
  }
  put(LEDGER_KEY, ledgerValue(writer, { ...newLedger(), nextSequence, ...amounts }))
}
