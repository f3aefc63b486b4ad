export { DEFAULT_BROKER_PORT } from './connection-target.js'

export const DEFAULT_BROKER_HOST = '127.0.0.1'
/** All of ours. */
export const DEFAULT_STAMP_SENDERS: readonly string[] = ['jamey/#']
export const DEFAULT_GRACE_MS = 1_000
