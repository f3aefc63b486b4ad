import { openRecordStore } from '../index.js'
import { RECORDS } from './record-process.js'
import { report } from './report.js'

/** This module, for `Child`. */
export const ALTERNATING_PROCESS = 'alternating-process.ts'

/** Commits each number to the one store, and then to the other, without end; prints it when both have it. */
export async function run(first: string, second: string): Promise<void> {
  const stores = [
    await openRecordStore({ path: first, ...RECORDS }),
    await openRecordStore({ path: second, ...RECORDS }),
  ]
  for (let step = 0; ; step++) {
    for (const store of stores) {
      await store.commit([{ key: String(step).padStart(6, '0'), value: Buffer.from(String(step)) }])
    }
    report(step)
  }
}
