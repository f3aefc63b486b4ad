/**
 * The entry for browsers, chosen by the condition 'browser', its types included: all types that index.ts exports, and of
 * its values what pages have. Those that stores on disk and the bus need are missing, and no module of Node is reached.
 */

// All of these are reached anyway, in another order. A bundler lays modules out in the order in which it meets them,
// and in this one they compress best: some 900 bytes less than without. `tests/browser/bundle.test.ts` holds the size.
import './support/bytes.js'
import './publishing/in-flight.js'
import './model/errors.js'
import './client/settings-reader.js'
import './support/fifo.js'
import './entry/browser-platform.js'
import './connection/reason-table.js'
import './client/mqtt-client.js'

export { connect, createClient } from './entry/browser-connect.js'
export type { Client, CloseOptions, CloseReport, Subscription } from './model/client.js'
export type { DeadLetterListOptions, DeadLetters } from './model/dead-letters.js'
export * from './model/errors.js'
export type { Explanation, ToldReason } from './model/explanation.js'
export type { Message } from './model/message.js'
export type * from './model/options.js'
export type { ServerInformation } from './model/server-information.js'
export type {
  DeadLetter,
  SessionStore,
  StoredAmount,
  StoredIncoming,
  StoredOutcome,
  StoredPage,
  StoredPublish,
  StoredRange,
  StoredReason,
  StoredSession,
  WaitingPublish,
} from './model/session-store.js'
export { type SessionFate, type StateChange, type StateName, TRANSITIONS } from './model/state.js'
export type { ClientStats } from './model/stats.js'
export type {
  Endpoint,
  TlsMaterial,
  Transport,
  TransportFactory,
  TransportListener,
} from './model/transport.js'
export type { Clock } from './support/clock.js'
