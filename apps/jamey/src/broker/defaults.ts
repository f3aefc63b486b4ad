export const DEFAULT_BROKER_HOST = '127.0.0.1'
/** Topics of ours, all of whose messages are stamped. */
export const DEFAULT_STAMP_SENDERS: readonly string[] = ['jamey/#']
/** Answers to requests: who does not read them holds up nobody who answers. */
export const DEFAULT_REFUSE_WHEN_FULL: readonly string[] = ['jamey/api/responses/#']
export const DEFAULT_GRACE_MS = 1_000
