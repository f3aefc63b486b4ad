import { Worker } from 'node:worker_threads'
import type { Manifest, ManifestClient } from '../model/manifest.js'
import { readManifestText } from './manifest-file.js'
import { errorOf, type ManifestMessage, type ManifestTask } from './manifest-message.js'
import { readManifest } from './read-manifest.js'

/** Above this module, and the built one where the sources themselves run, as in tests. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/manifest-worker.js' : '../manifest-worker.js',
  import.meta.url,
)

/** Characters that are read within some milliseconds, less than a thread takes to start. */
const SHORT_CHARACTERS = 8192

/**
 * The same as `readManifestFile` for whoever serves others meanwhile: a large manifest, which takes a second or two, is
 * read in a thread of its own. Rejects as that throws.
 */
export async function readManifestFileAside(path: string, fileName = path): Promise<Manifest> {
  const text = readManifestText(path, fileName)
  if (text.length <= SHORT_CHARACTERS) return readManifest(text, fileName)
  return readInThread({ text, fileName })
}

function readInThread(task: ManifestTask): Promise<Manifest> {
  const clients: ManifestClient[] = []
  return new Promise((resolve, reject) => {
    // Options of the process's own command line are not the thread's.
    const worker = new Worker(WORKER, { workerData: task, name: 'jamey-manifest', execArgv: [] })
    worker.on('message', (message: ManifestMessage) => {
      if (message !== 'end' && 'clients' in message) {
        clients.push(...message.clients)
        return void setImmediate(() => worker.postMessage('next'))
      }
      if (message === 'end') resolve({ fileName: task.fileName, clients })
      else reject(errorOf(message))
      void worker.terminate()
    })
    worker.on('error', reject)
    worker.on('exit', (code) =>
      reject(new Error(`the thread that reads ${task.fileName} ended with ${code}`)),
    )
  })
}
