/** Bounds on bodies, headers, connections and times of every call, whoever makes it. */

export const BODY_LIMIT_BYTES = 1024 * 1024
/** A token may have 16 KiB, and Node's own limit for all headers together is no more than that. */
export const HEADER_LIMIT_BYTES = 32 * 1024
/** A caller that opens more must not take the file descriptors that the messaging of the same process needs. */
export const MAXIMUM_CONNECTIONS = 1_000
export const HEADERS_TIMEOUT_MS = 10_000
export const REQUEST_TIMEOUT_MS = 30_000
/** A body that is taken line by line waits for what is done with its lines. */
export const STREAM_TIMEOUT_MS = 3_600_000
export const KEEP_ALIVE_TIMEOUT_MS = 65_000
/** Neither a byte in nor a byte out: longer than any call takes, so the peer has gone, or does not read. */
export const SILENCE_TIMEOUT_MS = 150_000
/** Time that calls which were given up at the end of the grace have to say so to their callers. */
export const FAREWELL_MS = 200
