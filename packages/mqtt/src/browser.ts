/**
 * The entry for browsers, chosen by the condition 'browser': what index.ts exports but for what only stores on disk and
 * the bus need, and no module of Node is reached.
 */

export { connect, createClient } from './browser-connect.js'
export type { Client, CloseOptions, CloseReport, Subscription } from './client.js'
export type { Clock } from './clock.js'
export * from './errors.js'
export type { Message } from './message.js'
export type * from './options.js'
export type { ServerInformation } from './server-information.js'
export type { SessionStore, StoredPublish, StoredSession } from './session-store.js'
export { MAY_BECOME, type StateChange, type StateName } from './state.js'
export type { ClientStats } from './stats.js'
export type { Endpoint, TlsMaterial, Transport, TransportFactory, TransportListener } from './transport.js'
