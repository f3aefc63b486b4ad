export { type BrokerStoreOptions, openBrokerStore } from './open-broker-store.js'
export { openSessionStore, type SessionStoreOptions } from './open-session-store.js'
export { StoreError, type StoreErrorCode } from './store-error.js'
