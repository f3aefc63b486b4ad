export {
  type BrokerStoreBackup,
  type BrokerStoreBackupOptions,
  backupBrokerStore,
} from './backup-broker-store.js'
export { checkStore, type StoreCheck, type StoreCheckOptions } from './check-store.js'
export { type BrokerStoreOptions, openBrokerStore } from './open-broker-store.js'
export { type OutboxOptions, openOutbox } from './open-outbox.js'
export { openSessionStore, type SessionStoreOptions } from './open-session-store.js'
export type * from './outbox.js'
export { StoreError, type StoreErrorCode } from './store-error.js'
