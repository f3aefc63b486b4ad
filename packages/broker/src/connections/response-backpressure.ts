/** Bytes of responses that may wait behind a socket that is full. */
const MAXIMUM_BYTES = 1_048_576
const MAXIMUM_ACKNOWLEDGEMENT_BYTES = 5

/**
 * What a peer asked for and does not read. Messages for it are bounded where they are queued; answers are not, so
 * whoever sends and never reads is not read from either until it took what it has.
 */
export class ResponseBackpressure {
  #bytes = 0

  get areTooMany(): boolean {
    return this.#bytes > MAXIMUM_BYTES
  }

  add(bytes: number): void {
    this.#bytes += bytes
  }

  addAcknowledgement(): void {
    this.#bytes += MAXIMUM_ACKNOWLEDGEMENT_BYTES
  }

  /** The system took everything. */
  clear(): void {
    this.#bytes = 0
  }
}
