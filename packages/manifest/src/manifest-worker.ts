import { parentPort, workerData } from 'node:worker_threads'
import { ManifestError } from './reading/manifest-error.js'
import type { ManifestMessage, ManifestTask } from './reading/manifest-message.js'
import { readManifest } from './reading/read-manifest.js'

/** Clients in one message: whoever receives it has them made anew in one go, which takes a millisecond. */
const CLIENTS_AT_ONCE = 100

/** The module of the thread: reads one manifest, and tells it piece by piece. */
function run({ text, fileName }: ManifestTask): void {
  const tell = (message: ManifestMessage): void => parentPort?.postMessage(message)
  try {
    const { clients } = readManifest(text, fileName)
    let from = 0
    const tellNext = (): void => {
      tell(from < clients.length ? { clients: clients.slice(from, from + CLIENTS_AT_ONCE) } : 'end')
      from += CLIENTS_AT_ONCE
    }
    // Each is asked for: messages that lie there already are all received in one turn of the event loop.
    parentPort?.on('message', tellNext)
    tellNext()
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    tell({ code: error.code, faults: error.faults })
  }
}

run(workerData as ManifestTask)
