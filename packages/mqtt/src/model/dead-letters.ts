import type { DeadLetter } from './session-store.js'

export interface DeadLetterListOptions {
  /** Lists messages with a greater number only. */
  readonly after?: number | undefined
  /** 100 by default. */
  readonly maximumMessages?: number | undefined
  /** Bytes of topics and payloads; 16 MiB by default. */
  readonly maximumBytes?: number | undefined
}

/**
 * Messages that were stored (`until: 'stored'`, or by an earlier process) and that the server does not take, oldest
 * first. They hold up no others and stay until they are retried or dropped.
 */
export interface DeadLetters {
  readonly size: number
  /** Rejects with what the store says where it cannot be read. */
  list(options?: DeadLetterListOptions): Promise<DeadLetter[]>
  /** Queues it anew, behind all others; false where there is none of that number. Rejects with `PublishError`. */
  retry(sequence: number): Promise<boolean>
  /** Forgets it; false where there is none of that number. */
  drop(sequence: number): Promise<boolean>
}
