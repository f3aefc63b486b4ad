/** An endpoint of embeddings, and how it is asked. */
export interface EmbeddingSettings {
  /** Of an OpenAI-compatible API: `https://host/v1`, or `http://127.0.0.1:11434` for Ollama. */
  readonly url: string
  readonly model: string
  /** Sent as Bearer token. */
  readonly key?: string | undefined
  /** Number of texts of one request; fewer where the endpoint refuses so many. */
  readonly batch: number
  /** Milliseconds for one request. */
  readonly timeoutMs: number
  /** Milliseconds that a question waits for its own vector. */
  readonly queryMs: number
}

/** The vector of a question, or why it has none. */
export type QueryVector =
  | { readonly model: string; readonly vector: Float32Array }
  | { readonly model: string; readonly missing: string }
