export { connect, createClient } from './entry/connect.js'
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
export { type Exchange, exchangeOf } from './receiving/exchange.js'
export type { Clock } from './support/clock.js'
export { systemClock } from './support/node-clock.js'
