/** For one answer of a conscience or a memory. */
export const ANSWER_TIMEOUT_MS = 10_000
/** For a person who is asked about a call. */
export const APPROVAL_TIMEOUT_MS = 300_000
