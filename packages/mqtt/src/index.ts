export type { Client, CloseOptions, CloseReport, Subscription } from './client.js'
export type { Clock } from './clock.js'
export { connect, createClient } from './connect.js'
export { Deadline, type DeadlineCause } from './deadline.js'
export * from './errors.js'
export type { Explanation, ToldReason } from './explanation.js'
export { DROPPED_BY_HAND, publishedAnew } from './given-up.js'
export type { Message } from './message.js'
export { systemClock } from './node-clock.js'
export type * from './options.js'
export { receiptOf } from './receipts.js'
export type { ServerInformation } from './server-information.js'
export type {
  SessionStore,
  SetAsidePublish,
  StoredAmount,
  StoredOutcome,
  StoredPage,
  StoredPublish,
  StoredRange,
  StoredReason,
  StoredReceipt,
  StoredSession,
  WaitingPublish,
} from './session-store.js'
export type { SetAside, SetAsideListOptions, SetAsideMessage } from './set-aside.js'
export { MAY_BECOME, type SessionFate, type StateChange, type StateName } from './state.js'
export type { ClientStats } from './stats.js'
export type { Endpoint, TlsMaterial, Transport, TransportFactory, TransportListener } from './transport.js'
