import { z } from 'zod'
import type { EmbeddingSettings } from '../model/embeddings.js'
import { EmbeddingsError } from '../model/errors.js'

/** More than the largest batch of the longest vectors has. */
const MAXIMUM_ANSWER_BYTES = 64 * 1024 * 1024
const MAXIMUM_DIMENSION = 8192
/** Of one text; models have bounds of their own, below which its beginning stands for the whole. */
const TEXT_CHARACTERS = 8000

const answerSchema = z.object({
  data: z.array(
    z.object({
      index: z.int().min(0).optional(),
      embedding: z.array(z.number()).min(1).max(MAXIMUM_DIMENSION),
    }),
  ),
})

/** Where an API has its embeddings, by whichever part of its address was given. */
export function embeddingsUrl(text: string): URL {
  const url = new URL(text)
  const path = url.pathname.replace(/\/+$/, '')
  if (path.endsWith('/embeddings')) return url
  url.pathname = path.endsWith('/v1') ? `${path}/embeddings` : `${path}/v1/embeddings`
  return url
}

/** An OpenAI-compatible endpoint. Everything rejects with `EmbeddingsError`; the key stands in none. */
export class EmbeddingEndpoint {
  readonly #settings: EmbeddingSettings
  readonly #url: URL

  constructor(settings: EmbeddingSettings) {
    this.#settings = settings
    this.#url = embeddingsUrl(settings.url)
  }

  /** One vector of length 1 for each text, all of one dimension; undefined for a text that has none. */
  async embed(
    texts: readonly string[],
    timeoutMs = this.#settings.timeoutMs,
  ): Promise<(Float32Array | undefined)[]> {
    const input = texts.map((text) => text.slice(0, TEXT_CHARACTERS).toWellFormed())
    const { data } = await this.#ask({ model: this.#settings.model, input }, timeoutMs)
    const vectors: (Float32Array | undefined)[] = new Array(texts.length).fill(undefined)
    const dimension = data[0]?.embedding.length
    const places = new Set(data.map(({ index }, i) => index ?? i))
    const isWhole = data.length === texts.length && places.size === texts.length
    for (const [i, { index = i, embedding }] of data.entries()) {
      if (!isWhole || index >= texts.length || embedding.length !== dimension) {
        throw invalid(`it must have one vector of one dimension for each of ${texts.length} texts`)
      }
      vectors[index] = unit(embedding)
    }
    return vectors
  }

  async #ask(body: object, timeoutMs: number): Promise<z.output<typeof answerSchema>> {
    const { key } = this.#settings
    const deadline = AbortSignal.timeout(timeoutMs)
    const headers: Record<string, string> = { accept: 'application/json', 'content-type': 'application/json' }
    if (key !== undefined) headers['authorization'] = `Bearer ${key}`
    let response: Response
    let text: string
    try {
      // Nothing is followed elsewhere: texts and key would go along.
      const request = {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
        redirect: 'error',
        signal: deadline,
      } as const
      response = await fetch(this.#url, request)
      text = await textOf(response)
    } catch (error) {
      if (error instanceof EmbeddingsError) throw error
      const why = deadline.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error)
      throw new EmbeddingsError('embeddings-unreachable', `The endpoint of embeddings failed: ${why}.`, {
        cause: error,
      })
    }
    if (!response.ok) {
      throw new EmbeddingsError(
        'embeddings-refused',
        `The endpoint of embeddings answered with ${response.status}.`,
        { status: response.status },
      )
    }
    try {
      return answerSchema.parse(JSON.parse(text))
    } catch (error) {
      throw invalid('it must be JSON with data[].embedding of numbers', error)
    }
  }
}

function invalid(expected: string, cause?: unknown): EmbeddingsError {
  return new EmbeddingsError(
    'embeddings-invalid',
    `The answer of the endpoint of embeddings is not valid: ${expected}.`,
    {
      cause,
    },
  )
}

async function textOf({ body, headers }: Response): Promise<string> {
  if (body === null) return ''
  const tooLong = () => invalid(`it must have at most ${MAXIMUM_ANSWER_BYTES} bytes`)
  if (Number(headers.get('content-length')) > MAXIMUM_ANSWER_BYTES) {
    await body.cancel()
    throw tooLong()
  }
  const decoder = new TextDecoder()
  let [text, bytes] = ['', 0]
  for await (const chunk of body) {
    bytes += chunk.byteLength
    if (bytes > MAXIMUM_ANSWER_BYTES) throw tooLong()
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** Undefined for a vector without a direction. */
function unit(embedding: readonly number[]): Float32Array | undefined {
  const length = Math.sqrt(embedding.reduce((sum, value) => sum + value * value, 0))
  return length > 0 && Number.isFinite(length)
    ? Float32Array.from(embedding, (value) => value / length)
    : undefined
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
