import { openSessionStore } from '../index.js'
import { report } from './report.js'
import { changeSession, SessionModel } from './session-model.js'

/** This module, for `Child`. */
export const SESSION_PROCESS = 'session-process.ts'

/** Lives a session from turn `from` on without end, and prints the number of each turn that is committed. */
export async function run(path: string, seed: string, from: string): Promise<void> {
  const store = await openSessionStore({ path })
  const model = new SessionModel()
  for (let step = 0; step < Number(from); step++) changeSession(Number(seed), step, model, [])
  await store.open()
  for (let step = Number(from); ; step++) {
    changeSession(Number(seed), step, model, [store])
    await store.commit()
    report(step)
  }
}
