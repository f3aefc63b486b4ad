import { openOutbox } from '../index.js'
import { report } from './report.js'

/** This module, for `Child`. */
export const LOOKING_PROCESS = 'looking-process.ts'

/** Looks into the store without end, as somebody who watches it closely, and prints how many messages wait. */
export async function run(path: string): Promise<void> {
  const outbox = await openOutbox({ path })
  for (;;) {
    const { waiting } = await outbox.counts()
    const { messages } = await outbox.list({ kind: 'waiting' })
    report(`${waiting.messages} ${messages.length}`)
  }
}
