import { EmbeddingsError, StorageError } from '../model/errors.js'
import type { EmbeddingEndpoint } from './embedding-endpoint.js'
import type { MissingVector } from './vector-table.js'

/** Waits between two tries: doubled with each failure, up to the last. */
const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 60_000
/** After which it is looked for new memories, where nothing is left. */
const IDLE_MS = 1000
/** Number of texts that the endpoint does not take; they are tried again by the next process. */
const MAXIMUM_REFUSED = 10_000

type Awaitable<T> = T | Promise<T>

/** Where vectors are kept, and known to be missing. */
export interface VectorsToFill {
  /** The next ones to make; those may be left out that the endpoint does not take. */
  missing(limit: number, refused: ReadonlySet<number>): Awaitable<MissingVector[]>
  put(made: readonly (MissingVector & { readonly vector: Float32Array })[]): Awaitable<void>
}

export interface FillerParts {
  readonly table: VectorsToFill
  readonly endpoint: Pick<EmbeddingEndpoint, 'embed'>
  readonly batch: number
  /** Resolves after so many milliseconds, or when it is to end. */
  readonly wait: (ms: number) => Promise<void>
}

/**
 * Makes the vectors that are missing, one batch after another; what is not made is found again in the file. A failing
 * endpoint is asked again ever more rarely, and of a batch that is refused each half is tried.
 */
export class VectorFiller {
  readonly #parts: FillerParts
  readonly #refused = new Set<number>()
  #failures = 0
  #size: number
  #isEnding = false
  /** Why nothing is made at present. */
  fault: EmbeddingsError | StorageError | undefined

  constructor(parts: FillerParts) {
    this.#parts = parts
    this.#size = parts.batch
  }

  get refused(): number {
    return this.#refused.size
  }

  /** Rejects where the file can never be written again. */
  async run(): Promise<void> {
    let waiting: MissingVector[] = []
    while (!this.#isEnding) {
      if (waiting.length === 0) {
        const { table, batch } = this.#parts
        const missing = await table.missing(batch, this.#refused)
        waiting = missing.filter(({ seq }) => !this.#refused.has(seq))
        if (waiting.length === 0) {
          await this.#parts.wait(IDLE_MS)
          continue
        }
      }
      waiting = await this.#fill(waiting)
    }
  }

  /** What has begun is finished. */
  end(): void {
    this.#isEnding = true
  }

  /** Gives what is still to be made of these. */
  async #fill(waiting: MissingVector[]): Promise<MissingVector[]> {
    const { table, endpoint, batch } = this.#parts
    const asked = waiting.slice(0, this.#size)
    try {
      const vectors = await endpoint.embed(asked.map(({ content }) => content))
      await table.put(
        asked.flatMap((one, i) => (vectors[i] === undefined ? [] : [{ ...one, vector: vectors[i] }])),
      )
      for (const [i, { seq }] of asked.entries()) if (vectors[i] === undefined) this.#refuse(seq)
      this.#failures = 0
      this.fault = undefined
      this.#size = Math.min(batch, this.#size * 2)
      return waiting.slice(asked.length)
    } catch (error) {
      const isPassing = error instanceof StorageError && error.retryable
      if (!(error instanceof EmbeddingsError || isPassing)) throw error
      if (error instanceof EmbeddingsError && isAboutTexts(error)) {
        // Halved down to one, which is then known to be at fault.
        if (asked.length > 1) this.#size = Math.ceil(asked.length / 2)
        else this.#refuse((asked[0] as MissingVector).seq)
        return asked.length > 1 ? waiting : waiting.slice(1)
      }
      this.fault = error
      await this.#parts.wait(Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures))
      this.#failures = Math.min(this.#failures + 1, 16)
      return waiting
    }
  }

  #refuse(seq: number): void {
    if (this.#refused.size < MAXIMUM_REFUSED) this.#refused.add(seq)
  }
}

/** Too many, too long, or not what it takes: other texts may do. */
function isAboutTexts({ status }: EmbeddingsError): boolean {
  return status === 400 || status === 413 || status === 422
}
