/** The thread that asks an endpoint for vectors: those of questions at once, those of memories one batch after another. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { claim } from './file/claim.js'
import { Database } from './file/database.js'
import { Answers } from './thread/answers.js'
import { type Call, OPENING, recordOf } from './thread/thread-message.js'
import { EmbeddingEndpoint } from './vectors/embedding-endpoint.js'
import { QueryEmbedder } from './vectors/query-embedder.js'
import { VectorFiller } from './vectors/vector-filler.js'
import { VectorTable } from './vectors/vector-table.js'
import type { VectorThreadOptions } from './vectors/vector-thread.js'

const port = parentPort as MessagePort
const options = workerData as VectorThreadOptions
/** Ends the present wait of the filler. */
let wake = (): void => {}
const answers = new Answers(port)

function open() {
  const { file, busyTimeoutMs, embeddings } = options
  const database = new Database({ file, busyTimeoutMs })
  if (options.claim !== undefined) claim(database, { ...options.claim, isNew: false }, undefined)
  const table = new VectorTable(database, embeddings.model)
  const endpoint = new EmbeddingEndpoint(embeddings)
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const filler = new VectorFiller({ table, endpoint, batch: embeddings.batch, wait })
  const { model, queryMs } = embeddings
  const embedder = new QueryEmbedder({
    endpoint,
    model,
    queryMs,
    dimension: () => table.dimension,
    now: () => performance.now(),
  })
  return { database, table, filler, embedder }
}

try {
  const { database, table, filler, embedder } = open()
  const filled = filler.run()
  // What keeps it from writing ends the thread; the next call starts another one.
  filled.catch((error: unknown) => {
    throw error
  })
  const close = async (): Promise<void> => {
    filler.end()
    wake()
    await filled
    database.close()
  }
  const statsOf = (areAll: boolean): Record<string, unknown> => {
    const { fault, refused } = filler
    const { dimension } = table
    return {
      model: options.embeddings.model,
      ...(dimension === undefined ? {} : { dimension }),
      ...(areAll ? { ...table.counts(), refused } : {}),
      ...(fault === undefined ? {} : { fault: fault.message }),
    }
  }
  const calls: Readonly<Record<string, (given: unknown) => unknown>> = {
    embed: (text) => embedder.embed(text as string),
    vectorStats: (areAll) => statsOf(areAll as boolean),
    close,
  }
  const perform = async ({ id, name, arguments: [given] }: Call): Promise<void> => {
    try {
      answers.tell({ id, value: await calls[name]?.(given) })
    } catch (error) {
      answers.tell({ id, error: recordOf(error) })
    }
    if (name === 'close') answers.end()
  }
  port.on('message', (given: readonly Call[]) => {
    for (const call of given) void perform(call)
  })
  answers.tellNow({ id: OPENING, value: undefined })
} catch (error) {
  answers.tellNow({ id: OPENING, error: recordOf(error) })
}
