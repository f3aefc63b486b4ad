import type { MemoryBatchStored, MemoryImported, MemoryStored } from '@jamey/contracts'
import { rowsFromArchive } from '../model/archived-memory.js'
import {
  type MemoryLimits,
  mustBeIn,
  type Origin,
  type RecordContext,
  recordFrom,
  storable,
} from '../model/memory-record.js'
import type { MemoryBatchItem } from '../model/memory-storage.js'
import { batchError, idOf, outcomeOf, type Refusal } from './outcomes.js'
import type { RecordWriter, Restored } from './record-writer.js'

type OrRefused<T> = T | { readonly error: Refusal }

/** The records of a batch, each under the id of the batch and its place. */
export function recordsOf(inputs: readonly MemoryBatchItem[], origin: Origin, context: RecordContext) {
  return inputs.map(({ owner = origin.owner, groups = origin.groups, ...input }, i) => {
    const one = { ...origin, owner, groups, id: `${origin.id}/${i}` }
    return outcomeOf(() => ({ record: recordFrom(input, one, context), duplicates: input.duplicates }))
  })
}

/** Stores them, each for itself. */
export function storeRecords(
  writer: RecordWriter,
  records: ReturnType<typeof recordsOf>,
): OrRefused<MemoryStored>[] {
  return records.map((one) =>
    'error' in one ? one : outcomeOf(() => writer.store(one.record, one.duplicates)),
  )
}

export function batchStored(results: readonly OrRefused<MemoryStored>[]): MemoryBatchStored {
  return { results: results.map((one) => ('error' in one ? { error: batchError(one.error) } : one)) }
}

/** The rows of an archive, which are the importer's from then on, as if it had stored them then. */
export function importedRowsOf(memories: readonly unknown[], origin: Origin, limits: MemoryLimits) {
  const owner = storable(origin.owner ?? origin.source)
  const imported = {
    owner,
    source: storable(origin.source),
    stored_by: storable(origin.storedBy ?? origin.source),
  }
  return memories.map((archived) =>
    outcomeOf(() => {
      const { row, history, ...leading } = rowsFromArchive(archived, limits)
      mustBeIn(row.scope, origin.groups)
      const own = history.map((one) => ({ ...one, ...imported }))
      return { ...leading, row: { ...row, ...imported }, history: own }
    }),
  )
}

export function takeRows(
  writer: RecordWriter,
  rows: ReturnType<typeof importedRowsOf>,
  nowMs: number,
): OrRefused<{ outcome: Restored }>[] {
  return rows.map((one) =>
    'error' in one ? one : outcomeOf(() => ({ outcome: writer.take(one, nowMs, one.row.owner) })),
  )
}

export function batchImported(
  memories: readonly unknown[],
  outcomes: readonly OrRefused<{ outcome: Restored }>[],
): MemoryImported {
  const results = outcomes.map((one, i) => {
    const id = idOf(memories[i])
    return 'error' in one ? { id, error: batchError(one.error) } : { id, ...one }
  })
  return { results }
}
