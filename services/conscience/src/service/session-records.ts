import type { DurableRecords } from '../approvals/durable-map.js'
import type { SessionRecord, StoredRecord } from '../session/session-table.js'

/** Records that last as long as the process, where no folder is given. */
export class MemoryRecords implements DurableRecords {
  readonly #records = new Map<string, Uint8Array>()

  records(): Iterable<{ key: string; value: Uint8Array }> {
    const sorted = [...this.#records].sort(([a], [b]) => (a < b ? -1 : 1))
    return sorted.map(([key, value]) => ({ key, value }))
  }

  commit(
    changes: readonly { readonly key: string; readonly value: Uint8Array | undefined }[],
  ): Promise<void> {
    for (const { key, value } of changes) {
      if (value === undefined) this.#records.delete(key)
      else this.#records.set(key, value)
    }
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** So much is read in one turn of the event loop, all of the last session beyond it. */
const CHUNK_CHARACTERS = 500_000

/** Everything that was written, all records of a session in one part. */
export async function* readInParts(records: DurableRecords): AsyncIterable<readonly StoredRecord[]> {
  // Changes that were asked for before are among them.
  await records.commit([])
  let part: StoredRecord[] = []
  let characters = 0
  let session = ''
  for (const found of records.records()) {
    const name = found.key.split('/', 1)[0] ?? ''
    if (name !== session && characters >= CHUNK_CHARACTERS) {
      yield part
      part = []
      characters = 0
      await new Promise(setImmediate)
    }
    session = name
    const value = 'value' in found ? Buffer.from(found.value).toString('utf8') : undefined
    characters += value?.length ?? 0
    part.push({ key: found.key, value })
  }
  yield part
}

export function written(records: readonly SessionRecord[]): { key: string; value: Uint8Array | undefined }[] {
  return records.map(({ key, value }) => ({
    key,
    value: value === undefined ? undefined : Buffer.from(value),
  }))
}
