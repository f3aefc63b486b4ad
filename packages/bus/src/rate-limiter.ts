/** A token bucket over messages and bytes: a burst of one second's worth, refilled evenly. */
export interface RateLimit {
  readonly messagesPerSecond?: number
  readonly bytesPerSecond?: number
  /** What happens to a message over the limit: it waits for its turn (the default) or is rejected. */
  readonly policy?: 'wait' | 'reject'
}
