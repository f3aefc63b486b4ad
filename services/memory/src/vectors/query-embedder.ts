import type { QueryVector } from '../model/embeddings.js'
import type { EmbeddingsError } from '../model/errors.js'
import type { EmbeddingEndpoint } from './embedding-endpoint.js'

export interface QueryEmbedderParts {
  readonly endpoint: Pick<EmbeddingEndpoint, 'embed'>
  readonly model: string
  /** Milliseconds that a question waits. */
  readonly queryMs: number
  /** Of the vectors in the file; undefined where there are none. */
  readonly dimension: () => number | undefined
  /** The monotonic clock. */
  readonly now: () => number
}

/** Number of questions whose vectors are kept: the next pages of one want the same order. */
const KEPT = 256
/** Milliseconds after a failure in which no question waits for the endpoint. */
const AWAY_MS = 5000

/** Makes vectors of questions, and has none wait for an endpoint that has just failed. */
export class QueryEmbedder {
  readonly #parts: QueryEmbedderParts
  readonly #kept = new Map<string, Promise<QueryVector>>()
  #awayUntilMs = Number.NEGATIVE_INFINITY
  #why = ''

  constructor(parts: QueryEmbedderParts) {
    this.#parts = parts
  }

  async embed(text: string): Promise<QueryVector> {
    const asked = this.#kept.get(text)
    if (asked === undefined) return this.#make(text)
    const known = await asked
    return this.#isOutdated(known) ? this.#make(text) : known
  }

  async #make(text: string): Promise<QueryVector> {
    const { model, now } = this.#parts
    if (now() < this.#awayUntilMs) return { model, missing: this.#why }
    const made = this.#ask(text)
    this.#kept.set(text, made)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break
      this.#kept.delete(oldest)
    }
    return made
  }

  /** The endpoint gives vectors of another dimension by now. */
  #isOutdated(known: QueryVector): boolean {
    const dimension = this.#parts.dimension()
    return 'vector' in known && dimension !== undefined && known.vector.length !== dimension
  }

  async #ask(text: string): Promise<QueryVector> {
    const { endpoint, model, queryMs, now } = this.#parts
    try {
      const [vector] = await endpoint.embed([text], queryMs)
      return vector === undefined ? { model, missing: 'the question has no vector' } : { model, vector }
    } catch (error) {
      this.#kept.delete(text)
      this.#why = (error as EmbeddingsError).message
      this.#awayUntilMs = now() + AWAY_MS
      return { model, missing: this.#why }
    }
  }
}
