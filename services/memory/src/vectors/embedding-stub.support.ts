import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json as jsonOf } from 'node:stream/consumers'

export interface EmbeddingRequest {
  readonly path: string
  readonly token: string | undefined
  readonly model: string
  readonly input: readonly string[]
}

/** An endpoint of embeddings on this machine, with vectors that follow from the words of a text. */
export interface EmbeddingStub {
  readonly url: string
  readonly requests: EmbeddingRequest[]
  /** In the place of an answer. */
  answer: ((request: EmbeddingRequest, response: ServerResponse) => void) | undefined
  dimension: number
  /** Number of texts that it takes at once; more are refused with 413. */
  maximumBatch: number
  /** Resolves as soon as the condition holds, looked at after each request. */
  until(condition: () => boolean): Promise<void>
  close(): Promise<void>
}

/** What is the same for this stub, and would be near each other for a model. */
const MEANINGS: readonly (readonly string[])[] = [
  ['car', 'automobile', 'vehicle'],
  ['doctor', 'physician', 'medic'],
  ['sea', 'ocean', 'water'],
  ['happy', 'glad', 'joyful'],
]

/** Words that say too little to turn a vector. */
const LITTLE = new Set(['a', 'an', 'the', 'is', 'in', 'by', 'of', 'to', 'was', 'which', 'what', 'where'])

/** A vector that is the sum of those of the words, each of which follows from its meaning. */
export function stubVector(text: string, dimension: number): number[] {
  const vector = new Array<number>(dimension).fill(0)
  for (const word of text.toLowerCase().match(/[a-z]+/g) ?? []) {
    if (LITTLE.has(word)) continue
    const meaning = MEANINGS.find((words) => words.includes(word))?.[0] ?? word
    for (let i = 0; i < dimension; i += 32) {
      const digest = createHash('sha256').update(`${meaning} ${i}`).digest()
      for (let at = 0; at < 32 && i + at < dimension; at++) {
        vector[i + at] = (vector[i + at] as number) + (digest[at] as number) - 127.5
      }
    }
  }
  return vector
}

export async function embeddingStub(): Promise<EmbeddingStub> {
  let watchers: (() => void)[] = []
  const server = createServer(async (request, response) => {
    const seen = await read(request)
    stub.requests.push(seen)
    if (stub.answer !== undefined) stub.answer(seen, response)
    else if (seen.input.length > stub.maximumBatch) response.writeHead(413).end('too many')
    else {
      const data = seen.input.map((text, index) => ({
        object: 'embedding',
        index,
        embedding: stubVector(text, stub.dimension),
      }))
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ object: 'list', model: seen.model, data: data.reverse() }))
    }
    for (const watch of watchers) watch()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stub: EmbeddingStub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    answer: undefined,
    dimension: 256,
    maximumBatch: Number.POSITIVE_INFINITY,
    until: async (condition) => {
      while (!condition()) {
        await new Promise<void>((resolve) => {
          watchers = [...watchers, resolve]
        })
      }
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return stub
}

async function read(request: IncomingMessage): Promise<EmbeddingRequest> {
  const { model, input } = (await jsonOf(request)) as { model: string; input: string[] }
  return { path: request.url ?? '', token: request.headers.authorization, model, input }
}
