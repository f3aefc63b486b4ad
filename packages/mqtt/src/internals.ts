/**
 * The parts of the client that other packages of this repository need. It changes without notice; users have
 * `index.ts`.
 */

export { DROPPED_BY_HAND, publishedAnew } from './model/session-store.js'
export { receiptOf } from './publishing/receipts.js'
export { Deadline, type DeadlineCause } from './support/deadline.js'
