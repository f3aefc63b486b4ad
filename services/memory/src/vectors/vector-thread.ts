import type { Claim } from '../file/claim.js'
import type { EmbeddingSettings } from '../model/embeddings.js'

/** What the thread needs that asks for vectors. */
export interface VectorThreadOptions {
  readonly file: string
  readonly busyTimeoutMs: number
  readonly claim?: Claim | undefined
  readonly embeddings: EmbeddingSettings
}
