import { openRecordStore } from '../index.js'
import { report } from './report.js'

/** This module, for `Child`. */
export const RECORD_PROCESS = 'record-process.ts'

/** What is in such a store. */
export const RECORDS = { kind: 'jamey test records', version: 1 }

/** Commits numbered records without end, and prints the number of each that is committed. */
export async function run(path: string): Promise<void> {
  const store = await openRecordStore({ path, ...RECORDS })
  for (let step = 0; ; step++) {
    await store.commit([{ key: String(step).padStart(6, '0'), value: Buffer.from(String(step)) }])
    report(step)
  }
}
