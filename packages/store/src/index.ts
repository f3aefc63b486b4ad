export {
  type BrokerStoreBackup,
  type BrokerStoreBackupOptions,
  backupBrokerStore,
} from './broker/backup-broker-store.js'
export { type BrokerStoreOptions, openBrokerStore } from './broker/open-broker-store.js'
export { checkStore, type StoreCheck, type StoreCheckOptions } from './check-store.js'
export { STORE_FORMATS } from './formats.js'
export { StoreError, type StoreErrorCode } from './lmdb/store-error.js'
export {
  type SnapshotCopyOptions,
  type StoreCopy,
  StoreSnapshot,
} from './lmdb/store-snapshot.js'
export { type OutboxOptions, openOutbox } from './outbox/open-outbox.js'
export type * from './outbox/outbox.js'
export { openRecordStore } from './records/open-record-store.js'
export type * from './records/record-store.js'
export { openSessionStore, type SessionStoreOptions } from './session/open-session-store.js'
