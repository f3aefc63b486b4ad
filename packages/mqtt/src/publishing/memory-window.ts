/** Number of waiting messages that are in memory; the rest may lie in the store alone. */
export const WINDOW_MESSAGES = 16_384
export const WINDOW_BYTES = 16_777_216

/** True where a message of `more` bytes beside so many is too much for memory; one alone never is. */
export function isBeyondWindow(messages: number, bytes: number, more: number): boolean {
  return messages >= WINDOW_MESSAGES || (messages > 0 && bytes + more > WINDOW_BYTES)
}
