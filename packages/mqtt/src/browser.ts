/**
 * The entry for browsers, chosen by the condition 'browser', its types included: all types that index.ts exports, and of
 * its values what pages have. Those that stores on disk and the bus need are missing, and no module of Node is reached.
 */

export { connect, createClient } from './browser-connect.js'
export type { Client, CloseOptions, CloseReport, Subscription } from './client.js'
export type { Clock } from './clock.js'
export * from './errors.js'
export type { Explanation, ToldReason } from './explanation.js'
export type { Message } from './message.js'
export type * from './options.js'
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
