/** The thread in which a memory file is opened: answers one call after another until it is asked to close. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { MemoryStore } from './store/memory-store.js'
import { Answers } from './thread/answers.js'
import { type Call, OPENING, recordOf, type ThreadOptions } from './thread/thread-message.js'

const port = parentPort as MessagePort
const { nowMs: startedMs, ...options } = workerData as ThreadOptions & Pick<Call, 'nowMs'>
/** The caller's time of day, as of the last call: whoever asks has one clock for everything. */
let nowMs = startedMs

const answers = new Answers(port)

/** Calls under way but for `close`, which comes after all of them. */
const running = new Set<Promise<void>>()

async function perform(store: MemoryStore, { id, name, arguments: given }: Call): Promise<void> {
  try {
    if (name === 'close') await Promise.all(running)
    const method = (store as object as Readonly<Record<string, (...values: readonly unknown[]) => unknown>>)[
      name
    ]
    answers.tell({ id, value: await method?.apply(store, [...given]) })
  } catch (error) {
    answers.tell({ id, error: recordOf(error) })
  }
  if (name === 'close') answers.end()
}

try {
  const store = MemoryStore.open({
    ...options,
    now: () => nowMs,
    onProgress: (progress) => answers.tellNow({ progress }),
    onSalvaged: (salvaged) => answers.tellNow({ salvaged }),
  })
  const take = (call: Call): void => {
    nowMs = call.nowMs
    const performed = perform(store, call)
    if (call.name === 'close') return
    running.add(performed)
    void performed.then(() => running.delete(performed))
  }
  port.on('message', (calls: readonly Call[]) => {
    for (const call of calls) take(call)
  })
  answers.tellNow({ id: OPENING, value: undefined })
} catch (error) {
  answers.tellNow({ id: OPENING, error: recordOf(error) })
}
