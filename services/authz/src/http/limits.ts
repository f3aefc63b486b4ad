/** Bounds on every request, whichever broker sends it. */

/** A token of 16 KiB and a topic of 64 KiB, escaped; publish hooks of VerneMQ need `no_payload`. */
export const BODY_LIMIT_BYTES = 1024 * 1024
/** Decisions under way; whatever comes beyond is refused. */
export const MAXIMUM_IN_FLIGHT = 500
export const MAXIMUM_CONNECTIONS = 1_000
export const HEADER_LIMIT_BYTES = 16 * 1024
export const HEADERS_TIMEOUT_MS = 5_000
export const REQUEST_TIMEOUT_MS = 10_000
/** Longer than pools of brokers leave a connection idle. */
export const KEEP_ALIVE_TIMEOUT_MS = 65_000
/** Brokers send objects in a list in an object. */
export const MAXIMUM_BODY_DEPTH = 8
/** Lines of the log about refusals in a second; what is beyond is counted. */
export const MAXIMUM_LINES_PER_SECOND = 10
