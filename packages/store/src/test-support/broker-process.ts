import { openBrokerStore } from '../index.js'
import { changeBroker } from './broker-model.js'
import { report } from './report.js'

/** This module, for `Child`. */
export const BROKER_PROCESS = 'broker-process.ts'

/** Lives a broker's state from turn `from` on without end, and prints the number of each turn that is committed. */
export async function run(path: string, seed: string, from: string): Promise<void> {
  const store = await openBrokerStore({ path })
  await store.load()
  for (let step = Number(from); ; step++) {
    changeBroker(Number(seed), step, store)
    await store.commit()
    report(step)
  }
}
